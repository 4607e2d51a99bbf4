"""The verdict, said before anyone downloads: good, fair or poor, why, and what to do about it."""

import gradio as gr

from spir.app import text as words
from spir.app.theme import script
from spir.session.verdict import Verdict

TEMPLATE = """<section class="spir-gauge" aria-label="Verdict" role="status" aria-live="polite">
 <p class="line"></p><ul class="reasons"></ul><p class="action"></p>
</section>"""


def gauge(value: dict | None = None, **options) -> gr.HTML:
    """Takes `told` or `nothing`."""
    return gr.HTML(
        value=value or nothing(),
        html_template=TEMPLATE,
        js_on_load=script("verdict/widget.js"),
        min_height=44,
        **options,
    )


def told(verdict: Verdict) -> dict:
    """The verdict in words."""
    return {
        "level": verdict.level,
        "line": words.verdict_line(verdict.level),
        "reasons": [words.verdict_reason(reason.code, reason.value) for reason in verdict.reasons],
        "action": words.verdict_action(verdict.action),
    }


def nothing(line: str = words.NO_VERDICT) -> dict:
    return {"level": "", "line": line, "reasons": [], "action": ""}
