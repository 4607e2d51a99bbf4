"""Define the five sliders that move the camera: their ranges, and how they map to a pose."""

from collections.abc import Sequence
from typing import NamedTuple

import gradio as gr
import numpy as np

from spir.app import text
from spir.outputs.edit_pose import edit_pose
from spir.session.record import readable_pose
from spir.types import Pose

FOCAL_OF_NONE = 2.0
"""The value of the hidden focal length slider of an orthographic category."""


class Range(NamedTuple):
    least: float
    most: float
    step: float


RANGES = {
    "azimuth": Range(-180, 180, 0.5),
    "elevation": Range(-90, 90, 0.5),
    "roll": Range(-180, 180, 0.5),
    "distance": Range(0.4, 2.5, 0.01),
    "focal": Range(0.55, 12, 0.05),
}
"""The range of each slider: angles in degrees, the distance as a multiple of the one that was found, the
focal length in picture widths."""


def sliders(orthographic: bool = False) -> list[gr.Slider]:
    """Build the sliders in a row, in the order of `RANGES`; the focal length is hidden for an orthographic
    category."""
    starts = {"distance": 1.0, "focal": FOCAL_OF_NONE}
    made = []
    with gr.Row():
        for name, (least, most, step) in RANGES.items():
            label, info = text.POSE_SLIDERS[name]
            made.append(
                gr.Slider(
                    least,
                    most,
                    starts.get(name, 0.0),
                    step=step,
                    label=label,
                    info=info,
                    visible=name != "focal" or not orthographic,
                    # Gradio's reset button does not know the pose that was found.
                    buttons=[],
                    min_width=240,
                    elem_id=f"pose-{name}",
                )
            )
    return made


def slider_values(pose: Pose) -> tuple[float, ...]:
    """Return the sliders' values for a pose: azimuth, elevation, roll, 1 for its distance, focal length."""
    readable = readable_pose(pose)
    numbers = (
        readable["azimuth_deg"],
        readable["elevation_deg"],
        readable["roll_deg"],
        1.0,
        FOCAL_OF_NONE if readable["focal_widths"] is None else readable["focal_widths"],
    )
    return tuple(
        float(np.clip(round(round((number or 0) / span.step) * span.step, 2), span.least, span.most))
        for number, span in zip(numbers, RANGES.values(), strict=True)
    )


def pose_from_sliders(pose: Pose, wanted: Sequence[float]) -> Pose:
    """Return the pose of the sliders' values; a slider that was not moved keeps the pose's exact number, not
    the rounded one."""
    azimuth, elevation, roll, further, focal = (
        None if abs(value - stood) < 1e-6 else value
        for value, stood in zip(wanted, slider_values(pose), strict=True)
    )
    return edit_pose(pose, azimuth, elevation, roll, focal, 1.0 if further is None else further)
