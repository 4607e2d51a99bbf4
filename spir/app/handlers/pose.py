"""Where the photo was taken from: the result laid over it, sliders that move the camera, and maps of the points.

Opacity, blinking and the mark on the maps live in the browser; only a moved camera asks for a new picture.
"""

from dataclasses import replace
from typing import NamedTuple

import gradio as gr
import numpy as np
import plotly.graph_objects as go
from jaxtyping import UInt8
from numpy import ndarray
from PIL import Image

from spir.app import text as words
from spir.app.data_uris import png, small, webp
from spir.app.errors import refuse
from spir.app.handlers.base import Handlers
from spir.app.server.logging import in_words
from spir.app.sessions import Run
from spir.app.theme import script
from spir.app.widgets.pose.sliders import RANGES, moved, sliders, standing
from spir.outputs.attention_maps import packed
from spir.outputs.edit_pose import distance
from spir.outputs.inspection import (
    WITHIN,
    WORST_OFF,
    error_levels,
    heat_picture,
    inlier_share,
    nocs_points,
    place_picture,
    reprojection_error,
    typical_error,
)
from spir.outputs.mesh import EmptySurfaceError
from spir.outputs.scene import scene_figure
from spir.outputs.views import to_uint8
from spir.types import Cutout, Fit, Guess, Photo, Pose
from spir.validation import number

CROP_SIDE = 256
"""Pixels of the photo under the result."""
OUTSIDE = (128, 128, 128)
"""Of a crop that reaches beyond the photo."""
SCENE_RESOLUTION = 48

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
    """What stands in the tab, for whoever wires it."""

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
        """In the order that `Posing` takes and gives them."""
        return [self.azimuth, self.elevation, self.roll, self.distance, self.focal]


def posing(**options) -> gr.HTML:
    """Takes `nothing`, or what `Posing` answers; needs `page.js` in the head of the page."""
    return gr.HTML(
        value=nothing(),
        html_template=TEMPLATE,
        js_on_load=script("pose/widget.js"),
        min_height=420,
        **options,
    )


def tab(orthographic: bool = False) -> Parts:
    """The tab's contents."""
    panel = posing(elem_id="posing")
    moving = sliders(orthographic)
    with gr.Row():
        back = gr.Button(words.POSE_BACK, elem_id="pose-back", min_width=160)
        refit = gr.Button(words.POSE_REFIT, elem_id="pose-refit", min_width=160)
        show_scene = gr.Button(words.SCENE_BUTTON, elem_id="show-scene", min_width=160)
    # An empty plot is hidden: its placeholder has a label where none may be.
    scene = gr.Plot(label=words.SCENE_LABEL, visible=False, elem_id="scene")
    return Parts(panel, *moving, back, refit, show_scene, scene)


def nothing(note: str = words.POSE_EMPTY) -> dict:
    return {"run": "", "note": note}


def no_scene() -> gr.Plot:
    """The plot of an earlier result goes."""
    return gr.Plot(None, visible=False)


class Posing:
    """The events of the tab Pose."""

    def __init__(self, handlers: Handlers):
        self.handlers = handlers
        self.engine = handlers.engine

    @in_words()
    def show(self, key: str | None) -> tuple:
        """The panel at the pose that was found, and the five sliders; a nudge is forgotten."""
        run = self.handlers.run(key, fitted=True)
        run.nudged = None
        return self.panel(key, run), *standing(run.fit.pose)

    def seen(self, key: str | None, value: object) -> tuple:
        """The same for a tab that is opened before anything was shown in it; otherwise nothing changes."""
        known = isinstance(value, dict) and value.get("run")
        if known or key is None or self.handlers.run(key).fit is None:
            return (gr.skip(),) * (1 + len(RANGES))
        return self.show(key)

    @in_words()
    def nudge(self, key: str | None, *wanted: object) -> dict:
        """The panel from where the five sliders put the camera, which the run remembers."""
        run = self.handlers.run(key, fitted=True)
        try:
            spans = zip(wanted, RANGES.values(), strict=True)
            stood = tuple(number(value, span.least, span.most) for value, span in spans)
        except ValueError:
            refuse(words.BAD_POSE)
        run.nudged = moved(run.fit.pose, stood)
        return self.panel(key, run)

    def start(self, run: Run) -> Guess:
        """What a run from here begins with: the shape and colours in use, seen from the nudged camera."""
        return replace(run.guess, code=run.fit.code, pose=run.nudged or run.fit.pose)

    @in_words()
    def scene(self, key: str | None, colours: dict | None) -> gr.Plot:
        """The plot with object, camera and points in space, in the visitor's colours (the swatches' value)."""
        return gr.Plot(self.figure(key, colours), visible=True)

    def figure(self, key: str | None, colours: dict | None) -> go.Figure:
        """What the plot shows."""
        run = self.handlers.run(key, fitted=True)
        try:
            surface = self.handlers.mesh_on_gpu(self.handlers.coloured(run, colours), SCENE_RESOLUTION)
        except EmptySurfaceError:
            refuse(words.NO_SURFACE)
        camera = self.engine.camera(run.nudged or run.fit.pose)
        scene_range = self.engine.category.scene_range
        points = nocs_points(run.guess.nocs[0].float(), run.guess.mask[0].float(), scene_range)
        return scene_figure(surface, camera, *points)

    def panel(self, key: str, run: Run) -> dict:
        """The value of the piece: everything it needs, for a tab that opens late gets only the last one."""
        category = self.engine.category
        pose = run.nudged or run.fit.pose
        rendering = self.handlers.render_on_gpu(Fit(category.name, run.fit.code, pose))
        nocs, mask = run.guess.nocs.float(), run.guess.mask.float()
        error = reprojection_error(nocs, pose, category.pixel_centre)
        size = mask.shape[-1]
        pixels = float(typical_error(error, mask)[0]) * size
        share = float(inlier_share(error, mask)[0])
        return {
            "run": key,
            "note": words.pose_line(away(pose), share, WITHIN * size, pixels),
            "size": rendering.alpha.shape[-1],
            "values": rendering.attention.shape[-1],
            "palette": to_uint8(self.engine.palette(run.fit.code)[0]).tolist(),
            "photo": small(crop(run.photo, run.cutout)),
            "render": webp(packed(rendering)),
            "range": category.scene_range,
            "predicted": png(place_picture(nocs[0] * mask[0, ..., None], mask[0], category.scene_range)),
            "rendered": png(place_picture(rendering.nocs[0], rendering.alpha[0], category.scene_range)),
            "heat": png(heat_picture(error[0], mask[0])),
            "off": png(error_levels(error[0])),
            "worst": WORST_OFF * size,
        }


def away(pose: Pose) -> float | None:
    """The camera's distance, object units; none where it has none."""
    found = distance(pose)
    return None if found is None else float(found[0])


def crop(photo: Photo, cutout: Cutout, side: int = CROP_SIDE) -> UInt8[ndarray, "side side 3"]:
    """The square of the photo that was cut out, with what stands around the object."""
    x0, y0, x1, y1 = (round(value) for value in cutout.box_px[0].tolist())
    height, width = photo.rgb.shape[:2]
    left, top, right, bottom = max(x0, 0), max(y0, 0), min(x1, width), min(y1, height)
    canvas = Image.new("RGB", (side, side), OUTSIDE)
    if left < right and top < bottom:
        scale = side / (x1 - x0)
        # Reduced before it is pasted: the box of a large photo may have thousands of pixels a side.
        ends = [round((value - start) * scale) for value, start in
                ((left, x0), (top, y0), (right, x0), (bottom, y0))]  # fmt: skip
        size = max(1, ends[2] - ends[0]), max(1, ends[3] - ends[1])
        part = Image.fromarray(photo.rgb[top:bottom, left:right].contiguous().numpy())
        canvas.paste(part.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0), (ends[0], ends[1]))
    return np.array(canvas)
