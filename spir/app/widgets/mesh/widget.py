"""Build the mesh widget: two viewers in the visitor's colours.

With the photo's detail the mesh is a textured GLB. Without it, a mesh's colours are attention @ palette as in
the views: the page gets the vertices' attention once and then updates the colours by itself (`widget.js`).
"""

import base64
import zlib

import gradio as gr
import numpy as np
import plotly.graph_objects as go

from spir.app import mesh_text
from spir.app.theme import script
from spir.outputs.attention_maps import weight_bytes
from spir.types import Mesh

TEMPLATE = """<p class="spir-meshing spir-note" role="status"></p>"""


def build(**options) -> gr.HTML:
    """Build the line about the mesh, which also holds its weights. It takes `plain`, `textured` or `empty`;
    its `input` event says that the colours changed, and `REPAINT` answers it."""
    return gr.HTML(
        value=empty(), html_template=TEMPLATE, js_on_load=script("mesh/widget.js"), min_height=28, **options
    )


REPAINT = "(weights, viewer, plot) => spir.repaintMesh(viewer, plot)"
"""The JavaScript that maps the values of widget, viewer and plot to those of viewer and plot in the newest
colours."""


def plain(run: str, mesh: Mesh, colours: list[str], note: str) -> dict:
    """Return the payload that colours a mesh: the vertices' attention as bytes that sum to 255, deflated."""
    if mesh.attention is None:
        raise ValueError("this mesh does not say how its colours were mixed")
    weights = weight_bytes(mesh.attention)
    return {
        "run": run,
        "values": weights.shape[1],
        "weights": base64.b64encode(zlib.compress(weights.tobytes(), 1)).decode(),
        "colours": colours,
        "note": note,
    }


def textured(run: str, colours: list[str], note: str) -> dict:
    """Return the payload of a mesh with the photo's detail, which the page does not recolour: it has the note
    to show once the colours change."""
    return {"run": run, "colours": colours, "note": note, "stale": mesh_text.STALE}


def empty() -> dict:
    return {"run": "", "note": ""}


def figure(mesh: Mesh) -> go.Figure:
    """Return the mesh as a plotly figure with +Y up, without shading, so that every colour is exact."""
    x, y, z = mesh.vertices.numpy().T
    i, j, k = mesh.faces.numpy().astype(np.int32).T
    levels = np.round((mesh.colours.numpy() + 1) * 127.5).clip(0, 255).astype(int)
    drawn = go.Mesh3d(
        x=x, y=y, z=z, i=i, j=j, k=k,
        vertexcolor=["rgb({},{},{})".format(*row) for row in levels.tolist()],
        lighting={"ambient": 1, "diffuse": 0, "specular": 0, "fresnel": 0, "roughness": 1},
        flatshading=False,
        hoverinfo="skip",
    )  # fmt: skip
    hidden = {"visible": False}
    clear = "rgba(0,0,0,0)"
    scene = {
        "aspectmode": "data",
        "xaxis": hidden, "yaxis": hidden, "zaxis": hidden,
        "bgcolor": clear,
        "dragmode": "orbit",
        "camera": {"up": {"x": 0, "y": 1, "z": 0}, "eye": {"x": 1.7, "y": 0.8, "z": 1.8}},
    }  # fmt: skip
    margin = dict.fromkeys("lrtb", 0)
    # A constant uirevision: a repainted figure keeps the view to which the visitor turned it.
    layout = {"scene": scene, "margin": margin, "paper_bgcolor": clear, "height": 360, "uirevision": "kept"}
    return go.Figure(drawn, layout)
