"""From nouns to what the page shows: one method an event, no layout, no science.

A handler starts from the run that the page's key names, and answers with the values of its outputs.
Whatever fails ends in words: a PhotoError's own, or one of `words`.
"""

import logging
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import NoReturn

import gradio as gr
from jaxtyping import UInt8
from numpy import ndarray

from spir.outputs.agreement import iou
from spir.outputs.edits import recolour_rendering
from spir.outputs.views import to_uint8, with_background
from spir.photo import PhotoError, read_photo
from spir.pipeline import Reconstructor, preset
from spir.types import Fit, Guess, Step
from spir.ui import orbit, preview, swatches, timeline, words
from spir.ui.gpu import on_gpu
from spir.ui.pace import Pace
from spir.ui.sessions import ForgottenError, Run, Runs, at_rest, views_at_rest

MOST_STEPS = 100
MESSAGE_EVERY = 0.05
"""Seconds between two messages of a run: a browser that gets more merges them and loses steps."""
PAPER_WHITE = 1.0
log = logging.getLogger(__name__)


def refuse(message: str) -> NoReturn:
    """End the event with a sentence for the visitor."""
    raise gr.Error(message, duration=12, print_exception=False)


class Handlers:
    """The page's events over one engine and its visitors' runs."""

    def __init__(self, engine: Reconstructor, runs: Runs | None = None):
        self.engine = engine
        self.runs = runs or Runs()
        self.pace = Pace.rough(engine.device)
        self.steps_on_gpu = on_gpu(engine.reconstruct, lambda cutout, config: 10 + config.steps)
        self.turn_on_gpu = on_gpu(engine.turntable, lambda fit: 20)
        self.mesh_on_gpu = on_gpu(engine.mesh, lambda fit, resolution: 20)

    def run(self, key: str | None, fitted: bool = False) -> Run:
        """The page's run, which must have a result where `fitted`; otherwise the visitor is told why not."""
        if key is None:
            refuse(words.NO_PHOTO)
        try:
            run = self.runs.get(key)
        except ForgottenError:
            refuse(words.FORGOTTEN)
        if fitted and run.fit is None:
            refuse(words.NO_RESULT)
        return run

    def machine(self, steps: int | float) -> str:
        """The line that says where it runs and how long that many steps take."""
        steps = int(steps)
        engine = self.engine
        return words.machine(
            engine.device, steps, self.pace.seconds(steps), self.pace.measured, engine.loss_backend
        )

    def segment(self, file: dict | None, key: str | None, request: gr.Request) -> Iterator[tuple]:
        """Cut the object out of a new photo.

        Returns the key of the new run, then the values of preview, timeline, orbit, swatches; what was there
        of an earlier photo is forgotten."""
        self.runs.close(key)
        blank = orbit.nothing(), swatches.nothing()
        if not file:
            yield None, preview.nothing(), timeline.cleared("", words.EMPTY), *blank
            return
        try:
            photo = read_photo(file["path"])
            cutout, segmenter = self.engine.cut(photo), self.engine.segmenter_name(photo)
        except PhotoError as problem:
            # First into the panel, where it stays; the toast goes by.
            reason = str(problem)
            yield None, preview.rejected(reason), timeline.cleared("", words.NO_PHOTO), *blank
            refuse(reason)
        key = self.runs.open(request.session_hash or "", photo, cutout, segmenter)
        shown = preview.shown(photo, cutout, segmenter)
        yield key, shown, timeline.cleared(key, words.READY), *blank

    def wait(self, key: str | None) -> dict:
        """Before a run gets its turn: an earlier Stop no longer counts."""
        self.run(key).stop.clear()
        return timeline.said(key, "waiting", words.WAITING)

    def reconstruct(self, key: str | None, steps: int | float) -> Iterator[dict]:
        """Fit the object in the photo: 0 steps for the first guess, up to 100. Streams every step."""
        run = self.run(key)
        if steps != int(steps) or not 0 <= steps <= MOST_STEPS:
            refuse(words.BAD_STEPS)
        try:
            yield from self.stream(key, run, int(steps))
        except Exception:
            log.exception("a run failed")
            yield timeline.said(key, "failed", words.FAILED)
            refuse(words.FAILED)

    def stream(self, key: str, run: Run, total: int) -> Iterator[dict]:
        """The messages of a run; what came of it is in `run` when the last one is out."""
        began = time.perf_counter()
        message, sent, first = {}, -MESSAGE_EVERY, 0.0
        trajectory, metrics = [], []
        for item in self.steps_on_gpu(run.cutout, preset(total)):
            now = time.perf_counter() - began
            if isinstance(item, Guess):
                run.guess = item
                scene_range = self.engine.category.scene_range
                message |= timeline.opened(key, run.cutout, item, total, scene_range)
            elif isinstance(item, Step):
                first = first or now
                trajectory.append(at_rest(item))
                metrics.append({"iou": float(iou(item.alpha[:1], run.cutout.mask[:1]))})
                frame = timeline.frame(item, run.cutout, metrics[-1])
                message |= {"run": key, "frames": [*message.get("frames", ()), frame]}
            # Stopping is ours, not the engine's: on a borrowed GPU a lock could not reach it.
            if run.dropped or (run.stop.is_set() and trajectory):
                break
            if message and now - sent >= MESSAGE_EVERY:
                yield message
                message, sent = {}, now
        if run.dropped:
            return
        last, seconds = trajectory[-1], time.perf_counter() - began
        run.fit = Fit(self.engine.category.name, last.code, last.pose, tuple(trajectory))
        run.metrics, run.orbit, run.found_palette = metrics, None, None
        self.pace.learn(first, seconds, last.index)
        ended = last.index < total
        note = words.stopped(last.index) if ended else words.done(last.index, seconds)
        yield message | timeline.said(key, "stopped" if ended else "done", note)

    def stop(self, key: str | None) -> None:
        """End the run after the step it is at."""
        if key is not None:
            self.run(key).stop.set()

    def turn(self, key: str | None) -> Iterator[tuple]:
        """Views all round the newest fit, and its colours."""
        run = self.run(key, fitted=True)
        yield orbit.nothing(words.TURNING), gr.skip()
        colours = run.found_palette = self.engine.palette(run.fit.code)[0]
        yield (
            orbit.views(key, self.frames(run)),
            swatches.found(key, colours, self.engine.category.palette_names),
        )

    def frames(self, run: Run) -> UInt8[ndarray, "frame height width 3"]:
        """The turning object in its present colours, on paper; rendered only once a fit."""
        background = self.engine.category.background
        if run.orbit is None:
            run.orbit = views_at_rest(self.turn_on_gpu(run.fit))
        kept = run.orbit.map(lambda tensor: tensor.float())
        coloured = recolour_rendering(kept, self.engine.palette(run.fit.code), background)
        return to_uint8(with_background(coloured, background, PAPER_WHITE).rgb)

    def recolour(self, key: str | None, value: dict | None) -> dict:
        """The views in the visitor's colours, without rendering; mesh and files follow."""
        run = self.run(key, fitted=True)
        if run.found_palette is None:
            refuse(words.NO_RESULT)
        try:
            palette = swatches.chosen(value, run.found_palette)
        except ValueError:
            refuse(words.BAD_COLOUR)
        run.fit = replace(run.fit, code=replace(run.fit.code, palette=palette[None]))
        return orbit.views(key, self.frames(run))

    def leave(self, request: gr.Request) -> None:
        """The tab was closed."""
        self.runs.close_session(request.session_hash or "")
