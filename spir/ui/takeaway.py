"""What a visitor takes home, made when asked for: the mesh to look at, and the files, in the run's folder."""

import json
import time
from pathlib import Path

from spir.outputs.export import EXPORTS
from spir.outputs.mesh import EmptySurfaceError
from spir.outputs.record import run_record
from spir.outputs.views import gif_bytes, mp4_bytes
from spir.pipeline import preset
from spir.types import Mesh
from spir.ui import words
from spir.ui.handlers import Handlers, refuse
from spir.ui.sessions import Run

RESOLUTION = 128


class Takeaway:
    """The events of the tabs Mesh and Downloads."""

    def __init__(self, handlers: Handlers):
        self.handlers = handlers
        self.engine = handlers.engine

    def surface(self, run: Run, resolution: int) -> Mesh:
        """The mesh of a run's fit, in its present colours."""
        try:
            return self.handlers.mesh_on_gpu(run.fit, resolution)
        except EmptySurfaceError:
            refuse(words.NO_SURFACE)

    def mesh(self, key: str | None, resolution: int | float) -> tuple[str, str]:
        """Path of a GLB for the viewer, and a sentence about it."""
        run = self.handlers.run(key, fitted=True)
        began = time.perf_counter()
        surface = self.surface(run, int(resolution))
        path = run.folder / "mesh.glb"
        path.write_bytes(EXPORTS["glb"](surface, self.engine.camera(run.fit.pose)))
        return str(path), words.mesh_size(len(surface.faces), time.perf_counter() - began)

    def files(self, key: str | None, resolution: int | float) -> list[str]:
        """Paths of everything there is to keep."""
        run = self.handlers.run(key, fitted=True)
        name = run.fit.category
        surface = self.surface(run, int(resolution))
        camera = self.engine.camera(run.fit.pose)
        contents = {f"{name}.{end}": export(surface, camera) for end, export in EXPORTS.items()}
        frames = self.handlers.frames(run)
        contents |= {f"{name}.mp4": mp4_bytes(frames), f"{name}.gif": gif_bytes(frames)}
        contents["run.json"] = json.dumps(self.record(run), indent=1).encode()
        return [written(run.folder / file, data) for file, data in contents.items()]

    def record(self, run: Run) -> dict:
        """run.json: what made these files."""
        return run_record(
            run.fit,
            weights_hash=self.engine.weights_hash,
            device=self.engine.device,
            loss_backend=self.engine.loss_backend,
            segmenter=run.segmenter,
            seed=preset(0).seed,
            metrics=run.metrics,
            outcome=run.guess.outcome[0],
        )


def written(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    return str(path)
