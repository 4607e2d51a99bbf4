"""The cut-out: the photo with the object picked out, and beside it exactly what the networks will see."""

import gradio as gr

from spir.outputs.views import to_uint8
from spir.types import Cutout, Photo
from spir.ui import words
from spir.ui.pictures import jpeg, overlay, png
from spir.ui.theme import asset

TEMPLATE = """<section class="spir-preview" aria-label="Cut-out">
 <div class="spir-pair">
  <figure><div class="spir-box"><img class="overlay" alt="Your photo, all but the object dimmed" hidden></div>
  <figcaption>What counts as the object</figcaption></figure>
  <figure><div class="spir-box"><img class="input" alt="The square picture the networks see" hidden></div>
  <figcaption>What the networks see</figcaption></figure>
 </div>
 <p class="spir-note" role="status"></p>
</section>"""


def preview(**options) -> gr.HTML:
    """Takes `shown`, `rejected` or `nothing`."""
    return gr.HTML(
        value=nothing(), html_template=TEMPLATE, js_on_load=asset("preview.js"), min_height=230, **options
    )


def shown(photo: Photo, cutout: Cutout, segmenter: str) -> dict:
    """The cut-out of a photo and who made it; the network's input keeps every pixel."""
    return {
        "overlay": jpeg(overlay(photo, cutout)),
        "input": png(to_uint8(cutout.rgb[0])),
        "note": words.cut_by(segmenter),
    }


def rejected(reason: str) -> dict:
    """No pictures, and why."""
    return {"note": words.rejected(reason), "failed": True}


def nothing() -> dict:
    return {"note": words.EMPTY}
