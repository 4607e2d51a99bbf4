"""§4, CARLA: colours that depend on the view direction, for renderings with specular paint.

The direction changes the attention, not the palette: recolouring works as without it.
"""

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from spir.generator.layers import SLOPE, Linear

WIDTH = 64


class ViewDirectionMapper(nn.Module):
    """Maps a direction's features, added to those of a point, to attention logits.

    One layer, two residual pairs with layer norms, two layers. Initially no colour is preferred."""

    def __init__(self, features: int, values: int):
        super().__init__()
        self.fc0 = Linear(3, WIDTH)
        for index in range(1, 5):
            self.add_module(f"fc{index}", Linear(WIDTH, WIDTH, bias=None))
            self.add_module(f"norm{index}", nn.LayerNorm(WIDTH))
        self.fc5 = Linear(WIDTH, WIDTH)
        self.fc6 = Linear(WIDTH, features)
        self.output = Linear(features, values)
        nn.init.zeros_(self.output.weight)

    def layer(self, index: int, x: Float[Tensor, "*batch width"]) -> Float[Tensor, "*batch width"]:
        x = self.get_submodule(f"fc{index}")(x)
        return F.leaky_relu(self.get_submodule(f"norm{index}")(x), SLOPE)

    def forward(
        self, directions: Float[Tensor, "batch point 3"], features: Float[Tensor, "batch point channel"]
    ) -> Float[Tensor, "batch point values"]:
        """Return attention logits; `directions` are unit vectors away from the camera, in object axes."""
        x = self.fc0(directions)
        for first in (1, 3):
            x = (x + self.layer(first + 1, self.layer(first, x))) * 0.5**0.5
        x = self.fc6(F.leaky_relu(self.fc5(x), SLOPE))
        return self.output(F.leaky_relu(features + x, SLOPE))
