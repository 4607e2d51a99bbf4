"""Build the strip of examples: sessions made beforehand, of pictures that we made."""

from collections.abc import Sequence

import gradio as gr

from spir.app import text
from spir.app.data_uris import data_uri
from spir.app.theme import ASSETS, script

FOLDER = ASSETS / "examples"
"""The folder with one ZIP and one thumbnail per example, and index.json: see `spir.evaluate.examples`."""
TEMPLATE = """<section class="spir-examples" aria-label="Examples">
 <p class="spir-note"></p><div class="strip"></div>
 <p class="why" role="status"></p>
</section>"""


def build(rows: Sequence[dict], **options) -> gr.HTML:
    """Build the widget with the examples' pictures. It takes the new key of the first example, and sends back
    {"chosen": name}.

    `rows` are those of index.json."""
    pictures = [
        row | {"picture": data_uri((FOLDER / f"{row['name']}.jpg").read_bytes(), "jpeg")} for row in rows
    ]
    return gr.HTML(
        value={"examples": pictures, "note": text.EXAMPLES if pictures else ""},
        html_template=TEMPLATE,
        js_on_load=script("examples/widget.js"),
        min_height=120 if pictures else 0,
        **options,
    )
