"""§3.3 on the page: runs, streamed step by step; stopped, taken up again, sent on from another place."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import gradio as gr

from spir.app import text as words
from spir.app.errors import refuse
from spir.app.handlers.base import Handlers
from spir.app.server.gpu import LENT, on_gpu
from spir.app.server.logging import stage
from spir.app.sessions import Run, at_rest, numbered
from spir.app.widgets.timeline import widget as timeline
from spir.outputs.files import step_metrics
from spir.pipeline import PRESET_STEPS, InversionConfig, preset
from spir.types import Cutout, Fit, Guess, Step
from spir.validation import number

MOST_STEPS = 100
MESSAGE_EVERY = 0.05
"""Seconds between two messages of a run: a browser that gets more merges them and loses steps."""


@dataclass(frozen=True)
class Way:
    """What a run does that does not begin at the beginning."""

    config: InversionConfig
    """With the steps of the descent itself."""
    kept: tuple[Step, ...] = ()
    """Steps that stay, all before those that come."""
    first: Guess | None = None
    """Where the descent begins; none = the encoder says."""
    after: Step | None = None
    """The step of the descent to go on behind, in its own numbers; none = from its beginning."""
    base: int = 0
    """The number of the step at which the descent begins."""
    since: float = 0.0
    """Seconds of the way to there."""

    @property
    def total(self) -> int:
        """The number of the last step."""
        return self.base + self.config.steps


class Fitting:
    """The events of the timeline and of the buttons beside it."""

    def __init__(self, handlers: Handlers):
        self.handlers = handlers
        self.engine = handlers.engine
        self.distance_on_gpu = on_gpu(self.engine.distance, lambda step, cutout: 5)
        self.steps_on_gpu = on_gpu(
            self.engine.reconstruct, lambda cutout, config, cancelled, first, after: 10 + config.steps
        )

    def warm(self, cutout: Cutout) -> None:
        """A step that nobody sees: what is set up at first use is there when the first visitor comes, and how
        long a step takes is known. Not where a GPU is lent by the call."""
        if LENT:
            return
        began = time.perf_counter()
        for item in self.engine.reconstruct(cutout, preset(1)):
            if isinstance(item, Step) and not item.index:
                first = time.perf_counter() - began
        self.handlers.pace.learn(first, time.perf_counter() - began, 1)

    def wait(self, key: str | None, line: object = None) -> dict:
        """Before a run gets its turn: an earlier Stop no longer counts. `line` is the timeline's value."""
        if key is None and isinstance(line, dict) and line.get("run"):
            # The page shows a run of which this server knows nothing: it was started anew.
            refuse(words.FORGOTTEN)
        self.handlers.run(key).stop.clear()
        return timeline.said(key, "waiting", words.WAITING)

    def stop(self, key: str | None) -> None:
        """End the run after the step it is at."""
        if key is not None:
            self.handlers.run(key).stop.set()

    def reconstruct(self, key: str | None, steps: object) -> Iterator[dict]:
        """Fit the object in the photo, up to step number `steps`; streams every step.

        Of a photo that has a fit, fewer steps only look back, and more go on behind the last."""
        run, steps = self.handlers.run(key), whole(steps)
        if run.fit is None or run.target is not run.cutout:
            yield from self.told(key, run, Way(preset(steps)))
            return
        last = run.fit.trajectory[-1]
        if steps <= last.index:
            yield self.chosen(key, run, min(step.index for step in run.fit.trajectory if step.index >= steps))
            return
        if last.momentum is None:
            # From a ZIP without it: from the last step, but from rest.
            yield from self.told(key, run, self.onward(run, last, preset(steps - last.index)))
            return
        since = step_at(run, run.base).seconds
        config = replace(run.config, steps=steps - run.base)
        after = numbered(last, -run.base, -since)
        yield from self.told(key, run, Way(config, run.fit.trajectory, run.origin, after, run.base, since))

    def race(self, key: str | None) -> Iterator[dict]:
        """All the steps that the comparison needs."""
        yield from self.reconstruct(key, max(PRESET_STEPS))

    def proceed(self, key: str | None, value: object, steps: object, keep_pose: bool) -> Iterator[dict]:
        """A new descent of so many steps from the step that is looked at, the pose moving or not."""
        run, steps = self.handlers.run(key, fitted=True), whole(steps)
        step = step_at(run, looked_at(value))
        if step.index + steps > MOST_STEPS or not steps:
            refuse(words.TOO_FAR)
        config = replace(preset(steps), optimise_pose=not keep_pose)
        yield from self.told(key, run, self.onward(run, step, config))

    def onward(self, run: Run, step: Step, config: InversionConfig) -> Way:
        """A new descent from a step of the fit; the steps before it stay."""
        kept = tuple(known for known in run.fit.trajectory if known.index < step.index)
        first = replace(run.guess, code=step.code, pose=step.pose)
        return Way(config, kept, first, base=step.index, since=step.seconds)

    def refit(self, key: str | None, steps: object, start: Callable[[Run], Guess]) -> Iterator[dict]:
        """All anew from where `start` says that the visitor has put it."""
        run = self.handlers.run(key, fitted=True)
        yield from self.told(key, run, Way(preset(whole(steps)), first=start(run)))

    def use(self, key: str | None, value: object) -> dict:
        """The step that is looked at becomes the object of the page."""
        return self.chosen(key, self.handlers.run(key, fitted=True), looked_at(value))

    def chosen(self, key: str, run: Run, number: int) -> dict:
        step = step_at(run, number)
        run.fit, run.views = replace(run.fit, code=step.code, pose=step.pose), ()
        return timeline.used(key, step)

    def in_use(self, key: str | None) -> dict:
        """Which step is the object of the page, after another room changed it."""
        return timeline.used(key, self.handlers.run(key, fitted=True).step)

    def told(self, key: str, run: Run, way: Way) -> Iterator[dict]:
        """The messages of a run, whose failure is one too."""
        try:
            with stage("fit", run=run.number, steps=way.config.steps, after=way.total - way.config.steps):
                yield from self.stream(key, run, way)
        except gr.Error as failure:
            yield timeline.said(key, "failed", failure.message)
            raise

    def stream(self, key: str, run: Run, way: Way) -> Iterator[dict]:
        """The messages of a run; what came of it is in `run` when the last one is out."""
        began = time.perf_counter()
        # What was painted since counts from the next beginning on.
        target, mask = (run.target, run.target_mask) if way.kept else (run.cutout, run.mask)
        kept = list(way.kept)
        metrics = list(run.metrics[: len(kept)])
        # What stays is known to the page already, unless other steps stood behind it.
        message = timeline.resumed(key, way.total, kept[-1].index if kept else -1)
        sent, first = -MESSAGE_EVERY, 0.0
        origin = way.first
        for item in self.steps_on_gpu(target, way.config, None, way.first, way.after):
            now = time.perf_counter() - began
            if isinstance(item, Guess):
                origin = item
                if way.first is None:
                    run.guess = item
                if not kept:
                    message = timeline.opened(key, target, run.guess, way.total, self.engine.category)
            elif isinstance(item, Step):
                first = first or now
                step = numbered(item, way.base, way.since)
                kept.append(at_rest(step))
                metrics.append(self.metrics(step, way, target))
                frame = timeline.frame(step, metrics[-1])
                message |= {"run": key, "frames": [*message.get("frames", ()), frame]}
            # Stopping is ours, not the engine's: on a borrowed GPU a lock could not reach it.
            if run.dropped or (run.stop.is_set() and len(kept) > len(way.kept)):
                break
            if message and now - sent >= MESSAGE_EVERY:
                yield message
                message, sent = {}, now
        if run.dropped:
            return
        last, seconds = kept[-1], time.perf_counter() - began
        run.fit = Fit(self.engine.category.name, last.code, last.pose, tuple(kept))
        run.metrics, run.views, run.target, run.target_mask = tuple(metrics), (), target, mask
        run.origin, run.base, run.config = origin, way.base, way.config
        if way.first is None and way.after is None:
            self.handlers.pace.learn(first, seconds, last.index)
        stopped = last.index < way.total
        note = words.stopped(last.index) if stopped else words.done(last.index, last.seconds)
        yield message | timeline.said(key, "stopped" if stopped else "done", note) | {"used": last.index}

    def metrics(self, step: Step, way: Way, target: Cutout) -> dict[str, float]:
        """What is said of a step; the distance, which costs a look of its own, only where it is compared."""
        (found,) = step_metrics([step], target)
        if step.index in PRESET_STEPS or step.index == way.total:
            found["distance"] = self.distance_on_gpu(step, target)
        return found


def whole(steps: object) -> int:
    """The number of steps that the page asked for, if it can be one."""
    try:
        count = number(steps, 0, MOST_STEPS)
    except ValueError:
        refuse(words.BAD_STEPS)
    if count % 1:
        refuse(words.BAD_STEPS)
    return int(count)


def looked_at(value: object) -> int:
    """The number of the step that the timeline shows."""
    number = value.get("looked_at") if isinstance(value, dict) else None
    if not isinstance(number, int):
        refuse(words.NO_RESULT)
    return number


def step_at(run: Run, number: int) -> Step:
    """The step of a run's fit that has this number."""
    for step in run.fit.trajectory:
        if step.index == number:
            return step
    refuse(words.NO_RESULT)
