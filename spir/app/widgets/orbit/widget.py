"""Build the widget that turns the object: views all round it, painted in the visitor's colours by the browser
alone.
"""

from collections.abc import Sequence

import gradio as gr

from spir.app import text
from spir.app.data_uris import webp
from spir.app.theme import script
from spir.outputs.views import FRAMES, VIEW_SIDE

TEMPLATE = """<section class="spir-orbit" aria-label="Turn the object">
 <div class="turn" tabindex="0" role="slider" aria-label="Angle around the object" aria-valuemin="0"
  aria-valuemax="359" aria-valuenow="0" aria-valuetext="No object yet" aria-disabled="true">
  <canvas width="128" height="128" aria-hidden="true" hidden></canvas>
  <span class="blank"></span>
  <span class="guess" hidden>guess</span>
 </div>
 <div class="spir-controls"><output class="angle">Drag it, or use the arrow keys.</output>
 <button type="button" class="home" disabled>Photo's side</button>
 <button type="button" class="save" disabled>Save view</button></div>
</section>"""


def build(value: dict | None = None, **options) -> gr.HTML:
    """Build the widget. It takes `cleared`, `more`, `poster` or `empty`; several of `more` may be merged into
    one.

    Its `input` event asks for the views that a poster lacks."""
    return gr.HTML(
        value=value or empty(),
        html_template=TEMPLATE,
        js_on_load=script("orbit/widget.js"),
        min_height=340,
        **options,
    )


def cleared(run: str, values: int, frames: int = FRAMES) -> dict:
    """Return the message before the first views, which will be `frames` views of `values` weights per pixel;
    the angle stays."""
    shape = {"values": values, "side": VIEW_SIDE, "frames": frames}
    return {"run": run, "clear": True, **shape, "parts": [], "note": text.TURNING}


def more(run: str, parts: Sequence[bytes]) -> dict:
    """Return the message with the next packed views (`outputs.attention_maps`): evenly spaced and in order,
    the photo's side first."""
    return {"run": run, "parts": [webp(part) for part in parts]}


def poster(run: str, values: int, view: bytes) -> dict:
    """Return the payload with the view from the photo's side alone; the others are requested when a visitor
    turns the object."""
    return cleared(run, values) | {"parts": [webp(view)], "more": True}


def empty(note: str = text.TO_TURN) -> dict:
    return {"run": "", "clear": True, "values": 0, "side": VIEW_SIDE, "frames": 0, "parts": [], "note": note}
