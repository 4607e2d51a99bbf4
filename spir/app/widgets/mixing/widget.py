"""Build the mixing widget: a grid of blends between the objects of two photos.

The page gets small pictures from the first photo's camera, and sends back a place in the grid or the amounts
of the sliders.
"""

import gradio as gr

from spir.app import text
from spir.app.data_uris import png
from spir.app.theme import script
from spir.outputs.edits import EDITS
from spir.outputs.views import to_uint8
from spir.types import Cutout

SIDE = 128
"""The number of pixels along a side of a blend's picture."""
AMOUNTS = (0.0, 0.5, 1.0)
"""The amounts in [0, 1] of the second object's shape by row, and of its colours by column."""
SLIDERS = {name: edit for name, edit in EDITS.items() if set(edit.needs) <= {"other"}}
SECOND_STEPS = (0, 10)
"""The numbers of steps that the second photo may be fitted for."""
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


def build(**options) -> gr.HTML:
    """Build the widget. It takes the messages below; its `input` event sends the picked blend to use: {"run",
    "cell": [row, column]} or {"run", "amounts": {edit: amount}}."""
    return gr.HTML(
        value=cleared(""),
        html_template=TEMPLATE,
        js_on_load=script("mixing/widget.js"),
        min_height=300,
        **options,
    )


def cleared(run: str, note: str = text.MIX_EMPTY, cutout: Cutout | None = None) -> dict:
    """Return the message that removes the blends, and shows a second photo's cut-out where there is one."""
    second = None if cutout is None else png(to_uint8(cutout.rgb[0]))
    return {"run": run, "clear": True, "note": note, "second": second}


def status(run: str, note: str) -> dict:
    return {"run": run, "note": note}
