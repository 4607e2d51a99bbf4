"""The inversion as it happens: every step's picture, its error, its numbers, and a slider over all of them.

The server sends each step once, in messages; the page keeps them, so scrubbing and playing ask nobody.
A message carries the key of its run: what a run that nobody looks at still sends is ignored.
"""

import math

import gradio as gr

from spir.outputs.panels import error_picture, nocs_picture
from spir.outputs.views import to_uint8
from spir.types import Cutout, Guess, Step
from spir.ui import words
from spir.ui.pictures import jpeg, png
from spir.ui.theme import asset

TEMPLATE = """<section class="spir-timeline" aria-label="Steps">
 <p class="spir-status" role="status" aria-live="polite"></p>
 <div class="spir-frames">
  <figure><div class="spir-box"><img class="target" alt="Cut-out of the photo" hidden></div>
   <figcaption>Photo</figcaption></figure>
  <figure><div class="spir-box"><img class="render" alt="The object as found so far" hidden></div>
   <figcaption>Found</figcaption></figure>
  <figure><div class="spir-box"><img class="error" alt="Difference of the two, darker is worse" hidden></div>
   <figcaption>Difference</figcaption></figure>
  <figure><div class="spir-box"><img class="nocs" alt="Place on the object of every pixel, as a colour" hidden></div>
   <figcaption>First look <abbr title="NOCS: which point of the object each pixel shows, x, y, z as red, green, blue">(NOCS)</abbr></figcaption></figure>
 </div>
 <div class="spir-plot"><span class="axis">loss</span>
  <svg viewBox="0 0 600 80" preserveAspectRatio="none" role="img" aria-label="Loss over seconds">
   <polyline fill="none" stroke="currentColor" stroke-width="2" vector-effect="non-scaling-stroke"/>
   <line class="cursor" y1="0" y2="80" stroke="currentColor" stroke-dasharray="3 3" vector-effect="non-scaling-stroke"/>
  </svg><span class="axis end">seconds</span></div>
 <div class="spir-controls">
  <button type="button" class="play" aria-label="Play the steps" disabled>&#9654;</button>
  <label>Step <input class="scrub" type="range" min="0" max="0" value="0" step="1" disabled></label>
 </div>
 <dl class="spir-numbers">
  <div><dt>Step</dt><dd class="step">&ndash;</dd></div>
  <div><dt>Loss</dt><dd class="loss">&ndash;</dd></div>
  <div><dt>Overlap</dt><dd class="iou">&ndash;</dd></div>
  <div><dt>Time</dt><dd class="seconds">&ndash;</dd></div>
 </dl>
</section>"""  # noqa: E501


def timeline(**options) -> gr.HTML:
    """Takes the messages below; several may be merged into one."""
    return gr.HTML(
        value=cleared("", words.EMPTY),
        html_template=TEMPLATE,
        js_on_load=asset("timeline.js"),
        min_height=420,
        **options,
    )


def cleared(run: str, note: str) -> dict:
    """Forget all steps; from now on `run` is the one to listen to."""
    return {"run": run, "clear": True, "state": "empty", "note": note}


def said(run: str, state: str, note: str) -> dict:
    """A sentence, and one of the states waiting, running, stopped, done, failed."""
    return {"run": run, "state": state, "note": note}


def opened(run: str, cutout: Cutout, guess: Guess, total: int, scene_range: float) -> dict:
    """A run of `total` steps begins: the target and the first look at it."""
    seen = guess.mask[0]
    nocs = nocs_picture((guess.nocs[0] * seen[..., None]).float(), seen.float(), scene_range)
    return {
        "run": run,
        "clear": True,
        "total": total,
        "target": png(to_uint8(cutout.rgb[0])),
        "nocs": png(nocs),
        "state": "running",
        "note": " ".join((words.RUNNING, words.pose_note(guess.outcome[0]))).strip(),
    }


def frame(step: Step, cutout: Cutout, metrics: dict[str, float]) -> dict:
    """One step as the page keeps it."""
    loss = float(step.loss[0])
    return {
        "step": step.index,
        "render": jpeg(to_uint8(step.rgb[0])),
        "error": jpeg(error_picture(cutout.rgb[0], step.rgb[0].float())),
        "loss": loss if math.isfinite(loss) else None,
        "seconds": round(step.seconds, 3),
        **{name: round(value, 4) for name, value in metrics.items()},
    }
