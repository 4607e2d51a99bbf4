"""Handle the events of the tab Mesh: the object as a mesh in the visitor's colours, and a file in every
format.
"""

from collections.abc import Callable
from importlib.util import find_spec

import gradio as gr

from spir.app import mesh_text, text
from spir.app.context import AppContext, write_file
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
from spir.session.session import Session, require
from spir.types import Appearance, Mesh
from spir.validation import checked_number

COARSEST, FINEST = 64, 256
"""The least and the most samples along the cube's side."""
PLAIN_GLB = "mesh.glb"
WITH_TEXTURE = {
    "glb" if form == "textured.glb" else form: form
    for form in TEXTURED
    if form != "usdz" or find_spec("pxr") is not None
}
"""The name in `TEXTURED` by the name of a format that can be written here; the most useful one is named
"glb"."""
WITHOUT_TEXTURE = {PLAIN_GLB if ending == "glb" else ending: ending for ending in EXPORTS}
"""The name in `EXPORTS` by the name of a format whose vertices have the generator's colours."""
FORMATS = (*WITH_TEXTURE, *WITHOUT_TEXTURE)


class MeshHandlers:
    """This class handles the events of the tab Mesh, and makes meshes for the downloads and the API."""

    def __init__(self, context: AppContext):
        self.context = context

    def plain(self, key: str, session: Session, resolution: int | float) -> tuple[Session, Mesh]:
        """Return the session with its mesh, and the mesh in the session's colours; the mesh is reused where
        only the colours changed."""
        check_resolution(resolution)
        engine = self.context.engine
        with stage("mesh", run=self.context.slot(key).log_id, resolution=int(resolution)):
            try:
                changed = surfaces.mesh(engine, session, int(resolution))
            except EmptySurfaceError:
                refuse(text.NO_SURFACE)
        self.context.store.commit(key, session, changed)
        return changed, recolour_mesh(require(changed.surface).mesh, engine.palette(session.fit.code)[0])

    def textured(
        self, key: str, session: Session, resolution: int | float = surfaces.RESOLUTION, detail: float = 1.0
    ) -> tuple[Session, Appearance | None]:
        """Return the session with its textured surface, and the surface in the session's colours with at most
        the share `detail` in [0, 1] of the photo's detail, or None where none is possible. A mesh finer than
        usual gets the finer texture."""
        engine, slot = self.context.engine, self.context.slot(key)
        with stage("texture", run=slot.log_id):
            try:
                changed = surfaces.texture(engine, session, TEXTURE_SIZES[resolution > surfaces.RESOLUTION])
            except EmptySurfaceError:
                refuse(text.NO_SURFACE)
        self.context.store.commit(key, session, changed)
        layers = require(changed.textured).layers
        if layers is None:
            return changed, None
        found = layers_from(layers)
        # Colours whose bytes are unchanged keep their exact value, and with it the photo's own colour.
        colours = hex_colours(engine.palette(session.fit.code)[0])
        return changed, in_colours(found, chosen({"colours": colours}, found.generated_palette), detail)

    def mesh(
        self, key: str | None, colours: dict | None, resolution: int | float, detail: object = 1.0
    ) -> tuple[str, dict, None]:
        """Make the mesh. Returns the values of viewer, widget and plot: the path of a GLB, the widget's
        payload, and None."""
        key = self.context.key(key)
        session, engine = self.context.with_colours(self.context.fitted(key), colours), self.context.engine
        shown, detail = hex_colours(engine.palette(session.fit.code)[0]), photo_detail_amount(detail)
        camera, slot = engine.camera(session.fit.pose), self.context.slot(key)
        check_resolution(resolution)
        allowed = surfaces.detail(engine, session) if detail else 0.0
        surface = None
        if allowed:
            changed, surface = self.textured(key, session, resolution, detail)
        if surface is None:
            changed, surface = self.plain(key, session, resolution)
            path = write_file(slot, "view.glb", EXPORTS["glb"](surface, camera))
            note = mesh_text.size(len(surface.faces), require(changed.surface).seconds)
            if detail and not allowed:
                note += " " + (mesh_text.PHOTO_DETAIL_OFF if session.step else mesh_text.MIXED)
            return path, mesh.plain(key, surface, shown, note), None
        path = write_file(slot, "view.glb", TEXTURED["textured.glb"](surface, camera, ()))
        note = mesh_text.size(len(surface.faces), require(changed.textured).seconds)
        return path, mesh.textured(key, shown, note), None

    def true_colours(self, key: str | None, colours: dict | None, resolution: int | float) -> dict:
        """Show the plot of the mesh in its true colours."""
        key = self.context.key(key)
        session = self.context.with_colours(self.context.fitted(key), colours)
        _, surface = self.plain(key, session, resolution)
        return gr.update(value=mesh.figure(surface), visible=True)

    def save_handler(self, form: str) -> Callable[..., str]:
        """Return an event handler that writes the object in one of `FORMATS` and returns the file's path."""

        def kept(key: str | None, colours: dict | None, resolution: int | float, detail: object = 1.0) -> str:
            key = self.context.key(key)
            session = self.context.with_colours(self.context.fitted(key), colours)
            data = self.file(key, session, form, resolution, photo_detail_amount(detail))
            return write_file(self.context.slot(key), f"{session.category}.{form}", data)

        return kept

    def file(
        self, key: str, session: Session, form: str, resolution: int | float, detail: float = 1.0
    ) -> bytes:
        """Return the object in one of `FORMATS`; "glb" is the plain mesh where no texture is possible."""
        check_resolution(resolution)
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


def check_resolution(resolution: object) -> None:
    """Refuse a resolution that is not a whole number of samples from `COARSEST` to `FINEST`."""
    if resolution not in range(COARSEST, FINEST + 1):
        refuse(text.BAD_RESOLUTION)


def photo_detail_amount(detail: object) -> float:
    """Return the share of photo detail that the page asked for, in [0, 1]; refuses anything else."""
    try:
        return checked_number(detail, 0, 1)
    except ValueError:
        refuse(mesh_text.BAD_DETAIL)
