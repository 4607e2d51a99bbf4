"""§3.1 "Attention-based color mapping" in the visitor's hand: the palette as named colour fields."""

import re
from collections.abc import Sequence

import gradio as gr
import torch
from jaxtyping import Float
from torch import Tensor

from spir.ui import words
from spir.ui.pictures import hex_colours
from spir.ui.theme import asset

TEMPLATE = """<section class="spir-swatches" aria-label="Colours">
 <p class="spir-note">Colours appear here after a run.</p>
 <div class="spir-fields"></div>
 <div class="spir-controls"><button type="button" class="reset" hidden>Reset the colours</button></div>
</section>"""
HEX = re.compile(r"#[0-9a-fA-F]{6}")


def swatches(**options) -> gr.HTML:
    """Takes `found` or `nothing`; gives back the same with the visitor's colours."""
    return gr.HTML(
        value=nothing(), html_template=TEMPLATE, js_on_load=asset("swatches.js"), min_height=120, **options
    )


def found(run: str, palette: Float[Tensor, "values 3"], names: Sequence[str]) -> dict:
    """The colours of a fit; entries without a name get a number."""
    labels = [names[i] if i < len(names) else f"colour {i + 1}" for i in range(len(palette))]
    return {"run": run, "names": labels, "colours": hex_colours(palette), "note": words.RECOLOUR_HINT}


def nothing() -> dict:
    return {"run": "", "names": [], "colours": [], "note": "Colours appear here after a run."}


def chosen(value: dict | None, palette: Float[Tensor, "values 3"]) -> Float[Tensor, "values 3"]:
    """The palette with the visitor's changes; entries that show the same byte keep their exact value.

    The page is not trusted: raises ValueError unless there is one #rrggbb per entry."""
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
