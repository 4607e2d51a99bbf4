"""§5 "Results", the scene in 3D: the object, the photo's camera and the points seen in the photo."""

import math

import numpy as np
import plotly.graph_objects as go
import torch
from jaxtyping import Float
from numpy import ndarray
from torch import Tensor

from spir.outputs.inspection import frustum_corners
from spir.outputs.views import to_uint8
from spir.types import Camera, Mesh

MAX_CAMERA_DISTANCE = 2.5
"""Object units: of a camera further away only the direction is drawn, or the object would look too small."""
LINE, GREY = "#d9480f", "#808080"
"""Colours that are visible on both white and black."""
ASIDE_DEG = 55.0
"""Azimuth between the photo's camera and the initial view, so that the lines are seen from the side."""


def scene_figure(
    mesh: Mesh,
    camera: Camera,
    points: Float[Tensor, "point 3"],
    point_colours: Float[Tensor, "point 3"],
) -> go.Figure:
    """Draw the mesh in its own colours, the camera (batch of 1) with its frustum, and the points.

    Positions are in object units, colours in [-1, 1]; y is up, and all axes have the same scale."""
    away = distance_to_middle(camera)
    near = min(away, MAX_CAMERA_DISTANCE)
    place = point_on_axis(camera, away - near)
    told = "photo's camera" if camera.focal is None else f"photo's camera, {away:.1f} units away"
    lines = frustum_lines(camera, away)
    figure = go.Figure(
        [surface(mesh), cloud(points, point_colours), line_trace(lines), camera_marker(place, told)]
    )
    drawn = np.concatenate((mesh.vertices.numpy(), points.numpy(), place[None], lines))
    # What lies outside the ranges would be cut off.
    drawn = drawn[np.isfinite(drawn).all(-1)]
    low, high = drawn.min(0) - 0.1, drawn.max(0) + 0.1
    ratio = (high - low) / (high - low).max()
    figure.update_layout(
        margin=dict(l=0, r=0, t=0, b=0),
        paper_bgcolor="rgba(0,0,0,0)",
        font=dict(color=GREY, family="system-ui, sans-serif"),
        legend=dict(orientation="h", x=0, y=0, yanchor="bottom", bgcolor="rgba(0,0,0,0)"),
        scene=dict(
            # "data" with known ranges, so that a camera far outside does not stretch the box.
            aspectmode="manual",
            aspectratio=dict(zip("xyz", ratio.tolist(), strict=True)),
            camera=dict(up=dict(x=0, y=1, z=0), eye=eye(camera)),
            **{f"{name}axis": axis(title, *ends) for name, title, ends in axes(low, high)},
        ),
    )
    return figure


def distance_to_middle(camera: Camera) -> float:
    """Return the distance from the first camera to the plane through the object's centre perpendicular to its optical axis."""
    block, centre = camera.cam2world[0, :3, :3], camera.cam2world[0, :3, 3]
    return float(centre @ torch.nn.functional.normalize(block[:, 2], dim=0))


def point_on_axis(camera: Camera, forward: float) -> Float[ndarray, "3"]:
    """Return the position `forward` object units in front of the first camera, on its optical axis."""
    block, centre = camera.cam2world[0, :3, :3], camera.cam2world[0, :3, 3]
    return (centre - forward * torch.nn.functional.normalize(block[:, 2], dim=0)).numpy()


def surface(mesh: Mesh) -> go.Mesh3d:
    """Return the mesh with ambient light only, so that the colours on the screen are those of the object."""
    small = np.uint16 if len(mesh.vertices) < 65536 else np.int32
    x, y, z = mesh.vertices.numpy().astype(np.float32).round(3).T
    i, j, k = mesh.faces.numpy().astype(small).T
    light = dict(ambient=1, diffuse=0, specular=0, roughness=1, fresnel=0)
    return go.Mesh3d(
        x=x,
        y=y,
        z=z,
        i=i,
        j=j,
        k=k,
        vertexcolor=to_uint8(mesh.colours),
        lighting=light,
        hoverinfo="skip",
        name="object",
        showlegend=True,
    )


def cloud(points: Float[Tensor, "point 3"], colours: Float[Tensor, "point 3"]) -> go.Scatter3d:
    x, y, z = points.numpy().astype(np.float32).round(3).T
    named = [f"rgb({r},{g},{b})" for r, g, b in to_uint8(colours).tolist()]
    hover = "x %{x:.2f}, y %{y:.2f}, z %{z:.2f}<extra></extra>"
    return go.Scatter3d(
        x=x,
        y=y,
        z=z,
        mode="markers",
        marker=dict(size=2.5, color=named),
        hovertemplate=hover,
        name="points seen in the photo",
    )


def frustum_lines(camera: Camera, away: float) -> Float[ndarray, "point 3"]:
    """Return the picture plane through the object's centre and lines from its corners, separated by NaN.

    The lines end level with the camera, or `REACH` in front of the picture plane."""
    at = torch.tensor([away], dtype=torch.float32)
    far = frustum_corners(camera, at)[0].numpy()
    start = frustum_corners(camera, (at - MAX_CAMERA_DISTANCE).clamp_min(0))[0].numpy()
    gap = np.full((1, 3), np.nan)
    parts = [far, far[:1], gap, start, start[:1]]
    for pair in zip(start, far, strict=True):
        parts += [gap, np.stack(pair)]
    return np.concatenate(parts).astype(np.float32).round(3)


def line_trace(lines: Float[ndarray, "point 3"]) -> go.Scatter3d:
    x, y, z = lines.T
    return go.Scatter3d(
        x=x,
        y=y,
        z=z,
        mode="lines",
        line=dict(color=LINE, width=4),
        hoverinfo="skip",
        name="what the photo shows",
    )


def camera_marker(place: Float[ndarray, "3"], told: str) -> go.Scatter3d:
    x, y, z = place[:, None].round(3)
    return go.Scatter3d(
        x=x,
        y=y,
        z=z,
        mode="markers",
        marker=dict(size=7, color=LINE, symbol="diamond"),
        hovertemplate=told + "<extra></extra>",
        name=told,
    )


def eye(camera: Camera) -> dict[str, float]:
    """Return the initial viewpoint: from beside the photo's camera, and above."""
    x, _, z = camera.cam2world[0, :3, 2].tolist()
    angle = math.atan2(x, z) + math.radians(ASIDE_DEG)
    return dict(x=1.1 * math.sin(angle), y=0.5, z=1.1 * math.cos(angle))


def axes(low: Float[ndarray, "3"], high: Float[ndarray, "3"]) -> list[tuple]:
    titles = ("x, to its left", "y, up", "z, to its front")
    return list(zip("xyz", titles, zip(low.tolist(), high.tolist(), strict=True), strict=True))


def axis(title: str, low: float, high: float) -> dict:
    return dict(
        title=dict(text=title),
        range=[low, high],
        color=GREY,
        gridcolor="rgb(150,150,150)",
        showbackground=False,
    )
