"""§3.1 "Unconditional generator pre-training": the whole network, from Code to Field."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from spir.generator.colour import TextureMapper
from spir.generator.mapping import MappingNetwork, average_w
from spir.generator.sdf import Decoder, PlaneField, full_precision
from spir.generator.synthesis import SynthesisLayer, SynthesisNetwork
from spir.generator.triplane import UNTURNED, turned
from spir.generator.view_direction import ViewDirectionMapper
from spir.geometry.density import SMALLEST_LENGTH, LaplaceDensity
from spir.types import Code


@dataclass(frozen=True)
class GeneratorConfig:
    """Every size of the network; stored with its weights."""

    z_dim: int
    w_dim: int
    plane_resolution: int
    """Pixels along a plane's side, a power of two from 4."""
    plane_channels: int
    """Channels of each of the three planes."""
    channel_base: int
    """Feature channels at resolution r: min(channel_base / r, channel_max)."""
    channel_max: int
    values: int = 10
    """Colours of the palette."""
    hidden: int = 64
    """Width of the decoder."""
    scene_range: float = 1.0
    """Half side of the cube, object units."""
    noise: bool = False
    """Whether the synthesis adds noise (two of the authors' categories)."""
    view_direction: bool = False
    """Whether colours depend on the direction they are seen from (one of the authors' categories)."""
    axes: tuple[tuple[float, float, float], ...] = UNTURNED
    """The object's x, y and z axes in the axes of the planes, for weights trained in another frame."""

    def __post_init__(self):
        size = self.plane_resolution
        if size < 4 or size & (size - 1):
            raise ValueError(f"plane_resolution is {size}, but must be a power of two from 4")


PAPER = GeneratorConfig(512, 512, 256, 32, 32768, 512, scene_range=1.4)
"""The authors' network, 32.2 million parameters."""
COMPACT = GeneratorConfig(64, 256, 128, 24, 4096, 256, scene_range=1.0)
"""The same modules in the size that we train and run on a CPU."""


class Generator(nn.Module):
    """z -> w -> three planes and a palette -> a field of distance, density and colour.

    Tensor names are those of the authors' checkpoints."""

    half: bool = False
    """Synthesis features in bfloat16: several times faster where the processor has the instructions.
    Planes, decoder and palette stay float32."""

    def __init__(self, config: GeneratorConfig):
        super().__init__()
        self.config = config
        self.beta = nn.Parameter(torch.tensor([0.1]))
        self.alpha = nn.Parameter(torch.tensor([1.0]))
        self.mapping_network = MappingNetwork(config.z_dim, config.w_dim)
        self.synthesis_network = SynthesisNetwork(
            config.w_dim,
            config.plane_resolution,
            3 * config.plane_channels,
            config.channel_base,
            config.channel_max,
            config.noise,
        )
        directed = config.view_direction
        features = config.plane_channels if directed else config.values
        self.decoder = Decoder(config.plane_channels, config.hidden, features)
        self.viewdir_mapper = ViewDirectionMapper(features, config.values) if directed else None
        self.texture_mapper = TextureMapper(config.w_dim, config.values)

    @property
    def num_ws(self) -> int:
        """The number of rows of a full w: those of the shape, and the last one for the palette."""
        return self.synthesis_network.rows + 1

    @property
    def density(self) -> LaplaceDensity:
        return LaplaceDensity(self.alpha, self.beta)

    @torch.no_grad()
    def clamp_density(self) -> None:
        """Keep alpha and beta positive; call it after every optimiser step."""
        self.alpha.clamp_(min=SMALLEST_LENGTH)
        self.beta.clamp_(min=SMALLEST_LENGTH)

    @property
    def dtype(self) -> torch.dtype:
        """The precision of the synthesis features."""
        return torch.bfloat16 if self.half else torch.float32

    def freeze(self) -> "Generator":
        """Prepare for inference: evaluation mode, no parameter gradients, and everything that depends only on the weights
        computed once (for the present `half` and device; after a change of either, freeze again)."""
        self.eval().requires_grad_(False)
        for module in self.modules():
            if isinstance(module, SynthesisLayer):
                module.freeze(self.dtype)
        return self

    def mapping(self, z: Float[Tensor, "batch z_dim"]) -> Float[Tensor, "batch w_dim"]:
        return self.mapping_network(z)

    def average_w(self) -> Float[Tensor, " w_dim"]:
        """The mean of w over random z."""
        return average_w(self.mapping_network, self.config.z_dim)

    def code(self, z: Float[Tensor, "batch z_dim"]) -> Code:
        """Return the code of a random object, with a single row of w for all layers."""
        return Code(self.mapping(z)[:, None])

    def w_plus(self, code: Code) -> Float[Tensor, "batch layers w_dim"]:
        """Return w with all its rows; a single one is repeated."""
        if code.w.shape[1] not in (1, self.num_ws):
            raise ValueError(f"w has {code.w.shape[1]} rows; this generator takes 1 or {self.num_ws}")
        return code.w.expand(-1, self.num_ws, -1)

    def planes(self, code: Code) -> Float[Tensor, "batch 3 channel size size"]:
        """Return the three planes (xy, xz, yz), float32, each channels-last in memory."""
        with full_precision(code.w):
            planes = self.synthesis_network(self.w_plus(code)[:, :-1], self.dtype)
            return planes if self.config.axes == UNTURNED else turned(planes, self.config.axes)

    def palette(self, code: Code) -> Float[Tensor, "batch values 3"]:
        """Return the object's colours, from the code's own palette or from the last row of w."""
        if code.palette is not None:
            return code.palette
        with full_precision(code.w):
            return self.texture_mapper(self.w_plus(code)[:, -1])

    def field(self, code: Code) -> PlaneField:
        """Return the field of a code's objects."""
        networks = self.decoder, self.density, self.config.scene_range, self.viewdir_mapper
        return PlaneField(self.planes(code), self.palette(code), *networks)

    def forward(self, code: Code) -> PlaneField:
        return self.field(code)
