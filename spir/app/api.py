"""Define the API: four named endpoints for programs, curl and MCP clients.

`segment` returns the key of a session, which the other endpoints take. Whoever knows the key owns the
session; it is dropped when its visitor leaves, or when many newer sessions exist.
"""

import json
from pathlib import Path
from typing import Any

import gradio as gr
from jaxtyping import Float
from torch import Tensor

from spir.app import text
from spir.app.context import AppContext, write_file
from spir.app.data_uris import hex_colours
from spir.app.errors import refuse, refuse_on_error
from spir.app.handlers.mesh import FORMATS, MeshHandlers
from spir.app.handlers.photo import PhotoHandlers
from spir.app.handlers.reconstruction import ReconstructionHandlers
from spir.app.widgets.cutout.widget import segmenter_name
from spir.errors import PhotoError
from spir.outputs.files import textured_views
from spir.outputs.views import png_bytes, to_uint8
from spir.photo import PREFERENCES
from spir.session import surfaces
from spir.session.record import readable_pose
from spir.session.session import Session, require
from spir.session.surfaces import RESOLUTION
from spir.session.verdict import verdict


class Api:
    """Each public endpoint is one method, whose docstring clients and language models read."""

    def __init__(
        self, context: AppContext, photo: PhotoHandlers, runs: ReconstructionHandlers, meshes: MeshHandlers
    ):
        self.context = context
        self.photo = photo
        self.runs = runs
        self.meshes = meshes

    @refuse_on_error()
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
            refuse(text.NO_PHOTO)
        if segmenter not in PREFERENCES:
            refuse(text.unknown_segmenter(PREFERENCES))
        try:
            key = self.photo.open(Path(photo), request.session_hash or "", segmenter)
        except PhotoError as problem:
            refuse(str(problem))
        session = self.context.session(key)
        answer = {
            "run": key,
            "segmenter": segmenter_name(session),
            "shows": session.segmentation.kind,
            "remark": text.remark(self.context.engine.category.kind, session.segmentation),
            "box": session.cutout.box_px[0].tolist(),
        }
        return answer, self.picture(key, "cutout", session.cutout.rgb[0])

    @refuse_on_error()
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
        key = session_key(run)
        for _ in self.runs.reconstruct(key, steps):
            pass
        session, engine = self.context.fitted(key), self.context.engine
        trajectory = session.fitted.trajectory
        rows = [
            {"step": step.index, "loss": float(step.loss[0]), "seconds": step.seconds, **metrics}
            for step, metrics in zip(trajectory.steps, trajectory.metrics, strict=True)
        ]
        answer = {
            "steps": rows,
            "pose": readable_pose(session.fit.pose),
            "verdict": require(verdict(engine.category, session)).record(),
            "photo_detail": surfaces.detail(engine, session),
            "colours": self.colours(session),
        }
        return answer, self.rendered(key, session)

    @refuse_on_error()
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
        key = session_key(run)
        session = self.context.fitted(key)
        now = self.colours(session)
        changes = parse_colours(colours)
        if not isinstance(changes, dict) or not set(changes) <= set(now):
            refuse(text.unknown_colours(tuple(now)))
        changed = self.context.with_colours(session, {"colours": list((now | changes).values())})
        self.context.store.commit(key, session, changed)
        return self.colours(changed), self.recoloured(key, changed)

    @refuse_on_error()
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
        key = session_key(run)
        self.context.fitted(key)
        if format not in FORMATS:
            refuse(text.unknown_format(FORMATS))
        if not isinstance(resolution, int | float):
            refuse(text.BAD_RESOLUTION)
        return self.meshes.save_handler(str(format))(key, None, resolution)

    def colours(self, session: Session) -> dict[str, str]:
        """Return the colours in use as #rrggbb, by name."""
        palette = self.context.engine.palette(session.fit.code)[0]
        return dict(zip(self.context.colour_names(len(palette)), hex_colours(palette), strict=True))

    def rendered(self, key: str, session: Session) -> str:
        """Render the object from the photo's camera; returns the picture's path."""
        return self.picture(key, "render", self.context.engine.render(session.fit).rgb[0])

    def recoloured(self, key: str, session: Session) -> str:
        """Render the object from the photo's camera, with the photo's detail where it is possible; returns
        the picture's path."""
        session, surface = self.meshes.textured(key, session)
        if surface is None:
            return self.rendered(key, session)
        engine, size = self.context.engine, session.cutout.mask.shape[1]
        camera, background = engine.camera(session.fit.pose), engine.category.background
        (seen,) = textured_views(surface, camera, size, background)
        return self.picture(key, "render", seen.rgb[0])

    def picture(self, key: str, name: str, rgb: Float[Tensor, "height width 3"]) -> str:
        """Write a picture into the session's folder; returns its path."""
        return write_file(self.context.slot(key), f"{name}.png", png_bytes(to_uint8(rgb)))


def session_key(value: object) -> str:
    """Return the session key that a client sent; an empty string where it is none."""
    return value if isinstance(value, str) else ""


def parse_colours(colours: object) -> object:
    """Return the colours that a client sent, parsed where they are JSON text; None where they cannot be
    parsed."""
    try:
        return json.loads(colours) if isinstance(colours, str) else colours
    except (ValueError, RecursionError):
        return None


def add_endpoints(
    context: AppContext, photo: PhotoHandlers, runs: ReconstructionHandlers, meshes: MeshHandlers
) -> None:
    """Add the endpoints to the page that is being built, with hidden components.

    Files go through a component and not through `gr.api`, which would accept any path on the server as a
    file."""
    api = Api(context, photo, runs, meshes)
    # Where no file is taken, values come as they were sent: Gradio would refuse the wrong ones in its own text.
    as_sent: dict[str, Any] = {"preprocess": False}
    with gr.Group(visible=False):
        run, trigger = gr.Textbox(label="Run"), gr.Button()
        # The label "Told" is the name that clients know.
        answer, file = gr.JSON(label="Told"), gr.File(label="File")
        photo_file, colours = gr.File(label="Photo"), gr.Textbox(label="Colours")
        segmenter = gr.Textbox(PREFERENCES[0], label="Segmenter")
        steps = gr.Number(10, precision=0, label="Steps")
        form = gr.Textbox("glb", label="Format")
        resolution = gr.Number(RESOLUTION, precision=0, label="Resolution")
        for method, takes, gives, how in (
            (api.segment, [photo_file, segmenter], [answer, file], dict[str, Any]()),
            (api.reconstruct, [run, steps], [answer, file], as_sent),
            (api.recolour, [run, colours], [answer, file], as_sent),
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
