"""Build the palette as named colour fields for the visitor to change (§3.1 "Attention-based color mapping").

Colours change in the browser alone, which tells the widgets that paint (`page.js`); Python gets them when a
mesh or a file is requested.
"""

import re
from collections.abc import Sequence

import gradio as gr
import torch
from jaxtyping import Float
from torch import Tensor

from spir.app import text
from spir.app.data_uris import hex_colours
from spir.app.theme import script

TEMPLATE = """<section class="spir-swatches" aria-label="Colours">
 <p class="spir-note" role="status"></p>
 <ul class="spir-fields"></ul>
 <div class="spir-controls tools" hidden>
  <button type="button" class="shuffle">Shuffle</button>
  <label>Harmonise <select class="harmony"><option value="">…</option><option value="analogous">neighbours</option>
   <option value="complementary">opposites</option><option value="triadic">thirds</option><option value="mono">one hue</option></select></label>
  <button type="button" class="reset" disabled>Reset the colours</button>
  <button type="button" class="css">Copy as CSS</button>
  <button type="button" class="json">Copy as JSON</button>
 </div>
</section>"""  # noqa: E501
HEX = re.compile(r"#[0-9a-fA-F]{6}")


def build(value: dict | None = None, **options) -> gr.HTML:
    """Build the widget. It takes `payload`, `borrowed` or `empty`, and sends back {"run", "colours"} with the
    visitor's colours."""
    return gr.HTML(
        value=value or empty(),
        html_template=TEMPLATE,
        js_on_load=script("swatches/widget.js"),
        min_height=120,
        **options,
    )


def payload(run: str, palette: Float[Tensor, "values 3"], names: Sequence[str]) -> dict:
    """Return the colours of a fit by name; in the browser, locked ones stay the visitor's."""
    return {"run": run, "names": list(names), "found": hex_colours(palette), "note": text.RECOLOUR_HINT}


def borrowed(run: str, palette: Float[Tensor, "values 3"]) -> dict:
    """Return another object's colours for this one, which count as chosen by the visitor."""
    return {"run": run, "borrowed": hex_colours(palette)}


def empty() -> dict:
    return {"run": "", "names": [], "found": [], "note": text.NO_COLOURS}


def chosen(value: object, palette: Float[Tensor, "values 3"]) -> Float[Tensor, "values 3"]:
    """Return the palette with the visitor's changes; entries whose bytes are unchanged keep their exact
    value.

    The payload is untrusted. Raises ValueError unless it has one #rrggbb per entry."""
    colours = value.get("colours") if isinstance(value, dict) else None
    if not isinstance(colours, list) or len(colours) != len(palette):
        raise ValueError("not one colour per palette entry")
    if not all(isinstance(colour, str) and HEX.fullmatch(colour) for colour in colours):
        raise ValueError("a colour is not of the form #rrggbb")
    new = palette.clone()
    for row, (colour, before) in enumerate(zip(colours, hex_colours(palette), strict=True)):
        if colour.lower() != before:
            levels = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
            new[row] = torch.tensor(levels, dtype=new.dtype) / 127.5 - 1
    return new
