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

from spir.outputs.export import EXPORTS
from spir.outputs.record import readable_pose
from spir.outputs.views import png_bytes, to_uint8
from spir.photo import PhotoError
from spir.ui import words
from spir.ui.fitting import Fitting
from spir.ui.handlers import Handlers, refuse
from spir.ui.meshing import RESOLUTION, Meshing
from spir.ui.pictures import hex_colours
from spir.ui.sessions import Run
from spir.ui.takeaway import written


class Api:
    """A method an endpoint; its docstring is what clients and language models read."""

    def __init__(self, handlers: Handlers, fitting: Fitting, meshing: Meshing):
        self.handlers = handlers
        self.fitting = fitting
        self.meshing = meshing

    def segment(self, photo: str | None, request: gr.Request) -> tuple[dict[str, Any], str]:
        """Cut the object out of a photo (JPEG, PNG, WebP, HEIC; at most 40 megapixels).

        Args:
            photo: the picture file
        Returns:
            {"run": the key for the other endpoints, "segmenter": who cut it out, "box": x0, y0, x1, y1 of the
            square in the photo, pixels}, and that square as the networks see it (PNG)
        """
        if not photo:
            refuse(words.NO_PHOTO)
        try:
            key = self.handlers.opened(Path(photo).read_bytes(), request.session_hash or "")
        except PhotoError as problem:
            refuse(str(problem))
        run = self.handlers.run(key)
        told = {"run": key, "segmenter": run.segmenter, "box": run.cutout.box_px[0].tolist()}
        return told, picture(run, "cutout", run.cutout.rgb[0])

    def reconstruct(self, run: str, steps: int | float = 10) -> tuple[dict[str, Any], str]:
        """Find shape, pose and colours of the object, refined in so many steps; a longer run goes on behind a shorter.

        Args:
            run: the key that `segment` gave
            steps: 0 is the first guess, 10 is usually enough, 30 the most faithful; at most 100
        Returns:
            {"steps": one row of loss, iou, psnr and seconds each, "pose": degrees and picture widths, "verdict",
            "colours": name to #rrggbb}, and the object as the photo's camera sees it (PNG)
        """
        for _ in self.fitting.reconstruct(run, steps):
            pass
        known = self.handlers.run(run, fitted=True)
        rows = [
            {"step": step.index, "loss": float(step.loss[0]), "seconds": step.seconds, **metrics}
            for step, metrics in zip(known.fit.trajectory, known.metrics, strict=True)
        ]
        told = {
            "steps": rows,
            "pose": readable_pose(known.fit.pose),
            "verdict": self.handlers.verdict(known).record(),
            "colours": self.colours(known),
        }
        return told, self.rendered(known)

    def recolour(self, run: str, colours: str | None) -> tuple[dict[str, str], str]:
        """Change colours of the object by name, at once and exactly: nothing is fitted again.

        Args:
            run: the key of a run that is reconstructed
            colours: JSON, name to #rrggbb, only those that change, such as {"body paint": "#1144cc"}
        Returns:
            all colours, name to #rrggbb, and the object in them (PNG)
        """
        known = self.handlers.run(run, fitted=True)
        now = self.colours(known)
        try:
            changes = json.loads(colours)
        except (TypeError, ValueError):
            changes = None
        if not isinstance(changes, dict) or not set(changes) <= set(now):
            refuse(words.unknown_colours(tuple(now)))
        known.fit = self.handlers.coloured(known, {"colours": list((now | changes).values())})
        return self.colours(known), self.rendered(known)

    def export(self, run: str, format: str = "glb", resolution: int | float = RESOLUTION) -> str:
        """The object as a coloured mesh.

        Args:
            run: the key of a run that is reconstructed
            format: glb (with the photo's camera), ply, obj or stl
            resolution: samples along the object's box, 64 to 256
        Returns:
            the file
        """
        if format not in EXPORTS:
            refuse(words.unknown_format(tuple(EXPORTS)))
        return self.meshing.keep(format)(run, None, resolution)

    def colours(self, run: Run) -> dict[str, str]:
        """The fit's colours by name."""
        palette = self.handlers.engine.palette(run.fit.code)[0]
        return dict(zip(self.handlers.colour_names(len(palette)), hex_colours(palette), strict=True))

    def rendered(self, run: Run) -> str:
        """The fit from the photo's camera."""
        return picture(run, "render", self.handlers.engine.render(run.fit).rgb[0])


def picture(run: Run, name: str, rgb: Float[Tensor, "height width 3"]) -> str:
    """Path of a picture in the run's folder."""
    return written(run.folder / f"{name}.png", png_bytes(to_uint8(rgb)))


def offer(handlers: Handlers, fitting: Fitting, meshing: Meshing) -> None:
    """Put the endpoints on the page that is being built, with pieces that nobody sees.

    Files go through a piece and not through `gr.api`, which would take any path of the server for a file."""
    api = Api(handlers, fitting, meshing)
    one_by_one = {"concurrency_id": "gpu", "concurrency_limit": 1}
    with gr.Group(visible=False):
        run, trigger = gr.Textbox(label="Run"), gr.Button()
        told, file = gr.JSON(label="Told"), gr.File(label="File")
        photo, colours = gr.File(label="Photo"), gr.Textbox(label="Colours")
        steps = gr.Number(10, precision=0, label="Steps")
        form = gr.Textbox("glb", label="Format")
        resolution = gr.Number(RESOLUTION, precision=0, label="Resolution")
        for method, takes, gives in (
            (api.segment, [photo], [told, file]),
            (api.reconstruct, [run, steps], [told, file]),
            (api.recolour, [run, colours], [told, file]),
            (api.export, [run, form, resolution], file),
        ):
            trigger.click(method, takes, gives, api_name=method.__name__, **one_by_one)
