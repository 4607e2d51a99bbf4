"""The object as a mesh: two viewers in the visitor's colours, and a file in every format.

With the photo's detail it is a textured GLB. Without, a mesh's colours are attention @ palette as a view's are, so the
page gets the attention of the vertices once and follows the visitor's colours by itself: `widgets/mesh/widget.js`.
"""

import base64
import time
import zlib
from collections.abc import Callable

import gradio as gr
import numpy as np
import plotly.graph_objects as go

from spir.app import mesh_text as mesh_words
from spir.app import text as words
from spir.app.data_uris import hex_colours
from spir.app.errors import refuse
from spir.app.handlers.base import Handlers
from spir.app.handlers.texturing import PLAIN_GLB, WITH_TEXTURE, WITHOUT_TEXTURE, Texturing
from spir.app.server.logging import stage
from spir.app.sessions import Run, Surface
from spir.app.theme import script
from spir.outputs.attention_maps import weight_bytes
from spir.outputs.edits import recolour_mesh
from spir.outputs.export.plain import EXPORTS
from spir.outputs.export.textured import TEXTURED
from spir.outputs.mesh import EmptySurfaceError
from spir.types import Fit, Mesh
from spir.validation import number

COARSEST, FINEST = 64, 256
"""Samples along the cube's side."""
TEMPLATE = """<p class="spir-meshing spir-note" role="status"></p>"""


def meshing(**options) -> gr.HTML:
    """The sentence about the mesh, which also keeps its weights. Takes `made` or `nothing`; its `input` says that
    the colours changed, to be answered by `REPAINT`."""
    return gr.HTML(
        value=nothing(), html_template=TEMPLATE, js_on_load=script("mesh/widget.js"), min_height=28, **options
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


def textured(run: str, colours: list[str], note: str) -> dict:
    """The same of a mesh with the photo's detail, which the page does not colour: what it says once the colours are
    others."""
    return {"run": run, "colours": colours, "note": note, "stale": mesh_words.STALE}


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
        self.texturing = Texturing(handlers)

    def surface(self, run: Run, fit: Fit, resolution: int | float) -> Mesh:
        """The mesh of a fit in its colours; where only these changed since the last one, at once."""
        refuse_fineness(resolution)
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

    def mesh(
        self, key: str | None, colours: dict | None, resolution: int | float, detail: object = 1.0
    ) -> tuple[str, dict, None]:
        """The values of viewer, piece and plot: a GLB's path, what the page knows of it, and nothing as yet."""
        run = self.handlers.run(key, fitted=True)
        fit = self.handlers.coloured(run, colours)
        shown, detail = hex_colours(self.engine.palette(fit.code)[0]), amount(detail)
        refuse_fineness(resolution)
        allowed = self.texturing.detail(run) if detail else 0.0
        surface = self.texturing.surface(run, fit, resolution, detail) if allowed else None
        if surface is None:
            surface = self.surface(run, fit, resolution)
            path = self.written(run, "view.glb", EXPORTS["glb"](surface, self.engine.camera(fit.pose)))
            note = mesh_words.size(len(surface.faces), run.surface.seconds)
            if detail and not allowed:
                note += " " + (mesh_words.PHOTO_DETAIL_OFF if run.step else mesh_words.MIXED)
            return path, made(key, surface, shown, note), None
        path = self.written(
            run, "view.glb", TEXTURED["textured.glb"](surface, self.engine.camera(fit.pose), ())
        )
        note = mesh_words.size(len(surface.faces), run.look.seconds)
        return path, textured(key, shown, note), None

    def true_colours(self, key: str | None, colours: dict | None, resolution: int | float) -> dict:
        """The plot, shown."""
        run = self.handlers.run(key, fitted=True)
        surface = self.surface(run, self.handlers.coloured(run, colours), resolution)
        return gr.update(value=figure(surface), visible=True)

    def keep(self, form: str) -> Callable[..., str]:
        """An event that writes the object in one of `texturing.FORMATS` and answers with the file's path."""

        def kept(key: str | None, colours: dict | None, resolution: int | float, detail: object = 1.0) -> str:
            run = self.handlers.run(key, fitted=True)
            fit = self.handlers.coloured(run, colours)
            return self.written(
                run, f"{fit.category}.{form}", self.file(run, fit, form, resolution, amount(detail))
            )

        return kept

    def file(self, run: Run, fit: Fit, form: str, resolution: int | float, detail: float = 1.0) -> bytes:
        """The object in a format of `texturing.FORMATS`; "glb" is the plain one where there can be no texture."""
        refuse_fineness(resolution)
        camera = self.engine.camera(fit.pose)
        if form in WITH_TEXTURE:
            surface = self.texturing.surface(run, fit, resolution, detail)
            if surface is not None:
                return TEXTURED[WITH_TEXTURE[form]](surface, camera, self.engine.category.palette_names)
            if form != "glb":
                refuse(mesh_words.NO_TEXTURE)
            form = PLAIN_GLB
        return EXPORTS[WITHOUT_TEXTURE[form]](self.surface(run, fit, resolution), camera)

    def written(self, run: Run, name: str, data: bytes) -> str:
        """Path of a file in the run's folder."""
        path = run.folder / name
        path.write_bytes(data)
        return str(path)


def refuse_fineness(resolution: object) -> None:
    """End the event unless it is a number of samples."""
    if resolution not in range(COARSEST, FINEST + 1):
        refuse(words.BAD_RESOLUTION)


def amount(detail: object) -> float:
    """The amount of photo detail that the page asked for, in [0, 1]."""
    try:
        return number(detail, 0, 1)
    except ValueError:
        refuse(mesh_words.BAD_DETAIL)
