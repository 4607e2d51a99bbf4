"""The same without a page: four endpoints by name, for programs, curl and MCP clients.

`segment` answers with the key of a run, which the others take. A run belongs to whoever knows its key; it is
forgotten when the session ends, or when many others have come after it.
"""

import json
from pathlib import Path
from typing import Any

import gradio as gr
from jaxtyping import Float
from torch import Tensor

from spir.app import text as words
from spir.app.data_uris import hex_colours
from spir.app.errors import refuse
from spir.app.handlers.base import Handlers
from spir.app.handlers.downloads import written
from spir.app.handlers.mesh import Meshing
from spir.app.handlers.reconstruction import Fitting
from spir.app.handlers.texturing import FORMATS, RESOLUTION
from spir.app.server.logging import in_words
from spir.app.sessions import Run
from spir.outputs.files import textured_views
from spir.outputs.views import png_bytes, to_uint8
from spir.photo import PREFERENCES, PhotoError
from spir.session.record import readable_pose


class Api:
    """A method an endpoint; its docstring is what clients and language models read."""

    def __init__(self, handlers: Handlers, fitting: Fitting, meshing: Meshing):
        self.handlers = handlers
        self.fitting = fitting
        self.meshing = meshing

    @in_words()
    def segment(
        self, photo: str | None, request: gr.Request, segmenter: object = PREFERENCES[0]
    ) -> tuple[dict[str, Any], str]:
        """Begin with a photo: find the object in it and cut it out. The key that comes back is for the other three.

        Args:
            photo: JPEG, PNG, WebP or HEIC, at most 40 megapixels and 25 MB; over MCP a public URL or a data:image/... URI
            segmenter: who cuts the object out: auto, alpha (the photo's own transparency), rembg, trained or built-in
        Returns:
            JSON in which "run" is the key for `reconstruct` and those after it
            "segmenter" says who cut the object out
            "shows" is the kind of object that the photo seems to show, null where that is none that is known
            "remark" says what speaks against this photo
            "box" is the square around it as x0 y0 x1 y1 in pixels of the photo
            and the square without its background as the networks see it (PNG)
        """
        if not photo:
            refuse(words.NO_PHOTO)
        if segmenter not in PREFERENCES:
            refuse(words.unknown_segmenter(PREFERENCES))
        try:
            key = self.handlers.opened(Path(photo), request.session_hash or "", segmenter)
        except PhotoError as problem:
            refuse(str(problem))
        run = self.handlers.run(key)
        told = {
            "run": key,
            "segmenter": run.segmenter,
            "shows": run.kind,
            "remark": run.remark,
            "box": run.cutout.box_px[0].tolist(),
        }
        return told, picture(run, "cutout", run.cutout.rgb[0])

    @in_words()
    def reconstruct(self, run: object, steps: object = 10) -> tuple[dict[str, Any], str]:
        """Find shape, camera and colours of the object in the photo: a first guess, then so many steps nearer to it.
        Asked again for more steps, it goes on where it ended. On a CPU a step takes about half a second.

        Args:
            run: the key that `segment` gave
            steps: 0 is the first guess, 10 is usually enough, 30 the most faithful; at most 100
        Returns:
            JSON in which "steps" has loss and seconds, overlap (iou) and likeness (psnr, dB) of every step
            "pose" is the camera in degrees and picture widths
            "verdict" is good, fair or poor with reasons
            "photo_detail" is 1 where the object takes the photo's own detail, 0 where the fit is too poor for it
            "colours" maps the names of the parts to #rrggbb
            and the object as the photo's camera sees it (PNG)
        """
        self.known(run)
        for _ in self.fitting.reconstruct(run, steps):
            pass
        known = self.known(run, fitted=True)
        rows = [
            {"step": step.index, "loss": float(step.loss[0]), "seconds": step.seconds, **metrics}
            for step, metrics in zip(known.fit.trajectory, known.metrics, strict=True)
        ]
        told = {
            "steps": rows,
            "pose": readable_pose(known.fit.pose),
            "verdict": self.handlers.verdict(known).record(),
            "photo_detail": self.meshing.texturing.detail(known),
            "colours": self.colours(known),
        }
        return told, self.rendered(known)

    @in_words()
    def recolour(self, run: object, colours: object) -> tuple[dict[str, str], str]:
        """Give parts of the object another colour; the photo's detail stays, and nothing is fitted again. `export` then
        has these colours. The first time takes some seconds, in which the photo is laid onto the object.

        Args:
            run: the key that `segment` gave, after `reconstruct`
            colours: JSON of those that change, name (as `reconstruct` told) to #rrggbb: {"body paint": "#1144cc"}
        Returns:
            JSON in which all names map to their #rrggbb
            and the object in these colours as the photo's camera sees it (PNG)
        """
        known = self.known(run, fitted=True)
        now = self.colours(known)
        changes = parsed(colours)
        if not isinstance(changes, dict) or not set(changes) <= set(now):
            refuse(words.unknown_colours(tuple(now)))
        known.fit = self.handlers.coloured(known, {"colours": list((now | changes).values())})
        return self.colours(known), self.recoloured(known)

    @in_words()
    def export(self, run: object, format: object = "glb", resolution: object = RESOLUTION) -> str:
        """Take the object home as a file: with the photo's own detail as a texture, or as a plain coloured mesh.
        Both GLB have the photo's camera; materials.glb has a material for each part, and stl has no colours. Above a
        resolution of 128 the texture is finer, too. usdz is only there where the server can write it.

        Args:
            run: the key that `segment` gave, after `reconstruct`
            format: glb, materials.glb, obj.zip, usdz: with the photo's detail; mesh.glb, ply, obj, stl: plain
            resolution: samples along each side of the object's box, 64 to 256: more is finer and slower
        Returns:
            the file
        """
        self.known(run, fitted=True)
        if format not in FORMATS:
            refuse(words.unknown_format(FORMATS))
        if not isinstance(resolution, int | float):
            refuse(words.BAD_RESOLUTION)
        return self.meshing.keep(format)(run, None, resolution)

    def known(self, run: object, fitted: bool = False) -> Run:
        """The run of a key, which may be anything that a client sends."""
        return self.handlers.run(run if isinstance(run, str) else "", fitted)

    def colours(self, run: Run) -> dict[str, str]:
        """The fit's colours by name."""
        palette = self.handlers.engine.palette(run.fit.code)[0]
        return dict(zip(self.handlers.colour_names(len(palette)), hex_colours(palette), strict=True))

    def rendered(self, run: Run) -> str:
        """The fit from the photo's camera."""
        return picture(run, "render", self.handlers.render_on_gpu(run.fit).rgb[0])

    def recoloured(self, run: Run) -> str:
        """The same with the photo's detail, where there can be one."""
        surface = self.meshing.texturing.surface(run, run.fit)
        if surface is None:
            return self.rendered(run)
        engine, size = self.handlers.engine, run.cutout.mask.shape[1]
        camera, background = engine.camera(run.fit.pose), engine.category.background
        (seen,) = textured_views(surface, camera, size, background)
        return picture(run, "render", seen.rgb[0])


def parsed(colours: object) -> object:
    """What a client wrote as JSON, or sent as such; none where it cannot be read."""
    try:
        return json.loads(colours) if isinstance(colours, str) else colours
    except (ValueError, RecursionError):
        return None


def picture(run: Run, name: str, rgb: Float[Tensor, "height width 3"]) -> str:
    """Path of a picture in the run's folder."""
    return written(run.folder / f"{name}.png", png_bytes(to_uint8(rgb)))


def offer(handlers: Handlers, fitting: Fitting, meshing: Meshing) -> None:
    """Put the endpoints on the page that is being built, with pieces that nobody sees.

    Files go through a piece and not through `gr.api`, which would take any path of the server for a file."""
    api = Api(handlers, fitting, meshing)
    # Where no file is taken, values come as they were sent: Gradio would refuse the wrong ones in its own words.
    as_sent = {"preprocess": False}
    with gr.Group(visible=False):
        run, trigger = gr.Textbox(label="Run"), gr.Button()
        told, file = gr.JSON(label="Told"), gr.File(label="File")
        photo, colours = gr.File(label="Photo"), gr.Textbox(label="Colours")
        segmenter = gr.Textbox(PREFERENCES[0], label="Segmenter")
        steps = gr.Number(10, precision=0, label="Steps")
        form = gr.Textbox("glb", label="Format")
        resolution = gr.Number(RESOLUTION, precision=0, label="Resolution")
        for method, takes, gives, how in (
            (api.segment, [photo, segmenter], [told, file], {}),
            (api.reconstruct, [run, steps], [told, file], as_sent),
            (api.recolour, [run, colours], [told, file], as_sent),
            (api.export, [run, form, resolution], file, as_sent),
        ):
            trigger.click(
                method,
                takes,
                gives,
                api_name=method.__name__,
                concurrency_id="gpu",
                concurrency_limit=1,
                **how,
            )
