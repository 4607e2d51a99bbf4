"""A session: one photo and everything that came of it, as a frozen value (batch of 1, on the CPU).

Nothing here changes: the functions of `actions` take a session and return the next one.
"""

from dataclasses import dataclass, replace
from functools import cached_property

from jaxtyping import Float
from torch import Tensor

from spir.appearance.config import AppearanceConfig
from spir.session.trajectory import Trajectory
from spir.types import Code, Cutout, Fit, Guess, Mesh, Photo, Pose, Segmentation, Step


@dataclass(frozen=True, eq=False)
class Result:
    """A fit, and what of it is in use."""

    trajectory: Trajectory
    selected: int
    """The number of the step in use."""
    mixed: Code | None = None
    """A code that was edited by hand, in use instead of the step's own."""
    palette: Float[Tensor, "values 3"] | None = None
    """Colours in [-1, 1] that were chosen by hand; none = those of the code."""

    @property
    def step(self) -> Step:
        """The step in use."""
        return self.trajectory.at(self.selected)


@dataclass(frozen=True, eq=False)
class Turntable:
    """Views all round an object, each pixel as weights of the palette (`outputs.attention_maps`)."""

    w: Float[Tensor, "1 layers width"]
    quaternion: Float[Tensor, "1 4"]
    parts: tuple[bytes, ...]
    """Files of `attention_maps.packed`, one or more views each."""
    complete: bool = True

    def shows(self, fit: Fit) -> bool:
        """Whether the views are all there and of that fit, whatever its colours."""
        return self.complete and self.w.equal(fit.code.w) and self.quaternion.equal(fit.pose.quaternion)


@dataclass(frozen=True, eq=False)
class PlainSurface:
    """A mesh in the generator's colours, and what it was made of."""

    w: Float[Tensor, "1 layers width"]
    resolution: int
    mesh: Mesh
    seconds: float
    """The seconds that it took."""

    def shows(self, fit: Fit, resolution: int) -> bool:
        """Whether it is the mesh of that fit, whatever its colours."""
        return self.resolution == resolution and self.w.equal(fit.code.w)


@dataclass(frozen=True, eq=False)
class TexturedSurface:
    """A surface with the photo's detail, and what it was made of."""

    w: Float[Tensor, "1 layers width"]
    quaternion: Float[Tensor, "1 4"]
    cutout: Cutout
    size: int
    """Texels along a side of its texture."""
    layers: bytes | None
    """The file of `outputs.layer_file`, in the colours that were found. None where no such surface can be."""
    seconds: float
    """The seconds that it took."""
    config: AppearanceConfig | None = None
    """How it was made; none where that is not known."""

    def shows(self, fit: Fit, cutout: Cutout, size: int) -> bool:
        """Whether it is the surface of that fit of that cut-out, at least as fine, whatever its colours."""
        same = self.w.equal(fit.code.w) and self.quaternion.equal(fit.pose.quaternion)
        return same and self.cutout is cutout and self.size >= size


@dataclass(frozen=True, eq=False)
class SecondPhoto:
    """Another photo, to mix with."""

    cutout: Cutout
    code: Code | None = None
    steps: int = 0
    """The number of steps after which the code was found."""
    mixed_with: Fit | None = None
    """The fit that it was mixed with last."""


@dataclass(frozen=True, eq=False)
class Session:
    """A photo on its way: segmented, cut out, guessed, fitted, edited."""

    category: str
    photo: Photo
    upload: bytes
    """The file as it was sent."""
    segmentation: Segmentation
    """What the segmenter found."""
    mask: Float[Tensor, "height width"]
    """The mask in use, in [0, 1]: the segmenter's, a given one, or one that was painted."""
    margin: float
    """Room around the object in the cut-out, as a fraction of its box."""
    cutout: Cutout
    segmenter: str
    """Who made the mask, for run.json and for people."""
    mask_edited: bool = False
    """Whether the mask was painted on."""
    guess: Guess | None = None
    """The encoder's first guess."""
    result: Result | None = None
    camera: Pose | None = None
    """Where the camera was put by hand; none = where it was found."""
    turntable: Turntable | None = None
    surface: PlainSurface | None = None
    textured: TexturedSurface | None = None
    second: SecondPhoto | None = None

    @cached_property
    def fit(self) -> Fit | None:
        """Code and pose in use, and every step; none before the first step."""
        if self.result is None:
            return None
        step, code = self.result.step, self.result.mixed
        code = step.code if code is None else code
        if self.result.palette is not None:
            code = replace(code, palette=self.result.palette[None])
        return Fit(self.category, code, step.pose, self.result.trajectory.steps)

    @property
    def step(self) -> Step | None:
        """The step whose object is in use; none before the first step, and where the object was mixed."""
        return None if self.result is None or self.result.mixed is not None else self.result.step

    @property
    def unedited(self) -> Fit | None:
        """The fit in use in the colours that were found, whatever was chosen since."""
        step = self.step
        return self.fit if step is None else replace(self.fit, code=step.code)

    @property
    def fitted_cutout(self) -> Cutout | None:
        """The cut-out that the result is of; the mask may have been painted on since."""
        return None if self.result is None else self.result.trajectory.cutout


def rebase(current: Session, base: Session, changed: Session) -> Session:
    """`current` with every field in which `changed` differs from `base`: two actions at once do not undo each other."""
    fields = Session.__dataclass_fields__
    different = {
        name: getattr(changed, name) for name in fields if getattr(changed, name) is not getattr(base, name)
    }
    return replace(current, **different)
