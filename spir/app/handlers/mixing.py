"""Handle the events of the tab Mix: a grid of blends between two objects, and sliders that edit the one in
use.

The page sends a place in the grid or the amounts of the sliders, and the code is made again from that.
"""

from collections.abc import Iterator
from pathlib import Path

import gradio as gr
import torch

from spir.app import text
from spir.app.context import PAPER_WHITE, AppContext
from spir.app.data_uris import small
from spir.app.errors import refuse, refuse_on_error, stage
from spir.app.widgets.mixing.widget import AMOUNTS, SECOND_STEPS, SIDE, SLIDERS, cleared, status
from spir.app.widgets.swatches import widget as swatches
from spir.errors import PhotoError
from spir.outputs.views import to_uint8, with_background
from spir.pipeline import preset
from spir.session import actions
from spir.session.session import SecondPhoto, Session, require
from spir.types import Code, Cutout, Fit, join
from spir.validation import checked_number


class MixingHandlers:
    """This class handles the events of the tab Mix."""

    def __init__(self, context: AppContext):
        self.context = context

    def second(self, file: dict | None, key: str | None) -> Iterator[dict]:
        """Cut the object out of the second photo; yields messages for the widget."""
        if not file:
            if key is not None:
                self.set_second(key, None)
            yield cleared(key or "")
            return
        key = self.context.key(key)
        self.set_second(key, None)
        self.context.slot(key).files += (Path(file["path"]),)
        yield cleared(key, text.CUTTING_SECOND)
        try:
            with refuse_on_error():
                second = actions.open_second(self.context.engine, Path(file["path"]).read_bytes())
        except PhotoError as problem:
            yield cleared(key, text.rejected(str(problem)))
            refuse(str(problem))
        self.set_second(key, second)
        yield cleared(key, text.MIX_READY, second.cutout)

    def set_second(self, key: str, second: SecondPhoto | None, mixed_with: Fit | None = None) -> None:
        """Set the second photo of the session, and the fit that it was mixed with."""
        session = self.context.session(key)
        self.context.store.commit(key, session, actions.set_second(session, second, mixed_with))

    def grid(
        self, file: dict | None, key: str | None, colours: dict | None, steps: int | str | None
    ) -> Iterator[dict]:
        """Fit the second photo and render nine blends from the first one's camera, row by row.

        `steps` is one of `SECOND_STEPS`."""
        key = self.context.key(key)
        self.context.fitted(key)
        yield from self.require_second(file, key, steps)
        try:
            with stage("mix", run=self.context.slot(key).log_id, steps=steps):
                yield from self.fitted_second(key, steps)
                yield from self.blends(key, self.context.with_colours(self.context.fitted(key), colours).fit)
        except gr.Error as failure:
            yield status(key, failure.message)
            raise

    def require_second(self, file: dict | None, key: str, steps: int | str | None) -> Iterator[dict]:
        """Refuse unless there is a second photo and a valid number of steps; opens the photo first where the
        session lacks it."""
        if steps not in SECOND_STEPS:
            refuse(text.BAD_STEPS)
        if self.context.session(key).second is None and file:
            # The second photo was sent to an earlier session, which was closed with it.
            yield from self.second(file, key)
        if self.context.session(key).second is None:
            refuse(text.NO_SECOND)

    def fitted_second(self, key: str, steps: int | str | None) -> Iterator[dict]:
        """Find the code of the second photo, unless it is known from the same number of steps."""
        second, engine = require(self.context.session(key).second), self.context.engine
        if second.code is not None and second.steps == steps:
            return
        steps, found = int(steps or 0), second
        for found in actions.fit_second(engine, second, preset(steps)):
            if self.replaced(key, second.cutout):
                return
            yield status(key, text.looking(found.steps, steps))
        self.set_second(key, found)

    def blends(self, key: str, mine: Fit) -> Iterator[dict]:
        """Yield messages with the pictures of the grid so far, nine at the end; stops where the second photo
        was replaced."""
        second = self.context.session(key).second
        if second is None or second.code is None:
            return
        self.set_second(key, second, mine)
        cells = []
        for row in range(len(AMOUNTS)):
            codes = [self.blend(mine.code, amounts_at(row, i), second.code) for i in range(len(AMOUNTS))]
            pictures = self.pictures(mine, codes)
            if self.replaced(key, second.cutout):
                return
            cells = [*cells, *pictures]
            yield {"run": key, "cells": cells, "note": text.MIX_DONE if row == 2 else text.MIXING}

    def replaced(self, key: str, cutout: Cutout) -> bool:
        """Return whether the second photo with that cut-out was replaced or its session dropped meanwhile."""
        slot = self.context.store.slots.get(key)
        return slot is None or slot.session.second is None or slot.session.second.cutout is not cutout

    def pictures(self, fit: Fit, codes: list[Code]) -> list[str]:
        """Render the object of every code from the camera of a fit, on white."""
        engine = self.context.engine
        # Some codes have a palette of their own: with all palettes explicit, they form one batch.
        rows = [engine.generator.w_plus(code) for code in codes]
        batch = join([Code(w, engine.palette(code)) for w, code in zip(rows, codes, strict=True)])
        seen = engine.render(Fit(fit.category, batch, join([fit.pose] * len(codes))), SIDE)
        paper = with_background(seen, engine.category.background, PAPER_WHITE)
        return [small(picture) for picture in to_uint8(paper.rgb)]

    @torch.no_grad()
    def blend(self, code: Code, amounts: dict[str, float], other: Code | None) -> Code:
        """Return a code edited by the amounts of `SLIDERS`, in their order; refuses where an edit needs the
        second photo and there is none."""
        engine = self.context.engine
        mixed = code.to(engine.device)
        for name, edit in SLIDERS.items():
            amount = amounts.get(name, 0.0)
            if not amount:
                continue
            if edit.needs and other is None:
                refuse(text.NO_SECOND)
            extra = {"other": require(other).to(engine.device)} if edit.needs else {}
            mixed = edit.apply(engine.generator, mixed, amount, **extra)
        return mixed.to("cpu")

    @refuse_on_error()
    def preview(self, key: str | None, colours: dict | None, *values: int | float) -> dict:
        """Show the object in use, edited by the values of the sliders."""
        key = self.context.key(key)
        session = self.context.fitted(key)
        amounts = checked_amounts(dict(zip(SLIDERS, values, strict=True)))
        fit = self.context.with_colours(session, colours).fit
        other = session.second and session.second.code
        if other is None and any(amounts[name] for name, edit in SLIDERS.items() if edit.needs):
            return status(key, text.NO_SECOND)
        (picture,) = self.pictures(fit, [self.blend(fit.code, amounts, other)])
        return {"run": key, "live": {"picture": picture, "amounts": amounts}}

    def use(self, key: str | None, colours: dict | None, value: dict | None) -> None:
        """Use the picked blend as the object of the page; its steps and its camera stay."""
        key = self.context.key(key)
        session = self.context.fitted(key)
        code = self.picked(session, colours, value if isinstance(value, dict) else {})
        self.context.store.commit(key, session, actions.mix(session, code))

    def picked(self, session: Session, colours: dict | None, value: dict) -> Code:
        """Return the code of a place in the grid, or of slider amounts applied to the object in use."""
        second = session.second
        if "amounts" in value:
            mine = self.context.with_colours(session, colours).fit
            return self.blend(mine.code, checked_amounts(value["amounts"]), second and second.code)
        amounts = amounts_at(*checked_place(value.get("cell")))
        mine = None if second is None else second.mixed_with
        # A new run has made another object than the one in the grid.
        if mine is None or mine.trajectory[-1] is not session.fit.trajectory[-1]:
            refuse(text.MIX_AGAIN)
        return self.blend(mine.code, amounts, require(second).code)

    def borrow(
        self, file: dict | None, key: str | None, steps: int | str | None
    ) -> Iterator[tuple[dict, dict]]:
        """Give the second photo's colours to the swatches; yields messages for the widget and a value for the
        swatches."""
        key = self.context.key(key)
        self.context.fitted(key)
        for message in self.require_second(file, key, steps):
            yield message, gr.skip()
        for message in self.fitted_second(key, steps):
            yield message, gr.skip()
        second = self.context.session(key).second
        if second is None or second.code is None:
            return
        palette = self.context.engine.palette(second.code)[0]
        yield status(key, text.BORROWED), swatches.borrowed(key, palette)


def amounts_at(row: int, column: int) -> dict[str, float]:
    """Return the amounts at a place of the grid."""
    return {"mix_shape": AMOUNTS[row], "mix_colours": AMOUNTS[column]}


def checked_place(value: object) -> tuple[int, int]:
    """Return the row and the column in an untrusted payload; refuses anything else."""
    if not isinstance(value, list) or len(value) != 2 or any(type(i) is not int for i in value):
        refuse(text.NOTHING_PICKED)
    if not all(0 <= i < len(AMOUNTS) for i in value):
        refuse(text.NOTHING_PICKED)
    return value[0], value[1]


def checked_amounts(amounts: object) -> dict[str, float]:
    """Return the amounts in an untrusted payload, all within the limits of their edits; refuses anything
    else."""
    if not isinstance(amounts, dict) or not set(amounts) <= set(SLIDERS):
        refuse(text.BAD_AMOUNT)
    try:
        return {
            name: checked_number(amount, SLIDERS[name].low, SLIDERS[name].high)
            for name, amount in amounts.items()
        }
    except ValueError:
        refuse(text.BAD_AMOUNT)
