"""§3.3 "Reconstruction", one photo of many: everything that is made of it, stored; done once and no more.

Prints nothing. Every engine comes through `attempt`.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property

from jaxtyping import Float, UInt8
from numpy import ndarray
from torch import Tensor

from spir.batch.jobs import Job, read
from spir.batch.rows import Row
from spir.batch.settings import Settings
from spir.batch.store import Record, Store
from spir.outputs.files import (
    appearance_config,
    film_files,
    mesh_files,
    on_paper,
    picture_files,
    step_metrics,
    textured_files,
    textured_frames,
)
from spir.outputs.mesh import EmptySurfaceError
from spir.outputs.panels import sheet, thumbnail
from spir.outputs.views import to_uint8, webp_bytes
from spir.photo import PhotoError, read_mask, read_photo
from spir.pipeline import Reconstructor
from spir.session.record import fit_record
from spir.session.verdict import judge, photo_detail
from spir.types import Appearance, Cutout, Fit, Guess, Photo, Rendering, Step

OVERVIEW = "overview.webp"
OVERVIEW_SHOWS = ("photo", "cut-out", "first guess", "last step", "a third of a turn on", "two thirds")
FEWEST_FRAMES = 3
FORMATS = ("textured.glb", "materials.glb", "obj.zip")
"""Of `outputs.textured`; who wants USDZ makes it from the GLB."""
POOR_FIT = "photo detail off: poor fit"

Progress = Callable[[Step], None]


@dataclass(frozen=True)
class Given:
    """A job's files, each read once."""

    job: Job

    @cached_property
    def photo(self) -> bytes:
        return read(self.job.photo)

    @cached_property
    def mask(self) -> bytes | None:
        return None if self.job.mask is None else read(self.job.mask)

    def asked(self, settings: Settings, weights_hash: str) -> Record:
        """What `run.json` says was wanted; a file that cannot be read has no hash."""
        photo = mask = None
        with suppress(Exception):
            photo, mask = self.photo, self.mask
        return settings.asked(weights_hash, photo, mask)


@dataclass(frozen=True)
class Bench:
    """What a process needs for any photo, loaded once."""

    reconstructor: Reconstructor
    settings: Settings
    store: Store
    retry_failed: bool = False


def attempt(bench: Bench, job: Job, progress: Progress = lambda step: None) -> Row:
    """A photo's row: from disk where the very same was asked before, else made now; failures are told, not raised.

    A photo that failed fails again, so it has its next turn only with `retry_failed`."""
    given = Given(job)
    asked = given.asked(bench.settings, bench.reconstructor.weights_hash)
    try:
        return earlier(bench.store, job, asked, bench.retry_failed) or process(bench, given, asked, progress)
    except Exception as problem:
        # Whatever ails one photo, the others still get their turn.
        return failed(
            bench.store, job, asked, str(problem) if isinstance(problem, PhotoError) else repr(problem)
        )


def earlier(store: Store, job: Job, asked: Record, retry_failed: bool = False) -> Row | None:
    """The row of a run that was asked the same, if there is nothing to do again."""
    record = store.known(job.folder)
    if record is None or record.get("notes", record).get("asked") != asked:
        return None
    row = Row.of(job.folder, record, earlier=True)
    return None if row.failure and retry_failed else row


def lost(store: Store, job: Job, settings: Settings, weights_hash: str, reason: str) -> Row:
    """The row of a photo whose worker is gone: it may have been the last thing that the worker finished."""
    asked = Given(job).asked(settings, weights_hash)
    return earlier(store, job, asked) or failed(store, job, asked, reason)


def failed(store: Store, job: Job, asked: Record, reason: str) -> Row:
    """The row of a failure, which the next run finds in the store."""
    record = {"photo": job.name, "failure": reason, "asked": asked}
    # A full disk may be the reason itself: then the row is all there is.
    with suppress(OSError):
        store.fail(job.folder, record)
    return Row.of(job.folder, record)


def process(bench: Bench, given: Given, asked: Record, progress: Progress) -> Row:
    """Reconstruct one photo and fill its folder. May raise anything."""
    reconstructor, settings, job = bench.reconstructor, bench.settings, given.job
    began = time.perf_counter()
    photo, mask, cutout, segmenter = cut(reconstructor, given, settings.margin)
    for item in reconstructor.reconstruct(
        cutout, replace(reconstructor.inversion(settings.steps), seed=settings.seed)
    ):
        if isinstance(item, Guess):
            guess = item
        elif isinstance(item, Step):
            progress(item)
        else:
            fit = item
    if settings.quality == "fine":
        for item in reconstructor.refine(photo, mask, fit, margin=settings.margin):
            if isinstance(item, Fit):
                fit = item
            else:
                progress(item)
    seconds = time.perf_counter() - began
    height, width = photo.rgb.shape[:2]
    seen = reconstructor.render(fit, cutout.mask.shape[1])
    verdict = judge(cutout, guess, fit, (height, width), reconstructor.category, seen)
    detail = photo_detail(verdict)
    result = Result(photo, mask, cutout, fit, seen, detail)
    surface, faults = textured(reconstructor, result, settings)
    contents = files(reconstructor, result, surface, settings, faults)
    notes = {
        "photo": job.name,
        "seconds_with_first_guess": round(seconds, 3),
        "verdict": verdict.record(),
        "photo_detail": None if surface is None else detail,
        "remark": "; ".join(dict.fromkeys(faults)),
        "files": sorted(contents),
        "asked": asked,
    }
    record = fit_record(
        reconstructor,
        fit,
        segmenter=segmenter,
        seed=settings.seed,
        metrics=step_metrics(fit.trajectory, cutout),
        outcome=guess.outcome[0],
        notes=notes,
    )
    bench.store.keep(job.folder, contents, record)
    return Row.of(job.folder, record)


@dataclass(frozen=True)
class Result:
    """What the files of a photo are made of."""

    photo: Photo
    mask: Float[Tensor, "height width"]
    """In [0, 1], at the photo's size."""
    cutout: Cutout
    fit: Fit
    seen: Rendering
    """The fit from the photo's camera, at the cut-out's size."""
    detail: float
    """How much of the photo the surface may take, in [0, 1]."""


def cut(
    reconstructor: Reconstructor, given: Given, margin: float
) -> tuple[Photo, Float[Tensor, "height width"], Cutout, str]:
    """The photo, its mask, its object, and who cut it out."""
    photo = read_photo(given.photo)
    if given.mask is None:
        found = reconstructor.find(photo)
        mask, segmenter = found.mask, found.segmenter
    else:
        mask, segmenter = read_mask(given.mask, photo), f"mask {given.job.mask.rpartition('/')[2]}"
    return photo, mask, reconstructor.cut(photo, mask, margin), segmenter


def textured(
    reconstructor: Reconstructor, result: Result, settings: Settings
) -> tuple[Appearance | None, list[str]]:
    """The surface with the photo's detail, where one is wanted and can be; and what is to be said of it."""
    if not settings.textured:
        return None, []
    config = appearance_config(settings.texture, result.detail)
    parts = (result.photo, result.mask, result.cutout, result.fit)
    try:
        surface = reconstructor.appearance(*parts, config, settings.mesh_resolution)
    except EmptySurfaceError as problem:
        return None, [f"no mesh: {problem}"]
    except ValueError as problem:
        return None, [f"no texture: {problem}"]
    return surface, [] if result.detail else [POOR_FIT]


def files(
    reconstructor: Reconstructor,
    result: Result,
    surface: Appearance | None,
    settings: Settings,
    faults: list[str],
) -> dict[str, bytes]:
    """Everything there is to keep of a fit; why something is left out joins the faults."""
    category, fit, cutout = reconstructor.category, result.fit, result.cutout
    camera = reconstructor.camera(fit.pose)
    found = picture_files(result.photo, cutout, fit, result.seen, category.scene_range)
    if surface is None:
        views = reconstructor.turntable(fit, settings.frames or FEWEST_FRAMES)
        film = around = on_paper(views, category.background)
    else:
        around = textured_frames(surface, fit.pose, FEWEST_FRAMES, cutout.mask.shape[1])
        film = textured_frames(surface, fit.pose, settings.frames) if settings.frames else around
        found |= textured_files(surface, camera, category.palette_names, FORMATS)
    found[OVERVIEW] = overview(result.photo, cutout, fit, around)
    if settings.frames:
        found |= film_files(film)
    if settings.mesh_resolution:
        try:
            found |= mesh_files(reconstructor.mesh(fit, settings.mesh_resolution), camera)
        except EmptySurfaceError as problem:
            faults.append(f"no mesh: {problem}")
    return found


def overview(photo: Photo, cutout: Cutout, fit: Fit, around: UInt8[ndarray, "frame size size 3"]) -> bytes:
    """The photo's line of the contact sheet as WebP: the pictures of `OVERVIEW_SHOWS`, from left to right."""
    pictures = [
        thumbnail(photo, cutout.mask.shape[1]),
        to_uint8(cutout.rgb[0]),
        to_uint8(fit.trajectory[0].rgb[0]),
        to_uint8(fit.trajectory[-1].rgb[0]),
        around[len(around) // 3],
        around[2 * len(around) // 3],
    ]
    return webp_bytes(sheet([pictures]))
