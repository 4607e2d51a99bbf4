"""Build the comparison of N = 0, 10 and 30 steps on one axis of seconds (§4): one run yields all three, and
the page has them already.
"""

import gradio as gr

from spir.app import text
from spir.app.theme import script
from spir.pipeline import PRESET_STEPS

CARD = """<figure class="spir-card" data-step="{step}">
  <div class="spir-box"><img alt="{what}" hidden><span class="blank">not yet</span></div>
  <figcaption>{what}</figcaption>
  <dl><div><dt>PSNR</dt><dd class="psnr">&ndash;</dd></div><div><dt>Distance</dt><dd class="distance">&ndash;</dd></div>
   <div><dt>Overlap</dt><dd class="iou">&ndash;</dd></div><div><dt>Time</dt><dd class="seconds">&ndash;</dd></div></dl>
 </figure>"""
TEMPLATE = """<section class="spir-race" aria-label="Steps compared">
 <p class="spir-note"></p>
 <div class="spir-cards">{cards}</div>
 <svg viewBox="0 0 600 44" role="img" aria-label="When each was there">
  <line x1="10" x2="590" y1="22" y2="22" stroke="currentColor"/><g class="marks"></g></svg>
</section>"""


def build(loss: str, **options) -> gr.HTML:
    """Build the widget, which listens to the timeline and takes {"note"}; `loss` names the distance."""
    cards = "\n ".join(CARD.format(step=step, what=text.card(step)) for step in PRESET_STEPS)
    return gr.HTML(
        value={"note": text.race_hint(loss)},
        html_template=TEMPLATE.format(cards=cards),
        js_on_load=script("comparison/widget.js"),
        min_height=260,
        **options,
    )
