"""The events of the tab Downloads, and of opening what it made: everything of a session in one ZIP, and films."""

from collections.abc import Iterator
from pathlib import Path

import gradio as gr
import torch
from jaxtyping import UInt8
from numpy import ndarray

from spir.app import text
from spir.app.context import PAPER_WHITE, AppContext, written
from spir.app.errors import refuse, refusing_failures, stage
from spir.app.handlers.mesh import MeshHandlers
from spir.app.widgets.cutout import widget as cutout
from spir.app.widgets.timeline import widget as timeline
from spir.errors import ArchiveError, PhotoError
from spir.outputs.attention_maps import unpacked
from spir.outputs.files import mesh_files, textured_files, textured_frames
from spir.outputs.views import VIEW_SIDE, gif_bytes, mp4_bytes, to_uint8
from spir.session import surfaces
from spir.session.archive.convert import from_archive, to_archive
from spir.session.archive.reader import read_archive
from spir.session.archive.writer import repeat, write_archive
from spir.session.record import run_record
from spir.session.session import Session
from spir.session.verdict import verdict
from spir.types import Appearance

TEXTURED_IN_ZIP = ("textured.glb", "materials.glb")
LARGEST_ZIP = 64 * 2**20
"""Bytes of the largest ZIP that is opened at all."""


class DownloadHandlers:
    """The events of the tab Downloads."""

    def __init__(self, context: AppContext, meshes: MeshHandlers):
        self.context = context
        self.meshes = meshes

    def files(self, key: str | None, resolution: object, colours: object) -> tuple[list[str], str]:
        """Make everything there is to keep, in the visitor's colours; returns the paths and how to make it again."""
        session = self.context.coloured(self.context.fitted(key), colours)
        with stage("pack", run=self.context.slot(key).number):
            return self.packed(key, session, resolution)

    def packed(self, key: str, session: Session, resolution: object) -> tuple[list[str], str]:
        """Paths of the ZIP and the films, and the command that makes the run again."""
        engine, slot = self.context.engine, self.context.slot(key)
        camera, name, base = engine.camera(session.fit.pose), session.category, session
        session, mesh = self.meshes.plain(key, session, resolution)
        meshes = mesh_files(mesh, camera)
        session, surface = self.meshes.textured(key, session, resolution)
        if surface is not None:
            meshes |= textured_files(surface, camera, engine.category.palette_names, TEXTURED_IN_ZIP)
        *_, session = surfaces.turn(engine, session)
        self.context.store.commit(key, base, session)
        frames = self.frames(session, surface)
        films = {"orbit.mp4": mp4_bytes(frames), "orbit.gif": gif_bytes(frames)}
        kept = to_archive(session)
        data = write_archive(
            kept, session.fitted_cutout, engine.category, self.record(session), films | meshes
        )
        contents = {f"{name}.zip": data} | {f"{name}-{film}": data for film, data in films.items()}
        paths = [written(slot, file, data) for file, data in contents.items()]
        return paths, text.repeat(repeat(kept), key)

    def frames(self, session: Session, surface: Appearance | None) -> UInt8[ndarray, "frame height width 3"]:
        """The turning object on paper: its surface where there is one, else the views."""
        palette = self.context.engine.palette(session.fit.code)[0]
        weights = torch.cat(
            [unpacked(part, len(palette), VIEW_SIDE, VIEW_SIDE) for part in session.turntable.parts]
        )
        if surface is not None:
            return textured_frames(surface, session.fit.pose, len(weights))
        return to_uint8(weights @ palette + (1 - weights.sum(-1, keepdim=True)) * PAPER_WHITE)

    def record(self, session: Session) -> dict:
        """What run.json says: how these files were made."""
        engine = self.context.engine
        found = verdict(engine.category, session)
        notes = {"verdict": found and found.record(), "photo_detail": surfaces.detail(engine, session)}
        return run_record(engine, session, notes)

    def reopen(self, file: dict | None, key: str | None, request: gr.Request) -> Iterator[tuple]:
        """Bring a ZIP of ours back; yields the key of the new session, the cut-out and the timeline."""
        if not file:
            return
        path, store = Path(file["path"]), self.context.store
        try:
            # Where it refuses, what was there stays there.
            fresh = self.fresh(path, request.session_hash or "")
        finally:
            store.release((path,))
        store.close(key)
        with store.unless_left(fresh):
            yield fresh, *self.shown(fresh)

    @refusing_failures()
    def fresh(self, path: Path, visitor: str) -> str:
        """The key of a new session that continues the one in a file; what is wrong with the file is told."""
        if path.stat().st_size > LARGEST_ZIP:
            refuse(text.ZIP_TOO_LARGE)
        try:
            return self.opened(path.read_bytes(), visitor)
        except (ArchiveError, PhotoError) as problem:
            refuse(str(problem))

    def opened(self, data: bytes, visitor: str) -> str:
        """The key of a new session that continues the one in a ZIP. Raises ArchiveError and PhotoError."""
        return self.context.store.open(visitor, self.read(data))

    def read(self, data: bytes) -> Session:
        """The session in a ZIP. Raises ArchiveError and PhotoError."""
        engine = self.context.engine
        kept = read_archive(data, engine.category, engine.generator, engine.weights_hash)
        return from_archive(engine, kept)

    def shown(self, key: str) -> tuple[dict, dict]:
        """The values of cut-out and timeline for a session that is done."""
        session, category = self.context.fitted(key), self.context.engine.category
        return cutout.payload(key, session, category.kind), timeline.complete(key, session, category)
