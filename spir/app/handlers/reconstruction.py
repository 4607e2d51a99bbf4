"""Handle the events of a reconstruction: runs are streamed step by step, stopped, resumed, or continued from
another step (section 3.3).
"""

import time
from collections.abc import Iterator
from dataclasses import replace

import gradio as gr

from spir.app import text
from spir.app.context import AppContext
from spir.app.errors import refuse, stage
from spir.app.server.gpu import GPU_PER_CALL
from spir.app.widgets.timeline import widget as timeline
from spir.pipeline import PRESET_STEPS, preset
from spir.session import actions
from spir.session.actions import MAX_STEPS
from spir.session.session import Session
from spir.types import Cutout
from spir.validation import checked_number

MESSAGE_EVERY = 0.05
"""The least seconds between two messages of a run: a browser that gets more of them merges them and loses
steps."""


class ReconstructionHandlers:
    """This class handles the events of the timeline and of the buttons beside it."""

    def __init__(self, context: AppContext):
        self.context = context

    def warm(self, cutout: Cutout) -> None:
        """Run one step before the first visitor comes, so that everything is set up and the time of a step is
        known. It does nothing where GPUs are lent per call."""
        if GPU_PER_CALL:
            return
        engine, began, first = self.context.engine, time.perf_counter(), 0.0
        for _ in engine.invert(cutout, engine.initialise(cutout), preset(1)):
            first = first or time.perf_counter() - began
        self.context.estimate.learn(first, time.perf_counter() - began, 1)

    def wait(self, key: str | None, line: object = None) -> dict:
        """Clear an earlier Stop before a run enters the queue, and return the waiting status. `line` is the
        timeline's value."""
        if key is None and isinstance(line, dict) and line.get("run"):
            # The page shows a session that this server does not know: the server was restarted.
            refuse(text.FORGOTTEN)
        key = self.context.key(key)
        self.context.slot(key).stop.clear()
        return timeline.status(key, "waiting", text.WAITING)

    def stop(self, key: str | None) -> None:
        """Stop the run after its current step."""
        if key is not None:
            self.context.slot(key).stop.set()

    def reconstruct(self, key: str | None, steps: object) -> Iterator[dict]:
        """Fit the object in the photo up to step number `steps`; streams every step.

        Where the photo has a fit, fewer steps select an earlier step, and more continue after the last."""
        key = self.context.key(key)
        session, steps = self.context.session(key), step_count(steps)
        engine = self.context.engine
        if session.result is None or session.fitted_cutout is not session.cutout:
            yield from self.stream(key, session, actions.run(engine, session, preset(steps), True), steps)
            return
        known = session.fit.trajectory
        if steps <= known[-1].index:
            yield self.select(key, min(step.index for step in known if step.index >= steps))
            return
        going_on = actions.resume(engine, session, steps, True)
        # Without momentum, the last step is sent again as the start of a new segment.
        last = known[-1].index - (known[-1].momentum is None)
        yield from self.stream(key, session, going_on, steps, keep=last)

    def compare(self, key: str | None) -> Iterator[dict]:
        """Stream all the steps that the comparison needs."""
        yield from self.reconstruct(key, max(PRESET_STEPS))

    def proceed(self, key: str | None, value: object, steps: object, keep_pose: bool) -> Iterator[dict]:
        """Stream a new segment of that many steps from the step that is shown; `keep_pose` keeps its pose."""
        key = self.context.key(key)
        session, steps = self.context.fitted(key), step_count(steps)
        number = checked_step(session, shown_step(value))
        if number + steps > MAX_STEPS or not steps:
            refuse(text.TOO_FAR)
        config = replace(preset(steps), optimise_pose=not keep_pose)
        going_on = actions.branch(self.context.engine, session, number, config, True)
        yield from self.stream(key, session, going_on, number + steps, keep=number - 1)

    def refit(self, key: str | None, steps: object) -> Iterator[dict]:
        """Fit the object anew from the pose to which the visitor moved the camera."""
        key = self.context.key(key)
        session, steps = self.context.fitted(key), step_count(steps)
        start = actions.guess_from_moved_camera(session)
        anew = actions.refit(self.context.engine, session, start, preset(steps), True)
        yield from self.stream(key, session, anew, steps)

    def use(self, key: str | None, value: object) -> dict:
        """Use the step that is shown as the object of the page."""
        key = self.context.key(key)
        return self.select(key, checked_step(self.context.fitted(key), shown_step(value)))

    def select(self, key: str, number: int) -> dict:
        """Use the step of that number."""
        session = self.context.session(key)
        changed = actions.select(session, number)
        self.context.store.commit(key, session, changed)
        return timeline.in_use(key, changed.step)

    def in_use(self, key: str | None) -> dict:
        """Return which step is the object of the page, after another part of the page changed it."""
        key = self.context.key(key)
        return timeline.in_use(key, self.context.fitted(key).step)

    def stream(
        self, key: str, session: Session, states: Iterator[Session], total: int, keep: int | None = None
    ) -> Iterator[dict]:
        """Yield the messages of a run up to step `total`; a failure is sent as a message, too.

        `keep` is the number of the last step that the page has and keeps; None = the run begins anew."""
        try:
            with stage("fit", run=self.context.slot(key).log_id, steps=total - (keep or 0)):
                yield from self.messages(key, session, states, total, keep)
        except gr.Error as failure:
            yield timeline.status(key, "failed", failure.message)
            raise

    def messages(
        self, key: str, session: Session, states: Iterator[Session], total: int, keep: int | None
    ) -> Iterator[dict]:
        """Yield the messages of a run; its result is stored before the last one."""
        slot, began, state = self.context.slot(key), time.perf_counter(), session
        sent, first, message = -MESSAGE_EVERY, 0.0, {}
        if keep is not None:
            # The page has the steps up to `keep` already, and drops those after it.
            message = timeline.resumed(key, total, keep)
        opened = keep is not None
        for state in states:
            now = time.perf_counter() - began
            if not opened:
                target = session.cutout
                message = timeline.opened(key, target, state.first_guess, total, self.context.engine.category)
                opened = True
            new_step = state.result is not session.result
            if new_step:
                first = first or now
                frame = timeline.frame(state.fitted.step, state.fitted.trajectory.metrics[-1])
                message |= {"run": key, "frames": [*message.get("frames", ()), frame]}
            # The run is stopped here and not in the engine: a lock cannot reach a borrowed GPU's process.
            if slot.dropped or (new_step and slot.stop.is_set()):
                break
            if message and now - sent >= MESSAGE_EVERY:
                yield message
                message, sent = {}, now
        if slot.dropped:
            return
        self.context.store.commit(key, session, state)
        last, seconds = state.fitted.step, time.perf_counter() - began
        if keep is None and state.guess is not session.guess:
            self.context.estimate.learn(first, seconds, last.index)
        stopped = last.index < total
        note = text.stopped(last.index) if stopped else text.done(last.index, last.seconds)
        yield message | timeline.status(key, "stopped" if stopped else "done", note) | {"used": last.index}


def step_count(steps: object) -> int:
    """Return the number of steps that the page asked for, a whole number from 0 to `MAX_STEPS`; refuses
    anything else."""
    try:
        count = checked_number(steps, 0, MAX_STEPS)
    except ValueError:
        refuse(text.BAD_STEPS)
    if count % 1:
        refuse(text.BAD_STEPS)
    return int(count)


def shown_step(value: object) -> int:
    """Return the number of the step that the timeline shows; refuses where it shows none."""
    shown = value.get("looked_at") if isinstance(value, dict) else None
    if not isinstance(shown, int):
        refuse(text.NO_RESULT)
    return shown


def checked_step(session: Session, number: int) -> int:
    """Return the number where the result has a step of it; refuses otherwise."""
    if all(step.index != number for step in session.fit.trajectory):
        refuse(text.NO_RESULT)
    return number
