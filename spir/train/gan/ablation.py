"""§4 "Ablations": the same adversarial training without one part of the method, to see what the part is
worth.

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
    """In this field the decoder outputs colours instead of attention, so nothing can be recoloured."""

    def colour(
        self, logits: Float[Tensor, "batch point values"]
    ) -> tuple[Float[Tensor, "batch point 3"], None]:
        """Colours in [-1, 1] at each point, and no attention."""
        return logits[..., :3].tanh(), None


class DirectColours(Generator):
    """The same networks without "Attention-based color mapping" (§3.1): three outputs of the decoder are the
    colour."""

    def field(self, code: Code) -> DirectField:
        """The field of each code, its colours straight from the decoder."""
        reach = self.config.scene_range
        return DirectField(self.planes(code), self.palette(code), self.decoder, self.density, reach)

    def palette(self, code: Code) -> Float[Tensor, "batch values 3"]:
        """Zeros: there are no colours that path length regularisation could hold still."""
        return torch.zeros(len(code.w), self.config.values, 3, device=code.w.device)


@dataclass(frozen=True)
class Ablation:
    """One part of the method that is taken away, by changed numbers or by another network."""

    numbers: tuple[tuple[str, int | float], ...] = ()
    """These fields of `GanConfig` get these values."""
    network: type[Generator] = Generator

    def __call__(self, config: GanConfig) -> GanConfig:
        """The configuration without the part."""
        return replace(config, **dict(self.numbers))


ABLATIONS = {
    "path-length": Ablation((("path", 0.0),)),
    # What is left is a field whose sign says inside or outside, and which nothing makes a distance.
    "sdf": Ablation((("eikonal", 0.0), ("variation", 0.0), ("entropy", 0.0), ("sphere_steps", 0))),
    "colour-mapping": Ablation(network=DirectColours),
}
WHOLE = Ablation()
