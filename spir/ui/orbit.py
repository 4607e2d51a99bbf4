"""Turning the object: views all round it, by dragging or the arrow keys, in the browser alone."""

import gradio as gr
from jaxtyping import UInt8
from numpy import ndarray

from spir.ui import words
from spir.ui.pictures import jpeg
from spir.ui.theme import asset

TEMPLATE = """<section class="spir-orbit" aria-label="Turn the object">
 <div class="turn" tabindex="0" role="slider" aria-label="Angle around the object" aria-valuemin="0"
  aria-valuemax="359" aria-valuenow="0" aria-valuetext="No object yet" aria-disabled="true">
  <img alt="The object from another side" draggable="false" hidden>
  <span class="blank"></span>
  <span class="guess" hidden>guess</span>
 </div>
 <div class="spir-controls"><output class="angle">Drag it, or use the arrow keys.</output>
 <button type="button" class="home" disabled>Photo's side</button></div>
</section>"""


def orbit(**options) -> gr.HTML:
    """Takes `views` or `nothing`."""
    return gr.HTML(
        value=nothing(), html_template=TEMPLATE, js_on_load=asset("orbit.js"), min_height=340, **options
    )


def views(run: str, frames: UInt8[ndarray, "frame height width 3"]) -> dict:
    """Evenly spaced views, the photo's side first; the same run keeps the angle that is looked at."""
    return {"run": run, "views": [jpeg(frame) for frame in frames]}


def nothing(note: str = words.TO_TURN) -> dict:
    return {"run": "", "views": [], "note": note}
