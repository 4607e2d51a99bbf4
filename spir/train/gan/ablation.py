"""§4 "Ablations": the same adversarial training without one part of the method, to see what the part is worth.

python -m spir.train.gan car --photos photos.tar --without path-length|sdf|colour-mapping
"""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from spir.generator.generator import Generator
from spir.generator.sdf import PlaneField
from spir.train.gan.config import GanConfig
from spir.types import Code


class DirectField(PlaneField):
    """The decoder says colours instead of attention; there is nothing to recolour."""

    def colour(
        self, logits: Float[Tensor, "batch point values"]
    ) -> tuple[Float[Tensor, "batch point 3"], None]:
        return logits[..., :3].tanh(), None


class DirectColours(Generator):
    """The same networks without "Attention-based color mapping": three of the decoder's outputs are the colour."""

    def field(self, code: Code) -> DirectField:
        reach = self.config.scene_range
        return DirectField(self.planes(code), self.palette(code), self.decoder, self.density, reach)

    def palette(self, code: Code) -> Float[Tensor, "batch values 3"]:
        """No colours: none that path length regularisation could hold still."""
        return torch.zeros(len(code.w), self.config.values, 3, device=code.w.device)


@dataclass(frozen=True)
class Ablation:
    """What is taken away."""

    numbers: tuple[tuple[str, int | float], ...] = ()
    """Of `GanConfig`."""
    network: type[Generator] = Generator

    def __call__(self, config: GanConfig) -> GanConfig:
        return replace(config, **dict(self.numbers))


ABLATIONS = {
    "path-length": Ablation((("path", 0.0),)),
    # What is left is a field whose sign says inside or outside, and which nothing makes a distance.
    "sdf": Ablation((("eikonal", 0.0), ("variation", 0.0), ("entropy", 0.0), ("sphere_steps", 0))),
    "colour-mapping": Ablation(network=DirectColours),
}
WHOLE = Ablation()
