"""§3.3 "Reconstruction", one photo of many: everything that is made of it, stored; done once and no more.

Prints nothing. Every engine comes through `attempt`.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property

from spir.folders.jobs import Job, read
from spir.folders.rows import Row
from spir.folders.settings import Settings
from spir.folders.store import Record, Store
from spir.outputs.folder import film_files, mesh_files, picture_files, step_metrics
from spir.outputs.mesh import EmptySurfaceError
from spir.outputs.panels import sheet, thumbnail
from spir.outputs.verdict import judge
from spir.outputs.views import to_uint8, webp_bytes, with_background
from spir.photo import PhotoError, read_mask, read_photo
from spir.pipeline import Reconstructor
from spir.types import Cutout, Fit, Guess, Photo, Rendering, Step

OVERVIEW = "overview.webp"
OVERVIEW_SHOWS = ("photo", "cut-out", "first guess", "last step", "a third of a turn on", "two thirds")
FEWEST_FRAMES = 3
PAPER_WHITE = 1.0

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
    photo, cutout, segmenter = cut(reconstructor, given, settings.margin)
    for item in reconstructor.reconstruct(
        cutout, replace(reconstructor.inversion(settings.steps), seed=settings.seed)
    ):
        if isinstance(item, Guess):
            guess = item
        elif isinstance(item, Step):
            progress(item)
        else:
            fit = item
    seconds = time.perf_counter() - began
    contents, remark = files(reconstructor, photo, cutout, fit, settings)
    height, width = photo.rgb.shape[:2]
    notes = {
        "photo": job.name,
        "seconds_with_first_guess": round(seconds, 3),
        "verdict": judge(cutout, guess, fit, (height, width), reconstructor.category).record(),
        "remark": remark,
        "files": sorted(contents),
        "asked": asked,
    }
    record = reconstructor.record(
        fit,
        segmenter=segmenter,
        seed=settings.seed,
        metrics=step_metrics(fit.trajectory, cutout),
        outcome=guess.outcome[0],
        notes=notes,
    )
    bench.store.keep(job.folder, contents, record)
    return Row.of(job.folder, record)


def cut(reconstructor: Reconstructor, given: Given, margin: float) -> tuple[Photo, Cutout, str]:
    """The photo, its object, and who cut it out."""
    photo = read_photo(given.photo)
    if given.mask is None:
        found = reconstructor.find(photo)
        return photo, reconstructor.cut(photo, found.mask, margin), found.segmenter
    mask = read_mask(given.mask, photo)
    name = given.job.mask.rpartition("/")[2]
    return photo, reconstructor.cut(photo, mask, margin), f"mask {name}"


def files(
    reconstructor: Reconstructor, photo: Photo, cutout: Cutout, fit: Fit, settings: Settings
) -> tuple[dict[str, bytes], str]:
    """Everything there is to keep of a fit, and why the mesh is left out where there is no surface."""
    category, remark = reconstructor.category, ""
    seen = reconstructor.render(fit, cutout.mask.shape[1])
    found = picture_files(photo, cutout, fit, seen, category.scene_range)
    views = reconstructor.turntable(fit, settings.frames or FEWEST_FRAMES)
    found[OVERVIEW] = overview(photo, cutout, fit, with_background(views, category.background, PAPER_WHITE))
    if settings.frames:
        found |= film_files(views, category.background)
    if settings.mesh_resolution:
        try:
            surface = reconstructor.mesh(fit, settings.mesh_resolution)
            found |= mesh_files(surface, reconstructor.camera(fit.pose))
        except EmptySurfaceError as problem:
            remark = f"no mesh: {problem}"
    return found, remark


def overview(photo: Photo, cutout: Cutout, fit: Fit, views: Rendering) -> bytes:
    """The photo's line of the contact sheet as WebP: the pictures of `OVERVIEW_SHOWS`, from left to right."""
    around = to_uint8(views.rgb)
    pictures = [
        thumbnail(photo, cutout.mask.shape[1]),
        to_uint8(cutout.rgb[0]),
        to_uint8(fit.trajectory[0].rgb[0]),
        to_uint8(fit.trajectory[-1].rgb[0]),
        around[len(around) // 3],
        around[2 * len(around) // 3],
    ]
    return webp_bytes(sheet([pictures]))
