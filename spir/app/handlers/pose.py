"""Handle the events of the tab Pose: the result from a moved camera, and the 3D scene."""

from dataclasses import replace

import gradio as gr
import numpy as np
import plotly.graph_objects as go
from jaxtyping import UInt8
from numpy import ndarray
from PIL import Image

from spir.app import text
from spir.app.context import AppContext
from spir.app.data_uris import png, small, webp
from spir.app.errors import refuse, refuse_on_error
from spir.app.widgets.pose.sliders import RANGES, pose_from_sliders, slider_values
from spir.errors import EmptySurfaceError
from spir.outputs.attention_maps import encode_attention
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
from spir.outputs.scene import scene_figure
from spir.outputs.views import to_uint8
from spir.session import actions
from spir.session.session import Session, require
from spir.types import Cutout, Photo, Pose
from spir.validation import checked_number

CROP_SIDE = 256
"""The number of pixels along a side of the photo under the result."""
OUTSIDE = (128, 128, 128)
"""The grey, from 0 to 255, where a crop reaches beyond the photo."""
SCENE_RESOLUTION = 48


class PoseHandlers:
    """This class handles the events of the tab Pose."""

    def __init__(self, context: AppContext):
        self.context = context

    @refuse_on_error()
    def show(self, key: str | None) -> tuple:
        """Return the panel and the five sliders at the pose that was found; a moved camera is reset."""
        key = self.context.key(key)
        session = self.context.fitted(key)
        changed = actions.move_camera(session, None)
        self.context.store.commit(key, session, changed)
        return self.panel(key, changed), *slider_values(changed.fit.pose)

    def seen(self, key: str | None, value: object) -> tuple:
        """Return what `show` returns for a tab that is opened for the first time; otherwise nothing
        changes."""
        known = isinstance(value, dict) and value.get("run")
        if known or key is None or self.context.session(key).result is None:
            return (gr.skip(),) * (1 + len(RANGES))
        return self.show(key)

    @refuse_on_error()
    def move(self, key: str | None, *wanted: object) -> dict:
        """Move the session's camera to the values of the five sliders, and return the panel."""
        key = self.context.key(key)
        session = self.context.fitted(key)
        try:
            spans = zip(wanted, RANGES.values(), strict=True)
            stood = [checked_number(value, span.least, span.most) for value, span in spans]
        except ValueError:
            refuse(text.BAD_POSE)
        changed = actions.move_camera(session, pose_from_sliders(session.fit.pose, stood))
        self.context.store.commit(key, session, changed)
        return self.panel(key, changed)

    @refuse_on_error()
    def scene(self, key: str | None, colours: dict | None) -> gr.Plot:
        """Plot object, camera and points in 3D, in the visitor's colours (the value of the swatches
        widget)."""
        key = self.context.key(key)
        return gr.Plot(self.figure(key, colours), visible=True)

    def figure(self, key: str | None, colours: dict | None) -> go.Figure:
        """Return the figure of the 3D scene."""
        key = self.context.key(key)
        session, engine = self.context.fitted(key), self.context.engine
        try:
            surface = engine.mesh(self.context.with_colours(session, colours).fit, SCENE_RESOLUTION)
        except EmptySurfaceError:
            refuse(text.NO_SURFACE)
        camera = engine.camera(session.camera or session.fit.pose)
        guess, scene_range = session.first_guess, engine.category.scene_range
        points = nocs_points(guess.nocs[0].float(), guess.mask[0].float(), scene_range)
        return scene_figure(surface, camera, *points)

    def panel(self, key: str, session: Session) -> dict:
        """Return the widget's whole payload, as a tab that opens late gets only the last one."""
        engine, guess = self.context.engine, session.first_guess
        scene_range, pixel_centre = engine.category.scene_range, engine.category.pixel_centre
        pose = session.camera or session.fit.pose
        rendering = engine.render(replace(session.fit, pose=pose, trajectory=()))
        nocs, mask = guess.nocs.float(), guess.mask.float()
        error = reprojection_error(nocs, pose, pixel_centre)
        size = mask.shape[-1]
        pixels = float(typical_error(error, mask)[0]) * size
        share = float(inlier_share(error, mask)[0])
        return {
            "run": key,
            "note": text.pose_line(camera_distance(pose), share, WITHIN * size, pixels),
            "size": rendering.alpha.shape[-1],
            "values": require(rendering.attention).shape[-1],
            "palette": to_uint8(engine.palette(session.fit.code)[0]).tolist(),
            "photo": small(crop(session.photo, session.cutout)),
            "render": webp(encode_attention(rendering)),
            "range": scene_range,
            "predicted": png(place_picture(nocs[0] * mask[0, ..., None], mask[0], scene_range)),
            "rendered": png(place_picture(require(rendering.nocs)[0], rendering.alpha[0], scene_range)),
            "heat": png(heat_picture(error[0], mask[0])),
            "off": png(error_levels(error[0])),
            "worst": WORST_OFF * size,
        }


def camera_distance(pose: Pose) -> float | None:
    """Return the camera's distance in object units; None for an orthographic camera."""
    found = distance(pose)
    return None if found is None else float(found[0])


def crop(photo: Photo, cutout: Cutout, side: int = CROP_SIDE) -> UInt8[ndarray, "side side 3"]:
    """Return the square of the photo that was cut out, with its background."""
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
