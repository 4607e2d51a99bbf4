"""Reconstruct one photo of a batch (§3.3 "Reconstruction") and store all its results, once.

This module prints nothing. Every engine calls `process_job`.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property

from jaxtyping import UInt8
from numpy import ndarray

from spir.appearance.config import AppearanceConfig
from spir.batch.jobs import Job, read
from spir.batch.rows import Row
from spir.batch.settings import Settings
from spir.batch.store import Record, Store
from spir.errors import EmptySurfaceError, PhotoError
from spir.outputs.files import (
    appearance_config,
    film_files,
    mesh_files,
    on_paper,
    picture_files,
    textured_files,
    textured_frames,
)
from spir.outputs.panels import sheet, thumbnail
from spir.outputs.views import to_uint8, webp_bytes
from spir.pipeline import Reconstructor
from spir.session import actions, surfaces
from spir.session.record import run_record
from spir.session.session import Session, require
from spir.session.verdict import photo_detail, verdict
from spir.types import Appearance, Cutout, Fit, Photo, Rendering, Step

OVERVIEW = "overview.webp"
OVERVIEW_SHOWS = ("photo", "cut-out", "first guess", "last step", "a third of a turn on", "two thirds")
FEWEST_FRAMES = 3
FORMATS = ("textured.glb", "materials.glb", "obj.zip")
"""The formats of `outputs.export.textured` that are written; USDZ can be made from the GLB."""
POOR_FIT = "photo detail off: poor fit"
NO_TEXTURE = "no texture: this object does not say how its colours were mixed"

Progress = Callable[[Step], None]


@dataclass(frozen=True)
class JobFiles:
    """This reads each file of a job once."""

    job: Job

    @cached_property
    def photo(self) -> bytes:
        return read(self.job.photo)

    @cached_property
    def mask(self) -> bytes | None:
        return None if self.job.mask is None else read(self.job.mask)

    def request(self, settings: Settings, weights_hash: str) -> Record:
        """Return the request for `run.json`; a file that cannot be read has no hash."""
        photo = mask = None
        with suppress(Exception):
            photo, mask = self.photo, self.mask
        return settings.request(weights_hash, photo, mask)


@dataclass(frozen=True)
class BatchContext:
    """A context has what a process needs for any photo, loaded once."""

    engine: Reconstructor
    settings: Settings
    store: Store
    retry_failed: bool = False


def process_job(context: BatchContext, job: Job, progress: Progress = lambda step: None) -> Row:
    """Return the row of a photo: from the store where the same request was answered before, otherwise made
    now. Failures are recorded, not raised.

    A photo that failed is expected to fail again, so it is tried again only with `retry_failed`."""
    given = JobFiles(job)
    request = given.request(context.settings, context.engine.weights_hash)
    try:
        return find_earlier_row(context.store, job, request, context.retry_failed) or process(
            context, given, request, progress
        )
    except Exception as problem:
        # A failure of one photo must not stop the others.
        return record_failure(
            context.store, job, request, str(problem) if isinstance(problem, PhotoError) else repr(problem)
        )


def find_earlier_row(store: Store, job: Job, request: Record, retry_failed: bool = False) -> Row | None:
    """Return the row of an earlier run with the same request; None where the photo has to be processed."""
    record = store.record(job.folder)
    if record is None or record.get("notes", record).get("request") != request:
        return None
    row = Row.of(job.folder, record, earlier=True)
    return None if row.failure and retry_failed else row


def row_of_lost_job(store: Store, job: Job, settings: Settings, weights_hash: str, reason: str) -> Row:
    """Return the row of a photo whose worker died: the stored one where the worker had finished the photo,
    otherwise a failure."""
    request = JobFiles(job).request(settings, weights_hash)
    return find_earlier_row(store, job, request) or record_failure(store, job, request, reason)


def record_failure(store: Store, job: Job, request: Record, reason: str) -> Row:
    """Return the row of a failure, and store it for the next run."""
    record = {"photo": job.name, "failure": reason, "request": request}
    # A full disk may be the reason itself: then the row is all there is.
    with suppress(OSError):
        store.save_failure(job.folder, record)
    return Row.of(job.folder, record)


def process(context: BatchContext, given: JobFiles, request: Record, progress: Progress) -> Row:
    """Reconstruct one photo and fill its folder. It may raise any exception."""
    engine, settings, job = context.engine, context.settings, given.job
    began = time.perf_counter()
    session = open_session(engine, given, settings.margin)
    config = replace(engine.inversion(settings.steps), seed=settings.seed)
    states = actions.run(engine, session, config)
    for session in states:
        if session.step is not None:
            progress(session.step)
    if settings.quality == "fine":
        states = actions.refine(engine, session)
        for session in states:
            progress(session.fitted.step)
    seconds = time.perf_counter() - began
    seen = engine.render(session.fit, session.cutout.mask.shape[1])
    found = require(verdict(engine.category, session, seen))
    detail = photo_detail(found)
    textures = appearance_config(settings.texture, detail) if settings.textured else None
    session, faults = add_mesh(engine, session, settings)
    surface, more = textured(engine, session, settings, textures)
    faults += more
    contents = files(engine, session, seen, surface, settings)
    notes = {
        "photo": job.name,
        "seconds_with_first_guess": round(seconds, 3),
        "verdict": found.record(),
        "photo_detail": None if surface is None else detail,
        "remark": "; ".join(dict.fromkeys(faults)),
        "files": sorted(contents),
        "request": request,
    }
    record = run_record(engine, session, notes, textures if surface is not None else None)
    context.store.save(job.folder, contents, record)
    return Row.of(job.folder, record)


def open_session(engine: Reconstructor, given: JobFiles, margin: float) -> Session:
    """Return the session of a photo, cut out by its mask where it has one. Raises PhotoError where it holds
    no object."""
    if given.mask is not None and given.job.mask is not None:
        name = f"mask {given.job.mask.rpartition('/')[2]}"
        return actions.open_masked(engine, given.photo, given.mask, name, margin)
    session = actions.open_photo(engine, given.photo, margin=margin)
    if session.segmenter == actions.NOT_FOUND:
        # Cutting with the segmenter's own mask raises the error that says what is wrong.
        engine.cut(session.photo, session.segmentation.mask, margin)
    return session


def add_mesh(engine: Reconstructor, session: Session, settings: Settings) -> tuple[Session, list[str]]:
    """Return the session, with its mesh where one is wanted and possible, and the remarks about it."""
    if not settings.mesh_resolution:
        return session, []
    try:
        return surfaces.mesh(engine, session, settings.mesh_resolution), []
    except EmptySurfaceError as problem:
        return session, [f"no mesh: {problem}"]


def textured(
    engine: Reconstructor, session: Session, settings: Settings, config: AppearanceConfig | None
) -> tuple[Appearance | None, list[str]]:
    """Return the surface with the photo's detail, or None where it is not wanted or not possible, and the
    remarks about it."""
    if config is None or session.surface is None:
        return None, []
    surface = surfaces.appearance(engine, session, config, settings.mesh_resolution)
    if surface is None:
        return None, [NO_TEXTURE]
    return surface, [] if config.detail else [POOR_FIT]


def files(
    engine: Reconstructor, session: Session, seen: Rendering, surface: Appearance | None, settings: Settings
) -> dict[str, bytes]:
    """Return every file to keep of a session; `seen` is the fit from the photo's camera, at the cut-out's
    size."""
    category, fit, cutout = engine.category, session.fit, session.cutout
    camera = engine.camera(fit.pose)
    found = picture_files(session.photo, cutout, fit, seen, category.scene_range)
    if surface is None:
        views = engine.turntable(fit, settings.frames or FEWEST_FRAMES)
        film = around = on_paper(views, category.background)
    else:
        around = textured_frames(surface, fit.pose, FEWEST_FRAMES, cutout.mask.shape[1])
        film = textured_frames(surface, fit.pose, settings.frames) if settings.frames else around
        found |= textured_files(surface, camera, category.palette_names, FORMATS)
    found[OVERVIEW] = overview(session.photo, cutout, fit, around)
    if settings.frames:
        found |= film_files(film)
    if session.surface is not None:
        found |= mesh_files(session.surface.mesh, camera)
    return found


def overview(photo: Photo, cutout: Cutout, fit: Fit, around: UInt8[ndarray, "frame size size 3"]) -> bytes:
    """Return the photo's row of the contact sheet as WebP: the pictures of `OVERVIEW_SHOWS`, from left to
    right."""
    pictures = [
        thumbnail(photo, cutout.mask.shape[1]),
        to_uint8(cutout.rgb[0]),
        to_uint8(fit.trajectory[0].rgb[0]),
        to_uint8(fit.trajectory[-1].rgb[0]),
        around[len(around) // 3],
        around[2 * len(around) // 3],
    ]
    return webp_bytes(sheet([pictures]))
