"""Build the pose tab: the result over the photo, maps of the points, and sliders that move the camera.

Opacity, blinking and the mark on the maps are handled in the browser.
"""

from typing import NamedTuple

import gradio as gr

from spir.app import text
from spir.app.theme import script
from spir.app.widgets.pose.sliders import sliders

TEMPLATE = """<section class="spir-posing" aria-label="Result over the photo, and its points">
 <p class="spir-note" role="status" aria-live="polite"></p>
 <div class="spir-posing-parts" hidden>
  <div class="spir-over">
   <div class="spir-box"><img class="photo" alt="The photo around the object"><canvas class="render" role="img"
    aria-label="The result from this camera, over the photo"></canvas></div>
   <div class="spir-controls">
    <label>Result <input class="opacity" type="range" min="0" max="100" value="60" step="1"
     aria-valuetext="60 percent"></label>
    <button type="button" class="blink" aria-pressed="false">Blink</button>
   </div>
   <p class="spir-hint">Left: the photo alone. Right: the result alone. Key o: to and fro.</p>
  </div>
  <div class="spir-places">
   <p class="spir-hint">Every pixel of these maps (called NOCS) names a point of the object: red is x, to its left;
    green is y, up; blue is z, to its front.</p>
   <div class="spir-maps" role="application" tabindex="0" aria-describedby="spir-maps-help"
    aria-label="Maps of the points; the arrow keys move a mark">
    <figure><div class="spir-box"><canvas class="predicted"></canvas><i class="mark" hidden></i></div>
     <figcaption>Seen in the photo at first sight.</figcaption></figure>
    <figure><div class="spir-box"><canvas class="rendered"></canvas><i class="mark" hidden></i></div>
     <figcaption>Shown by the result from this camera.</figcaption></figure>
    <figure><div class="spir-box"><canvas class="heat"></canvas><i class="mark" hidden></i></div>
     <figcaption>How far a point seen lands from its pixel: white is exact, black is far.</figcaption></figure>
   </div>
   <div role="status" aria-live="polite"><dl class="spir-readout">
    <div><dt>Seen</dt><dd class="seen">&ndash;</dd></div>
    <div><dt>Result</dt><dd class="shown">&ndash;</dd></div>
    <div><dt>Off by</dt><dd class="off">&ndash;</dd></div>
   </dl></div>
   <p class="spir-hint" id="spir-maps-help">Point at a map, or use the arrow keys; Shift moves further. One unit is half
    the object's box.</p>
  </div>
 </div>
</section>"""


class Parts(NamedTuple):
    """This has the components of the tab, to which events are connected."""

    panel: gr.HTML
    azimuth: gr.Slider
    elevation: gr.Slider
    roll: gr.Slider
    distance: gr.Slider
    focal: gr.Slider
    back: gr.Button
    refit: gr.Button
    show_scene: gr.Button
    scene: gr.Plot

    @property
    def sliders(self) -> list[gr.Slider]:
        """The sliders in the order in which `PoseHandlers` takes and returns them."""
        return [self.azimuth, self.elevation, self.roll, self.distance, self.focal]


def build(**options) -> gr.HTML:
    """Build the widget; it takes `empty` or the payload of `handlers.pose`."""
    return gr.HTML(
        value=empty(),
        html_template=TEMPLATE,
        js_on_load=script("pose/widget.js"),
        min_height=420,
        **options,
    )


def tab(orthographic: bool = False) -> Parts:
    """Build the tab's contents and return its components."""
    panel = build(elem_id="posing")
    moving = sliders(orthographic)
    with gr.Row():
        back = gr.Button(text.POSE_BACK, elem_id="pose-back", min_width=160)
        refit = gr.Button(text.POSE_REFIT, elem_id="pose-refit", min_width=160)
        show_scene = gr.Button(text.SCENE_BUTTON, elem_id="show-scene", min_width=160)
    # An empty plot is hidden: its placeholder has a label where none may be.
    scene = gr.Plot(label=text.SCENE_LABEL, visible=False, elem_id="scene")
    azimuth, elevation, roll, distance, focal = moving
    return Parts(panel, azimuth, elevation, roll, distance, focal, back, refit, show_scene, scene)


def empty(note: str = text.POSE_EMPTY) -> dict:
    return {"run": "", "note": note}


def no_scene() -> gr.Plot:
    """Return the update that hides the plot of an earlier result."""
    return gr.Plot(None, visible=False)
