"""Run the whole method: photo -> segment -> initialise -> invert -> render, mesh (sections 3.2, 3.3 and 5).

Every reconstruction goes through this module. It alone chooses the device and the precision, and it keeps
nothing of a photo.
"""

import copy
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from spir.appearance.bake import BakeInput, bake_appearance
from spir.appearance.config import DEFAULT, AppearanceConfig
from spir.bootstrap.colours import fit_colours
from spir.bootstrap.guess import guess
from spir.generator.precision import half_is_fast
from spir.geometry.pose import camera_from_pose
from spir.inversion.config import FINE_STEPS, HYBRID_FAST, PRESETS, InversionConfig, published
from spir.inversion.invert import invert
from spir.inversion.perceptual import LOSS_BACKENDS as LOSS_BACKENDS
from spir.inversion.perceptual import choose_perceptual
from spir.outputs.mesh import mesh
from spir.outputs.views import FRAMES, turning
from spir.photo import PREFERENCES, cutout, segment
from spir.photo.cutout import MARGIN
from spir.rendering.config import RenderConfig
from spir.rendering.renderer import render
from spir.runtime import choose_device, prepare_process
from spir.types import (
    Appearance,
    Camera,
    Code,
    Cutout,
    Field,
    Fit,
    Guess,
    Mesh,
    Outcome,
    Photo,
    Pose,
    Rendering,
    Segmentation,
    Step,
    join,
)
from spir.weights import WEIGHTS, Models, load_models

PRESET_STEPS = tuple(config.steps for config in PRESETS.values())
"""The paper's three numbers of steps."""
REPORT_SAMPLES = 24
"""The field samples per ray of every rendering that is kept."""


class Reconstructor:
    """A reconstructor has the networks of one category and the steps of the method. It is stateless, so many
    callers may share it."""

    def __init__(
        self,
        models: Models,
        device: str = "auto",
        segmenter: str = "auto",
        loss: str = "auto",
        as_published: bool = False,
    ):
        """Move the networks to the device and choose their precision. Raises ValueError for an unknown
        device or preference.

        `segmenter` and `loss` are preferences of `choose_segmenter` and `choose_perceptual`. `as_published`
        leaves out what the paper does not have: the second guess from the mirrored photo, poses other than
        PnP's, colours fitted before the first step, placed samples, losses beside the perceptual one, and
        half precision."""
        if segmenter not in PREFERENCES:
            raise ValueError(f"there is no segmenter {segmenter!r}; choose among {', '.join(PREFERENCES)}")
        prepare_process()
        self.device = choose_device(device)
        self.as_published = as_published
        self.category = replace(models.category, symmetric=False) if as_published else models.category
        self.weights_hash = models.hash
        self.segmenter = segmenter
        self.half = half_is_fast(self.device) and not as_published
        # Where a GPU is lent per call, the palette is needed between the calls: this part stays on the CPU.
        self.texture_mapper = copy.deepcopy(models.generator.texture_mapper).to("cpu")
        self.reading = models.reading
        self.encoder = models.encoder.to(self.device)
        self.generator = models.generator.to(self.device)
        self.generator.half = self.half
        self.generator.freeze()
        self.perceptual = choose_perceptual(self.encoder, self.device, loss)

    @classmethod
    def load(
        cls, category: str = "car", device: str = "auto", root: str | Path = WEIGHTS, **preferences: Any
    ) -> "Reconstructor":
        """Load the networks of a category from the weights on disk. Raises WeightsError."""
        return cls(load_models(category, root), device, **preferences)

    @property
    def loss_backend(self) -> str:
        """The name of the perceptual distance that the inversion minimises."""
        return self.perceptual.name

    def segment(self, photo: Photo, segmenter: str | None = None) -> Segmentation:
        """Find the object with the named segmenter (one of `photo.PREFERENCES`), or with this reconstructor's
        own preference.

        Raises PhotoError where that segmenter cannot run."""
        return segment(photo, self.category, segmenter or self.segmenter)

    def cut(
        self, photo: Photo, mask: Float[Tensor, "height width"] | None = None, margin: float = MARGIN
    ) -> Cutout:
        """Cut the object out, on the CPU; a mask in [0, 1] of the photo's size replaces the segmenter's mask.

        Raises PhotoError where there is no object."""
        mask = self.segment(photo).mask if mask is None else mask
        return cutout(photo, mask, self.category, margin=margin)

    def initialise(self, cutout: Cutout) -> Guess:
        """Make the encoder's first guess (section 3.2) with the photo's colours, for a batch of any size. The
        guess is on the CPU."""
        target = cutout.to(self.device)
        first = guess(target, self.encoder, self.generator, self.category, compare=not self.as_published)
        if not self.as_published:
            first = fit_colours(first, target, self.generator, self.category)
        return first.to("cpu")

    def invert(
        self,
        cutout: Cutout,
        guess: Guess,
        config: InversionConfig = HYBRID_FAST,
        after: Step | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> Iterator[Step]:
        """Refine a guess against the photo (section 3.3); yields every step from 0 on, detached and on the
        CPU.

        `after` is a step of an earlier run from the same guess: only later steps are yielded, bit for bit
        those of one longer run. Once `cancelled` returns True, the current step is the last."""
        target, start = cutout.to(self.device), guess.to(self.device)
        last = None if after is None else after.to(self.device)
        for step in invert(
            target, start, self.generator, self.category, config, self.perceptual, cancelled, last
        ):
            yield step.to("cpu")

    def refine(
        self,
        photo: Photo,
        mask: Float[Tensor, "height width"],
        last: Step,
        config: InversionConfig = FINE_STEPS,
        margin: float = MARGIN,
        cancelled: Callable[[], bool] | None = None,
    ) -> Iterator[Step]:
        """Continue after the last step of a fit (batch of 1) on a larger cut-out of the photo, `config.size`
        pixels a side.

        The pictures of the yielded steps have the size of `last`'s. At twice the size a step takes four times
        as long."""
        target = cutout(photo, mask, self.category, size=config.size, margin=margin)
        error = torch.zeros_like(last.loss)
        start = Guess(
            torch.zeros_like(target.rgb), target.mask, last.code, last.pose, error, (Outcome.SOLVED,)
        )
        for step in self.invert(target, start, config, cancelled=cancelled):
            if step.index:
                yield continue_numbering(step, last)

    def field(self, result: Fit | Step | Code) -> Field:
        """Return the object's field, on the device and without gradients."""
        code = result if isinstance(result, Code) else result.code
        with torch.no_grad():
            return self.generator.field(code.to(self.device))

    def palette(self, code: Code) -> Float[Tensor, "batch values 3"]:
        """Return the object's palette in [-1, 1]; it is computed on the CPU and stays there."""
        if code.palette is not None:
            return code.palette.to("cpu")
        with torch.no_grad():
            return self.texture_mapper(code.w[:, -1].to("cpu").float())

    def camera(self, pose: Pose) -> Camera:
        """Return the camera of a pose."""
        return camera_from_pose(pose)

    def render_config(self, size: int = 128, **extras: bool) -> RenderConfig:
        """Return how pictures of this category are rendered; `extras` are switches such as "normals" or
        "attention"."""
        if self.as_published:
            return RenderConfig.of(self.category, size=size, renderer="reference", **extras)
        return RenderConfig.of(self.category, size=size, samples=REPORT_SAMPLES, **extras)

    def inversion(self, steps: int) -> InversionConfig:
        """Return the hybrid inversion with that number of steps: the authors' where `as_published` is set,
        otherwise ours."""
        return published(steps, not self.category.keep_pose) if self.as_published else preset(steps)

    @torch.no_grad()
    def render(self, result: Fit | Step, size: int = 128) -> Rendering:
        """Render the result from the photo's camera, with normals, attention and NOCS, on the CPU."""
        config = self.render_config(size, normals=True, attention=True, nocs=True)
        return render(self.field(result), camera_from_pose(result.pose.to(self.device)), config).to("cpu")

    def turntable(self, result: Fit | Step, frames: int = FRAMES, size: int = 128) -> Rendering:
        """Render views all round the object (batch of 1), with attention for recolouring, on the CPU."""
        return join(list(self.turning(result, frames, size)))

    def turning(self, result: Fit | Step, frames: int = FRAMES, size: int = 128) -> Iterator[Rendering]:
        """Yield the views of `turntable`, a few frames at a time."""
        return turning(
            self.field(result), result.pose.to(self.device), self.render_config(size, attention=True), frames
        )

    @torch.no_grad()
    def distance(self, step: Step, cutout: Cutout) -> float:
        """Return the perceptual distance between a step's picture and the cut-out, by the loss's backend on
        the full frame alone."""
        pair = [(step.rgb, step.alpha), (cutout.rgb, cutout.mask)]
        ours, theirs = (self.perceptual.features(*(x.float().to(self.device) for x in one)) for one in pair)
        return float(self.perceptual.distance(ours, theirs)[0])

    def mesh(self, result: Fit | Step | Code, resolution: int = 128) -> Mesh:
        """Extract the object's mesh with its colours (batch of 1). Raises EmptySurfaceError."""
        return mesh(self.field(result), resolution)

    @torch.no_grad()
    def appearance(
        self,
        photo: Photo,
        mask: Float[Tensor, "height width"],
        cutout: Cutout,
        result: Fit | Step,
        config: AppearanceConfig = DEFAULT,
        resolution: int = 128,
        surface: Mesh | None = None,
    ) -> Appearance:
        """Bake the photo's detail onto the object's surface (batch of 1), on the CPU; `mask` is the cut-out's
        mask.

        `surface` is the object's mesh where it is known; otherwise it is made with `resolution` samples along
        the cube's side. Raises EmptySurfaceError, and NoPaletteError where the colours are not a mixture of a
        palette."""
        field, code = self.field(result), result.code.to("cpu")
        given = BakeInput(
            photo,
            mask,
            cutout.box_px[0],
            camera_from_pose(result.pose.to("cpu")),
            code,
            self.palette(code)[0],
            self.category,
            self.reading,
        )
        surface = mesh(field, resolution) if surface is None else surface
        return bake_appearance(given, surface, field, config, self.device)


def continue_numbering(step: Step, last: Step) -> Step:
    """Return a step of another descent, numbered on from `last` and with pictures of its size. It has no
    momentum, so no run can continue from it."""
    size = last.rgb.shape[1]

    def shrunk(maps: Tensor) -> Tensor:
        return adaptive_avg_pool2d(maps.permute(0, 3, 1, 2), size).permute(0, 2, 3, 1)

    return replace(
        step,
        index=last.index + step.index,
        rgb=shrunk(step.rgb),
        alpha=shrunk(step.alpha[..., None])[..., 0],
        seconds=last.seconds + step.seconds,
        momentum=None,
    )


def preset(steps: int) -> InversionConfig:
    """Return the hybrid inversion with any number of steps; the paper's are 0, 10 and 30."""
    return replace(HYBRID_FAST, steps=steps)
