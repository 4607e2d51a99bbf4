"""The events of the tab Mesh: the object as a mesh in the visitor's colours, and a file in every format."""

from collections.abc import Callable
from importlib.util import find_spec

import gradio as gr

from spir.app import mesh_text, text
from spir.app.context import AppContext, written
from spir.app.data_uris import hex_colours
from spir.app.errors import refuse, stage
from spir.app.widgets.mesh import widget as mesh
from spir.app.widgets.swatches.widget import chosen
from spir.errors import EmptySurfaceError
from spir.outputs.edits import recolour_mesh
from spir.outputs.export.plain import EXPORTS
from spir.outputs.export.textured import TEXTURED
from spir.outputs.files import TEXTURE_SIZES, in_colours
from spir.outputs.layer_file import layers_from
from spir.session import surfaces
from spir.session.session import Session
from spir.types import Appearance, Mesh
from spir.validation import number

COARSEST, FINEST = 64, 256
"""Samples along the cube's side."""
PLAIN_GLB = "mesh.glb"
WITH_TEXTURE = {
    "glb" if form == "textured.glb" else form: form
    for form in TEXTURED
    if form != "usdz" or find_spec("pxr") is not None
}
"""Name of a format -> that of `TEXTURED`, where it can be written here; what most people want is plainly "glb"."""
WITHOUT_TEXTURE = {PLAIN_GLB if ending == "glb" else ending: ending for ending in EXPORTS}
"""Name of a format -> that of `EXPORTS`, whose vertices have the generator's colours."""
FORMATS = (*WITH_TEXTURE, *WITHOUT_TEXTURE)


class MeshHandlers:
    """The events of the tab Mesh, which the downloads and the API share."""

    def __init__(self, context: AppContext):
        self.context = context

    def plain(self, key: str, session: Session, resolution: int | float) -> tuple[Session, Mesh]:
        """The session with its mesh, and the mesh in the session's colours; at once where only these changed."""
        refuse_fineness(resolution)
        engine = self.context.engine
        with stage("mesh", run=self.context.slot(key).number, resolution=int(resolution)):
            try:
                changed = surfaces.mesh(engine, session, int(resolution))
            except EmptySurfaceError:
                refuse(text.NO_SURFACE)
        self.context.store.commit(key, session, changed)
        return changed, recolour_mesh(changed.surface.mesh, engine.palette(session.fit.code)[0])

    def textured(
        self, key: str, session: Session, resolution: int | float = surfaces.RESOLUTION, detail: float = 1.0
    ) -> tuple[Session, Appearance | None]:
        """The session with its textured surface, and that in the session's colours with at most so much of the photo's
        detail; no surface where there can be none. A mesh finer than usual asks for the finer texture."""
        engine, slot = self.context.engine, self.context.slot(key)
        with stage("texture", run=slot.number):
            try:
                changed = surfaces.texture(engine, session, TEXTURE_SIZES[resolution > surfaces.RESOLUTION])
            except EmptySurfaceError:
                refuse(text.NO_SURFACE)
        self.context.store.commit(key, session, changed)
        if changed.textured.layers is None:
            return changed, None
        found = layers_from(changed.textured.layers)
        # What shows the byte that was found is as it was found, and keeps the photo's own colour.
        colours = hex_colours(engine.palette(session.fit.code)[0])
        return changed, in_colours(found, chosen({"colours": colours}, found.generated_palette), detail)

    def mesh(
        self, key: str | None, colours: dict | None, resolution: int | float, detail: object = 1.0
    ) -> tuple[str, dict, None]:
        """Make the mesh; returns the values of viewer, widget and plot: a GLB's path, what the page knows of it, and
        nothing as yet."""
        session, engine = self.context.coloured(self.context.fitted(key), colours), self.context.engine
        shown, detail = hex_colours(engine.palette(session.fit.code)[0]), photo_detail_amount(detail)
        camera, slot = engine.camera(session.fit.pose), self.context.slot(key)
        refuse_fineness(resolution)
        allowed = surfaces.detail(engine, session) if detail else 0.0
        surface = None
        if allowed:
            changed, surface = self.textured(key, session, resolution, detail)
        if surface is None:
            changed, surface = self.plain(key, session, resolution)
            path = written(slot, "view.glb", EXPORTS["glb"](surface, camera))
            note = mesh_text.size(len(surface.faces), changed.surface.seconds)
            if detail and not allowed:
                note += " " + (mesh_text.PHOTO_DETAIL_OFF if session.step else mesh_text.MIXED)
            return path, mesh.plain(key, surface, shown, note), None
        path = written(slot, "view.glb", TEXTURED["textured.glb"](surface, camera, ()))
        note = mesh_text.size(len(surface.faces), changed.textured.seconds)
        return path, mesh.textured(key, shown, note), None

    def true_colours(self, key: str | None, colours: dict | None, resolution: int | float) -> dict:
        """Show the plot."""
        session = self.context.coloured(self.context.fitted(key), colours)
        _, surface = self.plain(key, session, resolution)
        return gr.update(value=mesh.figure(surface), visible=True)

    def keep(self, form: str) -> Callable[..., str]:
        """An event that writes the object in one of `FORMATS` and returns the file's path."""

        def kept(key: str | None, colours: dict | None, resolution: int | float, detail: object = 1.0) -> str:
            session = self.context.coloured(self.context.fitted(key), colours)
            data = self.file(key, session, form, resolution, photo_detail_amount(detail))
            return written(self.context.slot(key), f"{session.category}.{form}", data)

        return kept

    def file(
        self, key: str, session: Session, form: str, resolution: int | float, detail: float = 1.0
    ) -> bytes:
        """The object in one of `FORMATS`; "glb" is the plain one where there can be no texture."""
        refuse_fineness(resolution)
        camera = self.context.engine.camera(session.fit.pose)
        if form in WITH_TEXTURE:
            _, surface = self.textured(key, session, resolution, detail)
            if surface is not None:
                names = self.context.engine.category.palette_names
                return TEXTURED[WITH_TEXTURE[form]](surface, camera, names)
            if form != "glb":
                refuse(mesh_text.NO_TEXTURE)
            form = PLAIN_GLB
        _, surface = self.plain(key, session, resolution)
        return EXPORTS[WITHOUT_TEXTURE[form]](surface, camera)


def refuse_fineness(resolution: object) -> None:
    """End the event unless it is a number of samples."""
    if resolution not in range(COARSEST, FINEST + 1):
        refuse(text.BAD_RESOLUTION)


def photo_detail_amount(detail: object) -> float:
    """The amount of photo detail that the page asked for, in [0, 1]."""
    try:
        return number(detail, 0, 1)
    except ValueError:
        refuse(mesh_text.BAD_DETAIL)
