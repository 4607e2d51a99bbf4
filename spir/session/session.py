"""Define a session: one photo and all its results, as a frozen value (batch of 1, on the CPU).

Sessions do not change: the functions of `actions` take one and return the next.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeVar

from jaxtyping import Float
from torch import Tensor

from spir.appearance.config import AppearanceConfig
from spir.errors import ActionError
from spir.session.trajectory import Trajectory
from spir.types import Code, Cutout, Fit, Guess, Mesh, Photo, Pose, Segmentation, Step

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Result:
    """A result has a fit and the choice of what of it is in use."""

    trajectory: Trajectory
    selected: int
    """The number of the step in use."""
    mixed: Code | None = None
    """A code that was edited by hand, in use instead of the step's own."""
    palette: Float[Tensor, "values 3"] | None = None
    """The colours in [-1, 1] that were chosen by hand; None = those of the code."""

    @property
    def step(self) -> Step:
        """The step in use."""
        return self.trajectory.at(self.selected)

    @property
    def code(self) -> Code:
        """The code in use, without the colours that were chosen by hand."""
        return self.step.code if self.mixed is None else self.mixed


@dataclass(frozen=True, eq=False)
class Turntable:
    """A turntable has views all round an object; each pixel is a set of weights of the palette
    (`outputs.attention_maps`)."""

    w: Float[Tensor, "1 layers width"]
    quaternion: Float[Tensor, "1 4"]
    parts: tuple[bytes, ...]
    """Files of `attention_maps.encode_attention`, with one or more views each."""
    complete: bool = True

    def matches(self, fit: Fit) -> bool:
        """Return whether the views are complete and of that fit, whatever its colours."""
        return self.complete and self.w.equal(fit.code.w) and self.quaternion.equal(fit.pose.quaternion)


@dataclass(frozen=True, eq=False)
class PlainSurface:
    """A plain surface is a mesh in the generator's colours, with the code and the resolution of which it was
    made."""

    w: Float[Tensor, "1 layers width"]
    resolution: int
    mesh: Mesh
    seconds: float
    """The seconds that it took to make."""

    def matches(self, fit: Fit, resolution: int) -> bool:
        """Return whether this is the mesh of that fit, whatever its colours."""
        return self.resolution == resolution and self.w.equal(fit.code.w)


@dataclass(frozen=True, eq=False)
class TexturedSurface:
    """A textured surface has the photo's detail, and says of which fit and cut-out it was made."""

    w: Float[Tensor, "1 layers width"]
    quaternion: Float[Tensor, "1 4"]
    cutout: Cutout
    size: int
    """The number of texels along a side of its texture."""
    layers: bytes | None
    """The file of `outputs.layer_file`, in the colours that were found; None where no such surface is
    possible."""
    seconds: float
    """The seconds that it took to make."""
    config: AppearanceConfig | None = None
    """The configuration it was made with; None where that is not known."""

    def matches(self, fit: Fit, cutout: Cutout, size: int) -> bool:
        """Return whether this is the surface of that fit and cut-out, with at least `size` texels a side,
        whatever its colours."""
        same = self.w.equal(fit.code.w) and self.quaternion.equal(fit.pose.quaternion)
        return same and self.cutout is cutout and self.size >= size


@dataclass(frozen=True, eq=False)
class SecondPhoto:
    """The second photo gives the object that is mixed with the session's own."""

    cutout: Cutout
    code: Code | None = None
    steps: int = 0
    """The number of steps after which the code was found."""
    mixed_with: Fit | None = None
    """The fit that it was last mixed with."""


@dataclass(frozen=True, eq=False)
class Session:
    """A session has one photo and what was made of it so far: segmentation, cut-out, guess, fit and edits."""

    category: str
    photo: Photo
    upload: bytes
    """The bytes of the file as it was sent."""
    segmentation: Segmentation
    """The segmenter's result."""
    mask: Float[Tensor, "height width"]
    """The mask in use, in [0, 1]: the segmenter's, a given one, or a painted one."""
    margin: float
    """The room around the object in the cut-out, as a fraction of its box."""
    cutout: Cutout
    segmenter: str
    """The name of what made the mask, for run.json and for display."""
    mask_edited: bool = False
    """Whether the mask was painted on."""
    guess: Guess | None = None
    """The encoder's first guess."""
    result: Result | None = None
    camera: Pose | None = None
    """The pose to which the camera was moved by hand; None = the pose that was found."""
    turntable: Turntable | None = None
    surface: PlainSurface | None = None
    textured: TexturedSurface | None = None
    second: SecondPhoto | None = None

    @property
    def fitted(self) -> Result:
        """The result. Raises ActionError where there is none yet."""
        if self.result is None:
            raise ActionError("this session has no result yet: run it first")
        return self.result

    @property
    def first_guess(self) -> Guess:
        """The encoder's first guess. Raises ActionError where there is none yet."""
        if self.guess is None:
            raise ActionError("this session has no first guess yet: run it first")
        return self.guess

    @cached_property
    def fit(self) -> Fit:
        """The fit with the code and pose in use and every step. Raises ActionError where there is no result
        yet."""
        result = self.fitted
        code = result.code
        if result.palette is not None:
            code = replace(code, palette=result.palette[None])
        return Fit(self.category, code, result.step.pose, result.trajectory.steps)

    @property
    def step(self) -> Step | None:
        """The step whose object is in use; None before the first step, and where the object was mixed."""
        return None if self.result is None or self.result.mixed is not None else self.result.step

    @property
    def unedited(self) -> Fit:
        """The fit in use in the colours that were found, whatever was chosen since. Raises ActionError."""
        step = self.step
        return self.fit if step is None else replace(self.fit, code=step.code)

    @property
    def fitted_cutout(self) -> Cutout:
        """The cut-out to which the result was fitted; the mask may have been painted on since. Raises
        ActionError."""
        return self.fitted.trajectory.cutout


def require(part: T | None) -> T:
    """Return a part of a session that must exist. Raises ActionError where it does not."""
    if part is None:
        raise ActionError("this part of the session has not been made yet")
    return part


def merge_changes(current: Session, base: Session, changed: Session) -> Session:
    """Return `current` with every field in which `changed` differs from `base`, so that two concurrent
    actions do not undo each other."""
    fields = Session.__dataclass_fields__
    different = {
        name: getattr(changed, name) for name in fields if getattr(changed, name) is not getattr(base, name)
    }
    return replace(current, **different)
