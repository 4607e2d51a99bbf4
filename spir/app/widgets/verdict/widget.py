"""Build the verdict widget, which is shown before any download: good, fair or poor, why, and what to do about
it.
"""

import gradio as gr

from spir.app import text
from spir.app.theme import script
from spir.session.verdict import Verdict

TEMPLATE = """<section class="spir-gauge" aria-label="Verdict" role="status" aria-live="polite">
 <p class="line"></p><ul class="reasons"></ul><p class="action"></p>
</section>"""


def build(value: dict | None = None, **options) -> gr.HTML:
    """Build the widget; it takes `payload` or `empty`."""
    return gr.HTML(
        value=value or empty(),
        html_template=TEMPLATE,
        js_on_load=script("verdict/widget.js"),
        min_height=44,
        **options,
    )


def payload(verdict: Verdict) -> dict:
    """Return the verdict in sentences."""
    return {
        "level": verdict.level,
        "line": text.verdict_line(verdict.level),
        "reasons": [text.verdict_reason(reason.code, reason.value) for reason in verdict.reasons],
        "action": text.verdict_action(verdict.action),
    }


def empty(line: str = text.NO_VERDICT) -> dict:
    return {"level": "", "line": line, "reasons": [], "action": ""}
