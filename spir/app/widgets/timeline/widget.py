"""Build the timeline of the inversion: every step's picture, its error, its numbers, and a slider over all of
them.

The server sends each step once, in messages; the page keeps them, so scrubbing and playing send no requests.
A message has the key of its run, and the page ignores messages of other runs. Several messages may be merged
into one. The widget sends back {"looked_at": number of the step that is shown}.
"""

import math

import gradio as gr

from spir.app import text
from spir.app.data_uris import png, small
from spir.app.theme import script
from spir.categories import Category
from spir.outputs.panels import ERROR_RAMP, WORST_ERROR, nocs_picture
from spir.outputs.views import to_uint8
from spir.session.session import Session
from spir.types import Cutout, Guess, Step

TEMPLATE = """<section class="spir-timeline" aria-label="Steps">
 <p class="spir-status" role="status" aria-live="polite"></p>
 <div class="spir-frames">
  <figure><div class="spir-box"><img class="target" alt="Cut-out of the photo" hidden></div>
   <figcaption>Photo</figcaption></figure>
  <figure><div class="spir-box"><img class="render" alt="The object as found so far" hidden></div>
   <figcaption>Found</figcaption></figure>
  <figure><div class="spir-box"><canvas class="error" role="img" aria-label="Difference of the two, darker is worse" hidden></canvas>
    <img class="nocs" alt="Place on the object of every pixel, as a colour" hidden></div>
   <figcaption class="spir-toggle"><button type="button" class="to-error" aria-pressed="true">Difference</button>
    <button type="button" class="to-nocs" aria-pressed="false" title="NOCS: which point of the object each pixel shows, x, y, z as red, green, blue">First look</button></figcaption></figure>
 </div>
 <div class="spir-controls">
  <button type="button" class="play" aria-label="Play the steps" disabled>&#9654;</button>
  <label>Step <input class="scrub" type="range" min="0" max="0" value="0" step="1" disabled></label>
 </div>
 <div class="spir-plot"><label>Over seconds: <select class="metric">
   <option value="loss">loss</option><option value="psnr">likeness (PSNR, dB)</option><option value="iou">overlap</option></select></label>
  <svg viewBox="0 0 600 80" preserveAspectRatio="none" role="img" aria-label="Over seconds">
   <polyline fill="none" stroke="currentColor" stroke-width="2" vector-effect="non-scaling-stroke"/>
   <line class="used" y1="0" y2="80" stroke="currentColor" vector-effect="non-scaling-stroke"/>
   <line class="cursor" y1="0" y2="80" stroke="currentColor" stroke-dasharray="3 3" vector-effect="non-scaling-stroke"/>
  </svg><span class="axis end">seconds</span></div>
 <dl class="spir-numbers">
  <div><dt>Step</dt><dd class="step">&ndash;</dd></div>
  <div><dt>Loss</dt><dd class="loss">&ndash;</dd></div>
  <div><dt>Overlap</dt><dd class="iou">&ndash;</dd></div>
  <div><dt>PSNR</dt><dd class="psnr">&ndash;</dd></div>
  <div><dt>Time</dt><dd class="seconds">&ndash;</dd></div>
 </dl>
</section>"""  # noqa: E501


def build(value: dict | None = None, **options) -> gr.HTML:
    """Build the widget; it takes the messages below."""
    return gr.HTML(
        value=value or cleared("", text.EMPTY),
        html_template=TEMPLATE,
        js_on_load=script("timeline/widget.js"),
        min_height=480,
        **options,
    )


def cleared(run: str, note: str) -> dict:
    """Return the message that removes all steps and makes `run` the current run."""
    return {"run": run, "clear": True, "state": "empty", "note": note}


def status(run: str, state: str, note: str) -> dict:
    """Return a message with a sentence and one of the states waiting, running, stopped, done and failed."""
    return {"run": run, "state": state, "note": note}


def opened(run: str, cutout: Cutout, guess: Guess, total: int, category: Category) -> dict:
    """Return the first message of a run up to step `total`: the target and the first guess."""
    seen = guess.mask[0]
    nocs = nocs_picture((guess.nocs[0] * seen[..., None]).float(), seen.float(), category.scene_range)
    return {
        "run": run,
        "clear": True,
        "total": total,
        "target": png(to_uint8(cutout.rgb[0])),
        "nocs": png(nocs),
        "error": {"ramp": ERROR_RAMP, "worst": WORST_ERROR},
        "state": "running",
        "note": " ".join((text.RUNNING, text.pose_note(guess.outcome[0]))).strip(),
    }


def resumed(run: str, total: int, keep: int) -> dict:
    """Return the message that a run continues up to step `total`; the page keeps its steps up to number
    `keep`."""
    return {"run": run, "total": total, "keep": keep, "state": "running", "note": text.RUNNING}


def complete(key: str, session: Session, category: Category) -> dict:
    """Return one message with all steps of a session that has a result."""
    trajectory = session.fitted.trajectory
    steps = zip(trajectory.steps, trajectory.metrics, strict=True)
    frames = [frame(step, metrics) for step, metrics in steps]
    message = opened(key, trajectory.cutout, session.first_guess, trajectory.steps[-1].index, category)
    return message | in_use(key, session.step) | {"frames": frames}


def in_use(run: str, step: Step | None) -> dict:
    """Return the message that this step is the object of the page and the one to show; None = a mixed object
    is in use."""
    if step is None:
        return {"run": run, "state": "done", "note": text.MIXED_IN_USE, "used": None}
    return {
        "run": run,
        "state": "done",
        "note": text.used(step.index),
        "used": step.index,
        "look_at": step.index,
    }


def frame(step: Step, metrics: dict[str, float]) -> dict:
    """Return one step as the page stores it."""
    loss = float(step.loss[0])
    return {
        "step": step.index,
        "render": small(to_uint8(step.rgb[0])),
        "loss": loss if math.isfinite(loss) else None,
        "seconds": round(step.seconds, 3),
        **{name: round(value, 4) for name, value in metrics.items()},
    }
