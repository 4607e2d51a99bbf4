"""An engine of toy size: a generator taught one ellipsoid, an encoder that knows nothing.

`python -m tests.app.toy` teaches it again; the tests load what it wrote.
"""

from pathlib import Path

import torch

from spir.bootstrap.encoder import Encoder, EncoderConfig
from spir.generator.generator import Generator, GeneratorConfig
from spir.weights import save

ROOT = Path(__file__).parent / "toy_weights"
GENERATOR = GeneratorConfig(8, 16, 16, 4, 128, 16, hidden=16)
ENCODER = EncoderConfig(
    dims=(8, 8, 8, 8),
    heads=(1, 1, 1, 1),
    depths=(1, 1, 1, 1),
    decode_width=8,
    head_width=8,
    w_dim=16,
    in_channels=4,
    map_upsample=2,
)
AXES = torch.tensor([0.4, 0.35, 0.7])
ROUNDS = 150


def ellipsoid_generator() -> Generator:
    """Whatever the code, an ellipsoid whose palette entries follow one another along its length."""
    generator = Generator(GENERATOR)
    optimiser = torch.optim.Adam(generator.parameters(), 1e-2)
    for _ in range(ROUNDS):
        points = torch.rand(2, 400, 3) * 2 - 1
        sample = generator.field(generator.code(torch.randn(2, 8)))(points)
        wanted = ((points / AXES).norm(dim=-1) - 1) * AXES.min()
        part = ((points[..., 2] + 1) * 5).long().clamp(0, 9)
        naming = torch.nn.functional.nll_loss(sample.attention.flatten(0, 1).log(), part.flatten())
        loss = (sample.sdf - wanted).abs().mean() + 0.05 * naming
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    generator.alpha.data.fill_(0.02)
    generator.beta.data.fill_(0.02)
    return generator


if __name__ == "__main__":
    torch.manual_seed(0)
    save(ROOT / "car/generator.safetensors", ellipsoid_generator(), GENERATOR)
    save(ROOT / "car/encoder.safetensors", Encoder(ENCODER), ENCODER)
