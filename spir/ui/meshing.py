"""The object as a mesh: two viewers in the visitor's colours, and a file in every format.

A mesh's colours are attention @ palette as a view's are, so the page gets the attention of the vertices once
and follows the visitor's colours by itself: `assets/meshing.js`.
"""

import base64
import time
import zlib
from collections.abc import Callable

import gradio as gr
import numpy as np
import plotly.graph_objects as go

from spir.outputs.edits import recolour_mesh
from spir.outputs.export import EXPORTS
from spir.outputs.mesh import EmptySurfaceError
from spir.outputs.weightmaps import weight_bytes
from spir.types import Fit, Mesh
from spir.ui import words
from spir.ui.handlers import Handlers
from spir.ui.journal import stage
from spir.ui.pictures import hex_colours
from spir.ui.refusal import refuse
from spir.ui.sessions import Run, Surface
from spir.ui.theme import asset

COARSEST, RESOLUTION, FINEST = 64, 128, 256
"""Samples along the cube's side."""
TEMPLATE = """<p class="spir-meshing spir-note" role="status"></p>"""


def meshing(**options) -> gr.HTML:
    """The sentence about the mesh, which also keeps its weights. Takes `made` or `nothing`; its `input` says that
    the colours changed, to be answered by `REPAINT`."""
    return gr.HTML(
        value=nothing(), html_template=TEMPLATE, js_on_load=asset("meshing.js"), min_height=28, **options
    )


REPAINT = "(weights, viewer, plot) => spir.repaintMesh(viewer, plot)"
"""In the browser: values of piece, viewer and plot to those of viewer and plot in the newest colours."""


def made(run: str, mesh: Mesh, colours: list[str], note: str) -> dict:
    """What the page needs to colour a mesh: the vertices' attention, bytes that sum to 255, deflated."""
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


def nothing() -> dict:
    return {"run": "", "note": ""}


def figure(mesh: Mesh) -> go.Figure:
    """The mesh as plotly draws it, every colour exactly as it is: light from nowhere, +Y up."""
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
    # The same word each time: a repainted figure keeps the view that the visitor has turned it to.
    layout = {"scene": scene, "margin": margin, "paper_bgcolor": clear, "height": 360, "uirevision": "kept"}
    return go.Figure(drawn, layout)


class Meshing:
    """The events of the tab Mesh."""

    def __init__(self, handlers: Handlers):
        self.handlers = handlers
        self.engine = handlers.engine

    def surface(self, run: Run, fit: Fit, resolution: int | float) -> Mesh:
        """The mesh of a fit in its colours; where only these changed since the last one, at once."""
        if resolution not in range(COARSEST, FINEST + 1):
            refuse(words.BAD_RESOLUTION)
        kept, w = run.surface, fit.code.w
        if kept is None or kept.resolution != resolution or not kept.w.equal(w):
            began = time.perf_counter()
            with stage("mesh", run=run.number, resolution=int(resolution)):
                try:
                    mesh = self.handlers.mesh_on_gpu(fit, int(resolution))
                except EmptySurfaceError:
                    refuse(words.NO_SURFACE)
            kept = run.surface = Surface(w, int(resolution), mesh, time.perf_counter() - began)
        return recolour_mesh(kept.mesh, self.engine.palette(fit.code)[0])

    def mesh(self, key: str | None, colours: dict | None, resolution: int | float) -> tuple[str, dict, None]:
        """The values of viewer, piece and plot: a GLB's path, weights and a sentence, and nothing as yet."""
        run = self.handlers.run(key, fitted=True)
        fit = self.handlers.coloured(run, colours)
        surface = self.surface(run, fit, resolution)
        path = self.written(run, fit, surface, "glb", "view")
        note = words.mesh_size(len(surface.faces), run.surface.seconds)
        return path, made(key, surface, hex_colours(self.engine.palette(fit.code)[0]), note), None

    def true_colours(self, key: str | None, colours: dict | None, resolution: int | float) -> dict:
        """The plot, shown."""
        run = self.handlers.run(key, fitted=True)
        surface = self.surface(run, self.handlers.coloured(run, colours), resolution)
        return gr.update(value=figure(surface), visible=True)

    def keep(self, ending: str) -> Callable[..., str]:
        """An event that writes the mesh in one format of `EXPORTS` and answers with the file's path."""

        def kept(key: str | None, colours: dict | None, resolution: int | float) -> str:
            run = self.handlers.run(key, fitted=True)
            fit = self.handlers.coloured(run, colours)
            return self.written(run, fit, self.surface(run, fit, resolution), ending, fit.category)

        return kept

    def written(self, run: Run, fit: Fit, surface: Mesh, ending: str, name: str) -> str:
        """Path of the mesh as a file in the run's folder."""
        path = run.folder / f"{name}.{ending}"
        path.write_bytes(EXPORTS[ending](surface, self.engine.camera(fit.pose)))
        return str(path)
