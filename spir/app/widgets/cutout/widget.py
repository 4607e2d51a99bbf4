"""Build the cut-out widget: the photo under its mask, a brush to edit it, and the networks' input."""

import gradio as gr
import numpy as np
from PIL import Image

from spir.app import text
from spir.app.data_uris import png, small
from spir.app.theme import script
from spir.app.widgets.cutout.masks import mask_uri, reduced, small_size
from spir.outputs.views import to_uint8
from spir.photo import PREFERENCES, available_segmenters
from spir.session.actions import NOT_FOUND
from spir.session.session import Session
from spir.types import Photo

MOST_MARGIN = 0.3
"""The largest room around the object, as a fraction of its box."""
TEMPLATE = f"""<section class="spir-cutting" aria-label="Cut-out">
 <div class="spir-pair">
  <figure class="photo"><div class="spir-box"><canvas width="1" height="1" hidden></canvas></div>
  <figcaption>What counts as the object</figcaption></figure>
  <figure class="seen"><div class="spir-box">
   <img class="input" alt="The square picture the networks see" hidden></div>
  <figcaption>What the networks see</figcaption></figure>
 </div>
 <p class="spir-note" role="status"></p>
 <div class="spir-controls">
  <button type="button" class="fix" aria-expanded="false" hidden>Fix the cut-out</button>
 </div>
 <div class="tools" hidden>
  <div class="spir-controls" role="group" aria-label="Brush">
   <button type="button" class="add" aria-pressed="true">+ Add</button>
   <button type="button" class="remove" aria-pressed="false">− Remove</button>
   <button type="button" class="undo" aria-disabled="true">Undo</button>
  </div>
  <label>Brush size <input type="range" class="size" min="1" max="30" value="6"><output></output></label>
  <div class="spir-controls" role="group" aria-label="Start again from">
   <button type="button" class="automatic">Automatic</button>
   <button type="button" class="whole">Whole picture</button>
   <button type="button" class="clear">Clear</button>
  </div>
  <label>Cut out by <select class="by"></select></label>
  <label>Room around it
   <input type="range" class="margin" min="0" max="{round(MOST_MARGIN * 100)}" value="5"><output></output></label>
  <p class="hint">Paint on the photo; Alt swaps add and remove. With the keyboard: arrows move the brush, Space
   paints, + and − change its size, Ctrl+Z undoes.</p>
  <p class="where" role="status"></p>
 </div>
</section>"""


def build(value: dict | None = None, **options) -> gr.HTML:
    """Build the widget. It takes `payload`, `recut`, `kept`, `rejected` or `empty`, and sends back what was
    painted."""
    return gr.HTML(
        value=value or empty(),
        html_template=TEMPLATE,
        js_on_load=script("cutout/mask.js") + script("cutout/widget.js"),
        min_height=280,
        **options,
    )


def payload(key: str, session: Session, kind: str, by: str | None = None) -> dict:
    """Return the payload of a new session: a photo to paint on and its cut-out.

    `kind` is what the page looks for, `by` names the requested segmenter."""
    return {
        "run": key,
        "ways": [[name, text.SEGMENTERS[name]] for name in available_segmenters(session.photo)],
        "by": by or PREFERENCES[0],
        "open": by is not None,
        "photo": small(small_photo(session.photo)),
        "mask": mask_uri(reduced(session.mask)),
        "auto": mask_uri(reduced(session.segmentation.mask)),
        **recut(key, session, kind, 0),
    }


def recut(key: str, session: Session, kind: str, revision: int) -> dict:
    """Return the cut-out after the stroke with that number. The mask stays in the browser, where the next
    stroke may be on its way.

    The network's input is sent without loss."""
    return {
        "run": key,
        "revision": revision,
        "margin": session.margin,
        "input": png(to_uint8(session.cutout.rgb[0])),
        "note": text.cut_by(segmenter_name(session), text.remark(kind, session.segmentation)),
    }


def segmenter_name(session: Session) -> str:
    """Return the segmenter's name as the page shows it."""
    name = text.NOTHING_FOUND if session.segmenter == NOT_FOUND else session.segmenter
    return name + text.AND_BRUSH if session.mask_edited else name


def kept(key: str, reason: str, revision: int) -> dict:
    """Return the message for a stroke that left no object to cut out."""
    return {"run": key, "revision": revision, "note": text.cutout_kept(reason), "failed": True}


def rejected(reason: str) -> dict:
    """Return the message that clears the pictures and says why the photo was rejected."""
    return {"note": text.rejected(reason), "failed": True, "blank": True}


def empty(note: str = text.EMPTY) -> dict:
    return {"note": note, "blank": True}


def small_photo(photo: Photo) -> np.ndarray:
    """Return the photo at the size on which the browser paints."""
    height, width = small_size(*photo.rgb.shape[:2])
    picture = Image.fromarray(photo.rgb.numpy())
    return np.asarray(picture.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3))
