"""The data types passed between the packages. Imports nothing of ours.

Pixel maps are channel-last; a network permutes inside its own forward.
Points live in object units: +Y up, the front of the object towards +Z, the object inside
[-scene_range, scene_range]^3. Cameras look along -z, y up. `focal` is in image widths, so a point
(X, Y, Z) of camera space lands at u = focal * X / -Z, v = focal * Y / -Z, both in [-0.5, 0.5] inside
the picture; `None` means orthographic. Colours are in [-1, 1]; masks and alpha in [0, 1].
"""

from collections.abc import Sequence
from dataclasses import Field as DataclassField
from dataclasses import dataclass, fields, is_dataclass, replace
from enum import Enum
from typing import Any, ClassVar, Protocol, TypeVar, runtime_checkable

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

T = TypeVar("T", bound="Movable")


class Movable:
    """Moves all tensors of a data class at once: `fit.to("cpu")`, `step.detach()`."""

    __dataclass_fields__: ClassVar[dict[str, DataclassField[Any]]]

    def map(self: T, change) -> T:
        """Return a copy with `change` applied to every tensor, also in nested data classes and tuples."""

        def walk(value):
            if isinstance(value, Tensor):
                return change(value)
            if is_dataclass(value) and isinstance(value, Movable):
                return value.map(change)
            return tuple(walk(v) for v in value) if isinstance(value, tuple) else value

        return replace(self, **{f.name: walk(getattr(self, f.name)) for f in fields(self)})

    def to(self: T, device: torch.device | str) -> T:
        return self.map(lambda tensor: tensor.to(device))

    def detach(self: T) -> T:
        return self.map(lambda tensor: tensor.detach())

    def __getitem__(self: T, rows: slice) -> T:
        """Return the same data class with only some rows of the batch: `pose[2:3]` (every tensor is batch-first)."""
        return self.map(lambda tensor: tensor[rows])


def join(parts: Sequence[T]) -> T:
    """Concatenate data classes of one type along the batch; a field that is None in the first stays None.

    Raises ValueError where there is nothing to join."""
    if not parts:
        raise ValueError("there is nothing to join")

    def along(values: list):
        first = values[0]
        if isinstance(first, Tensor):
            return torch.cat(values)
        if isinstance(first, Movable):
            return join(values)
        return tuple(entry for value in values for entry in value) if isinstance(first, tuple) else first

    return replace(
        parts[0], **{f.name: along([getattr(part, f.name) for part in parts]) for f in fields(parts[0])}
    )


@dataclass(frozen=True)
class Photo(Movable):
    rgb: UInt8[Tensor, "height width 3"]
    alpha: UInt8[Tensor, "height width"] | None = None
    """The upload's own alpha channel, or None."""


@dataclass(frozen=True)
class Cutout(Movable):
    rgb: Float[Tensor, "batch size size 3"]
    """The object only: the category's background wherever the mask is 0."""
    mask: Float[Tensor, "batch size size"]
    box_px: Float[Tensor, "batch 4"]
    """The crop's x0, y0, x1, y1 in the photo (may reach outside it), so that results can be placed back onto it."""


@dataclass(frozen=True)
class Pose(Movable):
    """What inversion optimises (appendix A.1); `geometry.pose` turns it into a Camera."""

    z0: Float[Tensor, " batch"] | None
    """log(2 focal - 1): perspective strength at constant apparent size; None = orthographic."""
    shift: Float[Tensor, "batch 2"]
    """The position of the object's centre, in [-1, 1] picture coordinates, x right, y up."""
    scale: Float[Tensor, " batch"]
    """Magnification at the object's depth: one object unit covers `scale` half picture widths."""
    quaternion: Float[Tensor, "batch 4"]
    """Object-to-camera rotation, (w, x, y, z), unit length."""


@dataclass(frozen=True)
class Segmentation:
    """The object in a photo, and the class of what the photo shows."""

    mask: Float[Tensor, "height width"]
    """How much each pixel belongs to the object, in [0, 1]."""
    segmenter: str
    """The display name of the segmenter that made the mask."""
    kinds: dict[str, float] | None = None
    """The probability of each known class; the rest to 1 is "none of them". None where no network has classified the photo."""
    others: int = 0
    """The number of further objects that are nearly as large."""

    @property
    def kind(self) -> str | None:
        """The most likely class; None where no network has classified the photo, or where "none of them" is more likely."""
        if self.kinds is None:
            return None
        best = max(self.kinds, key=self.kinds.__getitem__)
        return best if self.kinds[best] > 1 - sum(self.kinds.values()) else None


@dataclass(frozen=True)
class Camera(Movable):
    cam2world: Float[Tensor, "batch 4 4"]
    focal: Float[Tensor, " batch"] | None


@dataclass(frozen=True)
class Code(Movable):
    w: Float[Tensor, "batch layers width"]
    """All rows but the last shape the object; the last row makes the palette. One row = the same for all layers."""
    palette: Float[Tensor, "batch values 3"] | None = None
    """Replaces the palette that the last row would give; None = from w."""


class Outcome(str, Enum):
    """How the first pose of an item was found: estimated by PnP, or the reason why it is only a default."""

    SOLVED = "solved"
    TOO_FEW = "too few object pixels"
    DEGENERATE = "degenerate map"
    BEHIND = "no solution in front of the camera"
    LEVELLED = "levelled: PnP put the camera where nobody stands"

    __str__ = str.__str__


@dataclass(frozen=True)
class Guess(Movable):
    """The encoder's prediction for a cut-out, from which inversion starts (section 3.2)."""

    nocs: Float[Tensor, "batch size size 3"]
    """Object coordinates per pixel, object units."""
    mask: Float[Tensor, "batch size size"]
    code: Code
    pose: Pose
    pnp_error: Float[Tensor, " batch"]
    """Root mean square reprojection error, in picture widths; infinite where PnP failed."""
    outcome: tuple[Outcome, ...]
    """The outcome of each item of the batch."""


@dataclass(frozen=True)
class OptimizerState(Movable):
    """The complete state of an optimisation, from which a run can be continued exactly."""

    leaves: tuple[Tensor, ...]
    """The optimised tensors, batch-first, in the order of `inversion.variables.Variables.leaves`."""
    means: tuple[Tensor, ...]
    """Adam's first moment of each leaf."""
    squares: tuple[Tensor, ...]
    """Adam's second moment of each leaf."""


@dataclass(frozen=True)
class Step(Movable):
    index: int
    code: Code
    pose: Pose
    rgb: Float[Tensor, "batch size size 3"]
    alpha: Float[Tensor, "batch size size"]
    loss: Float[Tensor, " batch"]
    seconds: float
    """Seconds since the inversion began."""
    outcome: tuple[str, ...] = ()
    """For each item: "" or the reason why it is no longer updated."""
    momentum: OptimizerState | None = None
    """The optimiser's state, from which `invert(after=...)` continues."""


@dataclass(frozen=True)
class Fit(Movable):
    category: str
    code: Code
    pose: Pose
    trajectory: tuple[Step, ...] = ()


@dataclass(frozen=True)
class FieldSample(Movable):
    sdf: Float[Tensor, "batch point"]
    """Signed distance to the surface, object units, negative inside."""
    density: Float[Tensor, "batch point"]
    """Volume density per object unit; zero outside the cube."""
    rgb: Float[Tensor, "batch point 3"]
    attention: Float[Tensor, "batch point values"] | None = None
    """The weight of each palette colour at the point; sums to 1."""


@runtime_checkable
class Field(Protocol):
    """A batch of objects in space, evaluated at points; implemented by networks and by formulas."""

    scene_range: float

    def __call__(
        self, points: Float[Tensor, "batch point 3"], directions: Float[Tensor, "batch point 3"] | None = None
    ) -> FieldSample:
        """Evaluate the field at the points. `directions`: unit view directions; most fields ignore them, others take
        None as head-on."""
        ...

    def sdf(self, points: Float[Tensor, "batch point 3"]) -> Float[Tensor, "batch point"]:
        """Return only the signed distance, which is cheaper."""
        ...

    def sdf_grid(self, resolution: int) -> Float[Tensor, "batch x y z"]:
        """Return the signed distance on linspace(-scene_range, scene_range, resolution)^3, indexed [x, y, z]."""
        ...

    def optical_depth(
        self, start: Float[Tensor, "*shape"], end: Float[Tensor, "*shape"], length: Float[Tensor, "*shape"]
    ) -> Float[Tensor, "*shape"]:
        """Return the integral of the density over a segment on which the SDF runs linearly from start to end.

        The first axis is the batch."""
        ...


@dataclass(frozen=True)
class Rendering(Movable):
    rgb: Float[Tensor, "batch height width 3"]
    alpha: Float[Tensor, "batch height width"]
    depth: Float[Tensor, "batch height width"]
    normals: Float[Tensor, "batch height width 3"] | None = None
    attention: Float[Tensor, "batch height width values"] | None = None
    """Attention weighted by alpha: it sums to alpha, so rgb = attention @ palette + (1 - alpha) * background."""
    nocs: Float[Tensor, "batch height width 3"] | None = None
    """Expected object coordinates times alpha, object units."""


@dataclass(frozen=True)
class Mesh(Movable):
    vertices: Float[Tensor, "vertex 3"]
    faces: Int[Tensor, "face 3"]
    colours: Float[Tensor, "vertex 3"]
    attention: Float[Tensor, "vertex values"] | None = None
    """The weight of each palette colour at a vertex; sums to 1, so colours = attention @ palette."""


@dataclass(frozen=True)
class Appearance(Movable):
    """A textured surface with the photo's own detail: an unwrapped mesh, and layers as textures of which every texel's
    colour is light * (weights @ palette) + rest, colours in [0, 1] for that sum. `appearance.layers` adds them up.

    Textures of any size cover the same unit square of uv; all are sampled bilinearly."""

    vertices: Float[Tensor, "vertex 3"]
    """Positions in object units. A vertex of the surface appears once for every chart that it belongs to."""
    normals: Float[Tensor, "vertex 3"]
    """Smooth unit normals, the same on both sides of a seam."""
    faces: Int[Tensor, "face 3"]
    """Triangles, counter-clockwise seen from outside."""
    uv: Float[Tensor, "vertex 2"]
    """Texture coordinates, in [0, 1] from the upper left corner, as in glTF."""
    light: Float[Tensor, "size size"]
    """How much brighter or darker than its part's colour a texel is, in [0, 1.25]."""
    rest: Float[Tensor, "size size 3"]
    """Colour that no part explains, such as glare and badges; may be negative."""
    weights: Float[Tensor, "coarse coarse values"]
    """The weight of each palette colour; sums to 1. Coarser than `light`."""
    palette: Float[Tensor, "values 3"]
    """The colours of the parts as the photo shows them, in [-1, 1]."""
    generated: Float[Tensor, "coarse coarse values"]
    """The generator's own weights, which with `generated_palette` give the surface without the photo's detail."""
    generated_palette: Float[Tensor, "values 3"]
    """The fit's own colours, in [-1, 1]."""
    seen: Float[Tensor, "coarse coarse 2"]
    """How much of a texel the photo shows, directly and in its mirror image; the colour of other texels is a guess."""
    detail: float = 1.0
    """The amount of photo detail, in [0, 1]; 0 = only the generator's colours."""
