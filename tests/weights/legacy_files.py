"""Checkpoints as the authors' training writes them, of networks small enough for a test."""

import random

import numpy as np
import torch

from spir.bootstrap.encoder import Encoder, EncoderConfig
from spir.categories import CATEGORIES
from spir.generator.generator import Generator, GeneratorConfig

TINY_ENCODER = EncoderConfig(
    dims=(16, 24, 32, 48),
    heads=(1, 1, 1, 1),
    depths=(1, 1, 2, 1),
    decode_width=16,
    head_width=16,
    w_dim=24,
)


def networks(category: str) -> tuple[Generator, Encoder]:
    """Theirs: in their own world, with a ball in the middle to look at."""
    row = CATEGORIES[category]
    config = GeneratorConfig(
        z_dim=12,
        w_dim=24,
        plane_resolution=32,
        plane_channels=8,
        channel_base=512,
        channel_max=32,
        scene_range=row.frame.half_side,
        noise=row.noise,
        view_direction=row.view_direction,
    )
    torch.manual_seed(len(category))
    generator, encoder = Generator(config), Encoder(TINY_ENCODER)
    with torch.no_grad():
        generator.decoder.net[2].weight[0] *= 0.05
        generator.decoder.net[2].bias[0] = -0.3 * row.frame.half_side
        generator.beta.fill_(0.03)
        if row.view_direction:
            generator.viewdir_mapper.output.weight.normal_()
    return generator.eval(), encoder.eval()


def write_pair(folder, category):
    """(generator file, encoder file), with everything that a training saves beside the weights."""
    generator, encoder = networks(category)
    optimiser = torch.optim.Adam(generator.parameters(), 1e-3)
    states = {
        "random": random.getstate(),
        "numpy": np.random.get_state(),
        "torch": torch.get_rng_state(),
    }
    rest = {"iteration": 300000, "random_state": states, "best_fid": np.float64(9.5), "augment_p": 0.2}
    first = folder / "checkpoint_latest.pth"
    state = generator.state_dict()
    torch.save(
        {"model": state, "model_ema": state, "optimizer_g": optimiser.state_dict(), "lr_g": 0.0025, **rest},
        first,
    )
    second = folder / "c_it300000_latest.pth"
    prefixed = {f"module.{name}": tensor for name, tensor in encoder.state_dict().items()}
    torch.save({"model_coord": prefixed, "lr": 6e-5, "iteration": 120000, "random_state": states}, second)
    return first, second


def in_their_world(points, category):
    """Our points in the authors' axes and unit."""
    frame = CATEGORIES[category].frame
    return points @ torch.tensor(frame.axes, dtype=torch.float32) * frame.half_side


AUTHORS = [name for name, row in CATEGORIES.items() if row.pixel_centre == 0]
