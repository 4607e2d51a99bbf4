"""What a visitor takes home and brings back: everything of a run in one ZIP, films, and run.json."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
import torch
from jaxtyping import UInt8
from numpy import ndarray

from spir.app import text as words
from spir.app.errors import refuse
from spir.app.handlers.base import PAPER_WHITE, Handlers
from spir.app.handlers.mesh import Meshing
from spir.app.server.logging import in_words, stage
from spir.app.sessions import Look, Run, at_rest
from spir.app.widgets.cutout.widget import shown
from spir.app.widgets.orbit.widget import VIEW_SIDE
from spir.app.widgets.timeline import widget as timeline
from spir.outputs.attention_maps import unpacked
from spir.outputs.files import mesh_files, textured_files, textured_frames
from spir.outputs.layer_file import texture_size
from spir.outputs.views import gif_bytes, mp4_bytes, to_uint8
from spir.photo import PhotoError, read_photo
from spir.pipeline import preset
from spir.session.archive.reader import ArchiveError, read_archive
from spir.session.archive.writer import SessionArchive, repeat, write_archive
from spir.session.record import fit_record
from spir.types import Appearance, Cutout, Fit

TEXTURED_IN_ZIP = ("textured.glb", "materials.glb")
LARGEST_ZIP = 64 * 2**20
"""Bytes of a ZIP that is opened at all."""


class Takeaway:
    """The events of the tab Downloads, and of opening what it made."""

    def __init__(self, handlers: Handlers, meshing: Meshing):
        self.handlers = handlers
        self.engine = handlers.engine
        self.meshing = meshing

    def files(self, key: str | None, resolution: object, colours: object) -> tuple[list[str], str]:
        """Paths of everything there is to keep, in the visitor's colours, and how to make it again."""
        run = self.handlers.run(key, fitted=True)
        fit = self.handlers.coloured(run, colours)
        with stage("pack", run=run.number):
            paths, kept = self.packed(run, fit, resolution)
        return paths, words.repeat(repeat(kept), key)

    def packed(self, run: Run, fit: Fit, resolution: object) -> tuple[list[str], SessionArchive]:
        """Paths of the ZIP and the films, and what is in the ZIP."""
        camera, name = self.engine.camera(fit.pose), fit.category
        meshes = mesh_files(self.meshing.surface(run, fit, resolution), camera)
        surface = self.meshing.texturing.surface(run, fit, resolution)
        if surface is not None:
            names = self.engine.category.palette_names
            meshes |= textured_files(surface, camera, names, TEXTURED_IN_ZIP)
        frames = self.frames(run, fit, surface)
        films = {"orbit.mp4": mp4_bytes(frames), "orbit.gif": gif_bytes(frames)}
        kept = replace(self.kept(run, fit), layers=self.meshing.texturing.look(run, resolution).data)
        whole = write_archive(kept, run.target, self.engine.category, self.record(run), films | meshes)
        contents = {f"{name}.zip": whole} | {f"{name}-{film}": data for film, data in films.items()}
        return [written(run.folder / file, data) for file, data in contents.items()], kept

    def frames(
        self, run: Run, fit: Fit, surface: Appearance | None
    ) -> UInt8[ndarray, "frame height width 3"]:
        """The turning object on paper: its surface where there is one, else the views."""
        for _ in self.handlers.views(run):
            pass
        palette = self.engine.palette(fit.code)[0]
        parts = [unpacked(part, len(palette), VIEW_SIDE, VIEW_SIDE) for part in run.views]
        weights = torch.cat(parts)
        if surface is not None:
            return textured_frames(surface, fit.pose, len(weights))
        return to_uint8(weights @ palette + (1 - weights.sum(-1, keepdim=True)) * PAPER_WHITE)

    def kept(self, run: Run, fit: Fit) -> SessionArchive:
        """The run as it is packed; the fit's palette is the visitor's."""
        if run.origin is not run.guess:
            # Adam counts from where the descent began, and the ZIP only has the first guess.
            steps = tuple(replace(step, momentum=None) for step in run.fit.trajectory)
            fit = replace(fit, trajectory=steps)
        return SessionArchive(
            photo=run.upload,
            mask=run.mask,
            margin=run.margin,
            segmenter=run.segmenter,
            guess=run.guess,
            fit=replace(fit, code=run.fit.code),
            metrics=run.metrics,
            views=run.views,
            view_size=VIEW_SIDE,
            palette=None if fit.code is run.fit.code else fit.code.palette[0],
        )

    def record(self, run: Run) -> dict:
        """run.json: what made these files."""
        verdict = self.handlers.verdict(run)
        return fit_record(
            self.engine,
            run.fit,
            segmenter=run.segmenter,
            metrics=run.metrics,
            outcome=run.guess.outcome[0],
            notes={
                "verdict": verdict and verdict.record(),
                "photo_detail": self.meshing.texturing.detail(run),
            },
        )

    def reopen(self, file: dict | None, key: str | None, request: gr.Request) -> Iterator[tuple]:
        """A ZIP of ours, brought back: the key of the new run, the cut-out, the timeline."""
        if not file:
            return
        path = Path(file["path"])
        try:
            # Where it refuses, what was there stays there.
            fresh = self.fresh(path, request.session_hash or "")
        finally:
            self.handlers.runs.release((path,))
        self.handlers.runs.close(key)
        with self.handlers.runs.unless_left(fresh):
            yield fresh, *self.shown(fresh)

    @in_words()
    def fresh(self, path: Path, session: str) -> str:
        """The key of a new run that continues the one in a file; what is wrong with the file is told in words."""
        if path.stat().st_size > LARGEST_ZIP:
            refuse(words.ZIP_TOO_LARGE)
        try:
            return self.opened(path.read_bytes(), session)
        except (ArchiveError, PhotoError) as problem:
            refuse(str(problem))

    def opened(self, data: bytes, session: str) -> str:
        """The key of a new run that continues the one in a ZIP. Raises ArchiveError and PhotoError."""
        return self.handlers.runs.open(session, **self.read(data))

    def read(self, data: bytes) -> dict[str, Any]:
        """The fields of a `Run`, from a ZIP. Raises ArchiveError and PhotoError."""
        engine = self.engine
        kept = read_archive(data, engine.category, engine.generator, engine.weights_hash)
        photo = read_photo(kept.photo)
        if kept.mask.shape != photo.rgb.shape[:2]:
            raise ArchiveError(words.ZIP_OF_ANOTHER_PHOTO)
        cutout = engine.cut(photo, kept.mask, kept.margin)
        steps = tuple(at_rest(step) for step in kept.fit.trajectory)
        fit = replace(kept.fit, trajectory=steps)
        if kept.palette is not None:
            fit = replace(fit, code=replace(fit.code, palette=kept.palette[None]))
        return {
            "photo": photo,
            "upload": kept.photo,
            "automatic": kept.mask,
            "mask": kept.mask,
            "margin": kept.margin,
            "cutout": cutout,
            "segmenter": kept.segmenter,
            "guess": kept.guess,
            "fit": fit,
            "target": cutout,
            "target_mask": kept.mask,
            "look": look_of(kept, cutout),
            "origin": kept.guess,
            "config": preset(steps[-1].index),
            "metrics": kept.metrics,
            # Of another size they are made anew.
            "views": kept.views if kept.view_size == VIEW_SIDE else (),
        }

    def shown(self, key: str) -> tuple[dict, dict]:
        """What the cut-out and the timeline show of a run that is done."""
        run = self.handlers.run(key, fitted=True)
        return shown(key, run), timeline.whole(key, run, self.engine.category)


def look_of(kept: SessionArchive, target: Cutout) -> Look | None:
    """The surface with the photo's detail, where the ZIP has one."""
    if kept.layers is None:
        return None
    size = texture_size(kept.layers)
    return Look(kept.fit.code.w, kept.fit.pose.quaternion, target, size, kept.layers, 0.0)


def written(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    return str(path)
