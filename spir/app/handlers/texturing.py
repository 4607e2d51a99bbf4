"""The object with the photo's own detail: made once a fit, kept as the small file that ZIPs hold, shown in the
visitor's colours."""

import time
from importlib.util import find_spec

from spir.app import text as words
from spir.app.data_uris import hex_colours
from spir.app.errors import refuse
from spir.app.handlers.base import Handlers
from spir.app.server.logging import stage
from spir.app.sessions import Look, Run
from spir.app.widgets.swatches.widget import chosen
from spir.outputs.export.plain import EXPORTS
from spir.outputs.export.textured import TEXTURED
from spir.outputs.files import TEXTURE_SIZES, appearance_config, in_colours
from spir.outputs.layer_file import layer_bytes, layers_from
from spir.outputs.mesh import EmptySurfaceError
from spir.session.verdict import photo_detail
from spir.types import Appearance, Fit

RESOLUTION = 128
"""Samples along the cube's side of the mesh that is simplified; finer ones are asked for a finer texture."""
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


class Texturing:
    """What the tab Mesh, the downloads and programs ask of it."""

    def __init__(self, handlers: Handlers):
        self.handlers = handlers
        self.engine = handlers.engine

    def detail(self, run: Run) -> float:
        """How much of the photo's detail the object in use may take: none where the fit is poor, or is a mixture."""
        verdict = self.handlers.verdict(run)
        return 0.0 if verdict is None else photo_detail(verdict)

    def look(self, run: Run, resolution: int | float = RESOLUTION) -> Look:
        """The surface of the fit in use in the colours that were found; made where there is none yet.

        A mesh of so many samples, if finer than usual, asks for the finer texture."""
        size = TEXTURE_SIZES[resolution > RESOLUTION]
        kept, fit = run.look, run.uncoloured
        if kept is not None and kept.of(fit, run.target, size):
            return kept
        began = time.perf_counter()
        config = appearance_config(size, self.detail(run))
        parts = (run.photo, run.target_mask, run.target, fit, config, RESOLUTION)
        with stage("texture", run=run.number, size=size):
            try:
                data = layer_bytes(self.handlers.appearance_on_gpu(*parts))
            except EmptySurfaceError:
                refuse(words.NO_SURFACE)
            except ValueError:
                # Colours that are no mixture of a palette: there is the plain mesh.
                data = None
        seconds = time.perf_counter() - began
        run.look = Look(fit.code.w, fit.pose.quaternion, run.target, size, data, seconds)
        return run.look

    def surface(
        self, run: Run, fit: Fit, resolution: int | float = RESOLUTION, detail: float = 1.0
    ) -> Appearance | None:
        """The object in use in the colours of `fit`, with at most so much of the photo's detail; none where there can
        be no such surface."""
        look = self.look(run, resolution)
        if look.data is None:
            return None
        found = layers_from(look.data)
        # What shows the byte that was found is as it was found, and keeps the photo's own colour.
        colours = hex_colours(self.engine.palette(fit.code)[0])
        return in_colours(found, chosen({"colours": colours}, found.generated_palette), detail)
