"""Two photos mixed: a grid of blends between the two objects, and sliders that lead from the one in use.

The page gets small pictures from the first photo's camera; what it sends back is a place in the grid, or the
amounts of the sliders, and the code is made again from that.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import gradio as gr
import torch

from spir.app import text as words
from spir.app.data_uris import png, small
from spir.app.errors import refuse
from spir.app.handlers.base import PAPER_WHITE, Handlers
from spir.app.server.gpu import on_gpu
from spir.app.server.logging import in_words, stage
from spir.app.sessions import Run, Second
from spir.app.theme import script
from spir.app.widgets.swatches import widget as swatches
from spir.outputs.edits import EDITS
from spir.outputs.views import to_uint8, with_background
from spir.photo import PhotoError, read_photo
from spir.pipeline import preset
from spir.types import Code, Cutout, Fit, Step, join
from spir.validation import number

SIDE = 128
"""Pixels of a blend's picture."""
AMOUNTS = (0.0, 0.5, 1.0)
"""Of the other's shape downwards, and of its colours to the right."""
SLIDERS = {name: edit for name, edit in EDITS.items() if set(edit.needs) <= {"other"}}
SECOND_STEPS = (0, 10)
"""How long the second photo may be looked at."""
ROWS = ("Your shape", "Half-way", "Its shape")
COLUMNS = ("Your colours", "Half-way", "Its colours")
HEAD = "".join(f'<span class="head" aria-hidden="true">{column}</span>' for column in COLUMNS)
CELLS = "".join(
    f'<span class="side" aria-hidden="true">{row}</span>'
    + "".join(
        f'<button type="button" aria-label="{row}, {column.lower()}" aria-pressed="false" disabled>'
        '<img alt="" hidden></button>'
        for column in COLUMNS
    )
    for row in ROWS
)
TEMPLATE = f"""<section class="spir-mixing" aria-label="Mix">
 <p class="spir-note" role="status"></p>
 <div class="spir-mix">
  <div class="grid" role="group" aria-label="Blends of the two objects"><span></span>{HEAD}{CELLS}</div>
  <div class="pair">
   <figure class="second"><div class="spir-box"><img alt="Cut-out of the second photo" hidden></div>
    <figcaption>Second photo</figcaption></figure>
   <figure class="picked"><div class="spir-box"><img alt="The blend that is picked" hidden></div>
    <figcaption>Picked</figcaption></figure>
   <div class="spir-controls"><button type="button" class="use" disabled>Use this one</button></div>
  </div>
 </div>
</section>"""


def mixing(**options) -> gr.HTML:
    """Takes the messages below, and gives back what was picked: {"run", "cell": [row, column]} or
    {"run", "amounts": {edit: amount}}, with `input` once it shall be used."""
    return gr.HTML(
        value=cleared(""),
        html_template=TEMPLATE,
        js_on_load=script("mixing/widget.js"),
        min_height=300,
        **options,
    )


def cleared(run: str, note: str = words.MIX_EMPTY, cutout: Cutout | None = None) -> dict:
    """No blends; perhaps a second photo."""
    second = None if cutout is None else png(to_uint8(cutout.rgb[0]))
    return {"run": run, "clear": True, "note": note, "second": second}


def said(run: str, note: str) -> dict:
    return {"run": run, "note": note}


class Mixing:
    """The events of the tab Mix."""

    def __init__(self, handlers: Handlers):
        self.handlers = handlers
        self.engine = handlers.engine
        self.look_on_gpu = on_gpu(self.engine.reconstruct, lambda cutout, config: 10 + config.steps)

    def second(self, file: dict | None, key: str | None) -> Iterator[dict]:
        """Cut the object out of the second photo; a message for the piece."""
        if not file:
            if key is not None:
                self.handlers.run(key).other = None
            yield cleared(key or "")
            return
        run = self.handlers.run(key)
        run.other = None
        run.sent += (Path(file["path"]),)
        yield cleared(key, words.CUTTING_SECOND)
        try:
            with in_words():
                run.other = Second(self.engine.cut(read_photo(file["path"])))
        except PhotoError as problem:
            yield cleared(key, words.rejected(str(problem)))
            refuse(str(problem))
        yield cleared(key, words.MIX_READY, run.other.cutout)

    def grid(
        self, file: dict | None, key: str | None, colours: dict | None, steps: int | str | None
    ) -> Iterator[dict]:
        """Look at the second photo and render nine blends from the first one's camera, row by row.

        `steps` is one of `SECOND_STEPS`."""
        run = self.handlers.run(key, fitted=True)
        yield from self.there(file, key, run, steps)
        try:
            with stage("mix", run=run.number, steps=steps):
                yield from self.looked(key, run, steps)
                yield from self.blends(key, run, self.handlers.coloured(run, colours))
        except gr.Error as failure:
            yield said(key, failure.message)
            raise

    def there(self, file: dict | None, key: str, run: Run, steps: int | str | None) -> Iterator[dict]:
        """Make sure of a second photo and of how long to look at it, or say what is missing."""
        if steps not in SECOND_STEPS:
            refuse(words.BAD_STEPS)
        if run.other is None and file:
            # Of an earlier first photo, whose run went and took it along.
            yield from self.second(file, key)
        if run.other is None:
            refuse(words.NO_SECOND)

    def looked(self, key: str, run: Run, steps: int) -> Iterator[dict]:
        """Find the code of the second photo, unless it is known from as many steps."""
        other = run.other
        if other.code is not None and other.steps == steps:
            return
        code = None
        for item in self.look_on_gpu(other.cutout, preset(steps)):
            if gone(run, other.cutout):
                return
            if isinstance(item, Step):
                code = item.code
                yield said(key, words.looking(item.index, steps))
        run.other = Second(other.cutout, code, steps)

    def blends(self, key: str, run: Run, mine: Fit) -> Iterator[dict]:
        """The nine pictures, every message with all there are so far; none of a photo that was replaced."""
        other = run.other
        if other is None or other.code is None:
            return
        run.other = other = replace(other, mine=mine)
        cells = []
        for row in range(len(AMOUNTS)):
            codes = [self.blend(mine.code, cell(row, i), other.code) for i in range(len(AMOUNTS))]
            pictures = self.pictures(mine, codes)
            if gone(run, other.cutout):
                return
            cells = [*cells, *pictures]
            yield {"run": key, "cells": cells, "note": words.MIX_DONE if row == 2 else words.MIXING}

    def pictures(self, fit: Fit, codes: list[Code]) -> list[str]:
        """Every code's object from the camera of a fit, on paper."""
        # Some have a palette of their own: written out, they can be one batch.
        rows = [self.engine.generator.w_plus(code) for code in codes]
        batch = join([Code(w, self.engine.palette(code)) for w, code in zip(rows, codes, strict=True)])
        seen = self.handlers.render_on_gpu(Fit(fit.category, batch, join([fit.pose] * len(codes))), SIDE)
        paper = with_background(seen, self.engine.category.background, PAPER_WHITE)
        return [small(picture) for picture in to_uint8(paper.rgb)]

    @torch.no_grad()
    def blend(self, code: Code, amounts: dict[str, float], other: Code | None) -> Code:
        """A code edited by so much of each of `SLIDERS`, in their order.

        Refuses in words where the other photo is needed and not there."""
        mixed = code.to(self.engine.device)
        for name, edit in SLIDERS.items():
            amount = amounts.get(name, 0.0)
            if not amount:
                continue
            if edit.needs and other is None:
                refuse(words.NO_SECOND)
            extra = {"other": other.to(self.engine.device)} if edit.needs else {}
            mixed = edit.apply(self.engine.generator, mixed, amount, **extra)
        return mixed.to("cpu")

    @in_words()
    def preview(self, key: str | None, colours: dict | None, *values: int | float) -> dict:
        """A message with the object in use, edited by the values of the sliders."""
        run = self.handlers.run(key, fitted=True)
        amounts = allowed(dict(zip(SLIDERS, values, strict=True)))
        fit = self.handlers.coloured(run, colours)
        other = run.other and run.other.code
        if other is None and any(amounts[name] for name, edit in SLIDERS.items() if edit.needs):
            return said(key, words.NO_SECOND)
        (picture,) = self.pictures(fit, [self.blend(fit.code, amounts, other)])
        return {"run": key, "live": {"picture": picture, "amounts": amounts}}

    def use(self, key: str | None, colours: dict | None, value: dict | None) -> None:
        """What was picked becomes the object of the page; its steps and its camera stay."""
        run = self.handlers.run(key, fitted=True)
        code = self.picked(run, colours, value if isinstance(value, dict) else {})
        run.fit, run.views = replace(run.fit, code=code), ()

    def picked(self, run: Run, colours: dict | None, value: dict) -> Code:
        """The code of a place in the grid, or of amounts from the object in use."""
        other = run.other
        if "amounts" in value:
            mine = self.handlers.coloured(run, colours)
            return self.blend(mine.code, allowed(value["amounts"]), other and other.code)
        amounts = cell(*place(value.get("cell")))
        # A new run of steps is another object than the one that the grid was made of.
        if other is None or other.mine is None or other.mine.trajectory is not run.fit.trajectory:
            refuse(words.MIX_AGAIN)
        return self.blend(other.mine.code, amounts, other.code)

    def borrow(
        self, file: dict | None, key: str | None, steps: int | str | None
    ) -> Iterator[tuple[dict, dict]]:
        """The second photo's colours for the swatches; messages for the piece on the way."""
        run = self.handlers.run(key, fitted=True)
        for message in self.there(file, key, run, steps):
            yield message, gr.skip()
        for message in self.looked(key, run, steps):
            yield message, gr.skip()
        if run.other is None or run.other.code is None:
            return
        yield (
            said(key, words.BORROWED),
            swatches.borrowed(key, self.engine.palette(run.other.code)[0]),
        )


def gone(run: Run, cutout: Cutout) -> bool:
    """Whether nobody waits for the second photo of that cut-out any more."""
    return run.dropped or run.other is None or run.other.cutout is not cutout


def cell(row: int, column: int) -> dict[str, float]:
    """The amounts at a place of the grid."""
    return {"mix_shape": AMOUNTS[row], "mix_colours": AMOUNTS[column]}


def place(value: object) -> tuple[int, int]:
    """Row and column that the page sent; it is not trusted."""
    if not isinstance(value, list) or len(value) != 2 or any(type(i) is not int for i in value):
        refuse(words.NOTHING_PICKED)
    if not all(0 <= i < len(AMOUNTS) for i in value):
        refuse(words.NOTHING_PICKED)
    return value[0], value[1]


def allowed(amounts: object) -> dict[str, float]:
    """Amounts that the page sent, all within the limits of their edits; it is not trusted."""
    if not isinstance(amounts, dict) or not set(amounts) <= set(SLIDERS):
        refuse(words.BAD_AMOUNT)
    try:
        return {
            name: number(amount, SLIDERS[name].low, SLIDERS[name].high) for name, amount in amounts.items()
        }
    except ValueError:
        refuse(words.BAD_AMOUNT)
