"""The events of the tab Mix: a grid of blends between two objects, and sliders that lead from the one in use.

What the page sends back is a place in the grid, or the amounts of the sliders, and the code is made again from that.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import gradio as gr
import torch

from spir.app import text
from spir.app.context import PAPER_WHITE, AppContext
from spir.app.data_uris import small
from spir.app.errors import refuse, refusing_failures, stage
from spir.app.widgets.mixing.widget import AMOUNTS, SECOND_STEPS, SIDE, SLIDERS, cleared, status
from spir.app.widgets.swatches import widget as swatches
from spir.errors import PhotoError
from spir.outputs.views import to_uint8, with_background
from spir.photo import read_photo
from spir.pipeline import preset
from spir.session import actions
from spir.session.session import SecondPhoto, Session
from spir.types import Code, Cutout, Fit, join
from spir.validation import number


class MixingHandlers:
    """The events of the tab Mix."""

    def __init__(self, context: AppContext):
        self.context = context

    def second(self, file: dict | None, key: str | None) -> Iterator[dict]:
        """Cut the object out of the second photo; yields messages for the widget."""
        if key is not None or file:
            self.put(key, None)
        if not file:
            yield cleared(key or "")
            return
        self.context.slot(key).files += (Path(file["path"]),)
        yield cleared(key, text.CUTTING_SECOND)
        try:
            with refusing_failures():
                second = SecondPhoto(self.context.engine.cut(read_photo(file["path"])))
        except PhotoError as problem:
            yield cleared(key, text.rejected(str(problem)))
            refuse(str(problem))
        self.put(key, second)
        yield cleared(key, text.MIX_READY, second.cutout)

    def put(self, key: str | None, second: SecondPhoto | None) -> None:
        """Keep a second photo in the session."""
        session = self.context.session(key)
        self.context.store.commit(key, session, replace(session, second=second))

    def grid(
        self, file: dict | None, key: str | None, colours: dict | None, steps: int | str | None
    ) -> Iterator[dict]:
        """Fit the second photo and render nine blends from the first one's camera, row by row.

        `steps` is one of `SECOND_STEPS`."""
        self.context.fitted(key)
        yield from self.there(file, key, steps)
        try:
            with stage("mix", run=self.context.slot(key).number, steps=steps):
                yield from self.fitted_second(key, steps)
                yield from self.blends(key, self.context.coloured(self.context.fitted(key), colours).fit)
        except gr.Error as failure:
            yield status(key, failure.message)
            raise

    def there(self, file: dict | None, key: str, steps: int | str | None) -> Iterator[dict]:
        """Make sure of a second photo and of how long to fit it, or say what is missing."""
        if steps not in SECOND_STEPS:
            refuse(text.BAD_STEPS)
        if self.context.session(key).second is None and file:
            # Of an earlier first photo, whose session went and took it along.
            yield from self.second(file, key)
        if self.context.session(key).second is None:
            refuse(text.NO_SECOND)

    def fitted_second(self, key: str, steps: int) -> Iterator[dict]:
        """Find the code of the second photo, unless it is known from as many steps."""
        second, engine = self.context.session(key).second, self.context.engine
        if second.code is not None and second.steps == steps:
            return
        for step in engine.invert(second.cutout, engine.initialise(second.cutout), preset(steps)):
            if self.gone(key, second.cutout):
                return
            yield status(key, text.looking(step.index, steps))
        self.put(key, SecondPhoto(second.cutout, step.code, steps))

    def blends(self, key: str, mine: Fit) -> Iterator[dict]:
        """The nine pictures, every message with all there are so far; none of a photo that was replaced."""
        second = self.context.session(key).second
        if second is None or second.code is None:
            return
        self.put(key, replace(second, mixed_with=mine))
        cells = []
        for row in range(len(AMOUNTS)):
            codes = [self.blend(mine.code, amounts_at(row, i), second.code) for i in range(len(AMOUNTS))]
            pictures = self.pictures(mine, codes)
            if self.gone(key, second.cutout):
                return
            cells = [*cells, *pictures]
            yield {"run": key, "cells": cells, "note": text.MIX_DONE if row == 2 else text.MIXING}

    def gone(self, key: str, cutout: Cutout) -> bool:
        """Whether nobody waits for the second photo of that cut-out any more."""
        slot = self.context.store.slots.get(key)
        return slot is None or slot.session.second is None or slot.session.second.cutout is not cutout

    def pictures(self, fit: Fit, codes: list[Code]) -> list[str]:
        """Every code's object from the camera of a fit, on paper."""
        engine = self.context.engine
        # Some have a palette of their own: written out, they can be one batch.
        rows = [engine.generator.w_plus(code) for code in codes]
        batch = join([Code(w, engine.palette(code)) for w, code in zip(rows, codes, strict=True)])
        seen = engine.render(Fit(fit.category, batch, join([fit.pose] * len(codes))), SIDE)
        paper = with_background(seen, engine.category.background, PAPER_WHITE)
        return [small(picture) for picture in to_uint8(paper.rgb)]

    @torch.no_grad()
    def blend(self, code: Code, amounts: dict[str, float], other: Code | None) -> Code:
        """A code edited by so much of each of `SLIDERS`, in their order; refused where the other photo is needed and
        not there."""
        engine = self.context.engine
        mixed = code.to(engine.device)
        for name, edit in SLIDERS.items():
            amount = amounts.get(name, 0.0)
            if not amount:
                continue
            if edit.needs and other is None:
                refuse(text.NO_SECOND)
            extra = {"other": other.to(engine.device)} if edit.needs else {}
            mixed = edit.apply(engine.generator, mixed, amount, **extra)
        return mixed.to("cpu")

    @refusing_failures()
    def preview(self, key: str | None, colours: dict | None, *values: int | float) -> dict:
        """Show the object in use, edited by the values of the sliders."""
        session = self.context.fitted(key)
        amounts = checked_amounts(dict(zip(SLIDERS, values, strict=True)))
        fit = self.context.coloured(session, colours).fit
        other = session.second and session.second.code
        if other is None and any(amounts[name] for name, edit in SLIDERS.items() if edit.needs):
            return status(key, text.NO_SECOND)
        (picture,) = self.pictures(fit, [self.blend(fit.code, amounts, other)])
        return {"run": key, "live": {"picture": picture, "amounts": amounts}}

    def use(self, key: str | None, colours: dict | None, value: dict | None) -> None:
        """Use what was picked as the object of the page; its steps and its camera stay."""
        session = self.context.fitted(key)
        code = self.picked(session, colours, value if isinstance(value, dict) else {})
        self.context.store.commit(key, session, actions.mix(session, code))

    def picked(self, session: Session, colours: dict | None, value: dict) -> Code:
        """The code of a place in the grid, or of amounts from the object in use."""
        second = session.second
        if "amounts" in value:
            mine = self.context.coloured(session, colours).fit
            return self.blend(mine.code, checked_amounts(value["amounts"]), second and second.code)
        amounts = amounts_at(*checked_place(value.get("cell")))
        mine = None if second is None else second.mixed_with
        # A new run is another object than the one that the grid was made of.
        if mine is None or mine.trajectory[-1] is not session.fit.trajectory[-1]:
            refuse(text.MIX_AGAIN)
        return self.blend(mine.code, amounts, second.code)

    def borrow(
        self, file: dict | None, key: str | None, steps: int | str | None
    ) -> Iterator[tuple[dict, dict]]:
        """Give the second photo's colours to the swatches; yields messages for the widget on the way."""
        self.context.fitted(key)
        for message in self.there(file, key, steps):
            yield message, gr.skip()
        for message in self.fitted_second(key, steps):
            yield message, gr.skip()
        second = self.context.session(key).second
        if second is None or second.code is None:
            return
        palette = self.context.engine.palette(second.code)[0]
        yield status(key, text.BORROWED), swatches.borrowed(key, palette)


def amounts_at(row: int, column: int) -> dict[str, float]:
    """The amounts at a place of the grid."""
    return {"mix_shape": AMOUNTS[row], "mix_colours": AMOUNTS[column]}


def checked_place(value: object) -> tuple[int, int]:
    """Row and column that the page sent; it is not trusted."""
    if not isinstance(value, list) or len(value) != 2 or any(type(i) is not int for i in value):
        refuse(text.NOTHING_PICKED)
    if not all(0 <= i < len(AMOUNTS) for i in value):
        refuse(text.NOTHING_PICKED)
    return value[0], value[1]


def checked_amounts(amounts: object) -> dict[str, float]:
    """Amounts that the page sent, all within the limits of their edits; it is not trusted."""
    if not isinstance(amounts, dict) or not set(amounts) <= set(SLIDERS):
        refuse(text.BAD_AMOUNT)
    try:
        return {
            name: number(amount, SLIDERS[name].low, SLIDERS[name].high) for name, amount in amounts.items()
        }
    except ValueError:
        refuse(text.BAD_AMOUNT)
