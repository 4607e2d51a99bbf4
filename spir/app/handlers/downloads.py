"""Handle the events of the tab Downloads and of reopening a ZIP: a whole session in one ZIP, and films."""

from collections.abc import Iterator
from pathlib import Path

import gradio as gr
import torch
from jaxtyping import UInt8
from numpy import ndarray

from spir.app import text
from spir.app.context import PAPER_WHITE, AppContext, write_file
from spir.app.errors import refuse, refuse_on_error, stage
from spir.app.handlers.mesh import MeshHandlers
from spir.app.widgets.cutout import widget as cutout
from spir.app.widgets.timeline import widget as timeline
from spir.errors import ArchiveError, PhotoError
from spir.outputs.attention_maps import decode_attention
from spir.outputs.files import mesh_files, textured_files, textured_frames
from spir.outputs.views import VIEW_SIDE, gif_bytes, mp4_bytes, to_uint8
from spir.session import surfaces
from spir.session.archive.convert import from_archive, to_archive
from spir.session.archive.reader import read_archive
from spir.session.archive.writer import repeat_command, write_archive
from spir.session.record import run_record
from spir.session.session import Session, require
from spir.session.verdict import verdict
from spir.types import Appearance

TEXTURED_IN_ZIP = ("textured.glb", "materials.glb")
LARGEST_ZIP = 64 * 2**20
"""The largest upload that is opened as a ZIP, in bytes."""


class DownloadHandlers:
    """This class handles the events of the tab Downloads."""

    def __init__(self, context: AppContext, meshes: MeshHandlers):
        self.context = context
        self.meshes = meshes

    def files(self, key: str | None, resolution: int | float, colours: object) -> tuple[list[str], str]:
        """Make all files of a session in the visitor's colours; returns their paths and how to repeat the
        run."""
        key = self.context.key(key)
        session = self.context.with_colours(self.context.fitted(key), colours)
        with stage("pack", run=self.context.slot(key).log_id):
            return self.packed(key, session, resolution)

    def packed(self, key: str, session: Session, resolution: int | float) -> tuple[list[str], str]:
        """Return the paths of the ZIP and the films, and the command that repeats the run."""
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
        paths = [write_file(slot, file, data) for file, data in contents.items()]
        return paths, text.repeat(repeat_command(kept), key)

    def frames(self, session: Session, surface: Appearance | None) -> UInt8[ndarray, "frame height width 3"]:
        """Return the frames of the turning object on white: its textured surface where there is one,
        otherwise the views."""
        palette = self.context.engine.palette(session.fit.code)[0]
        weights = torch.cat(
            [
                decode_attention(part, len(palette), VIEW_SIDE, VIEW_SIDE)
                for part in require(session.turntable).parts
            ]
        )
        if surface is not None:
            return textured_frames(surface, session.fit.pose, len(weights))
        return to_uint8(weights @ palette + (1 - weights.sum(-1, keepdim=True)) * PAPER_WHITE)

    def record(self, session: Session) -> dict:
        """Return the content of run.json: how these files were made."""
        engine = self.context.engine
        found = verdict(engine.category, session)
        notes = {"verdict": found and found.record(), "photo_detail": surfaces.detail(engine, session)}
        return run_record(engine, session, notes)

    def reopen(self, file: dict | None, key: str | None, request: gr.Request) -> Iterator[tuple]:
        """Restore a session from one of our ZIPs; yields the key of the new session and the values of cut-out
        and timeline."""
        if not file:
            return
        path, store = Path(file["path"]), self.context.store
        try:
            # Where the file is refused, the earlier session stays.
            fresh = self.open_upload(path, request.session_hash or "")
        finally:
            store.release((path,))
        store.close(key)
        with store.close_on_disconnect(fresh):
            yield fresh, *self.widget_values(fresh)

    @refuse_on_error()
    def open_upload(self, path: Path, visitor: str) -> str:
        """Open a new session from an uploaded file; returns its key, and refuses a file that cannot be
        restored."""
        if path.stat().st_size > LARGEST_ZIP:
            refuse(text.ZIP_TOO_LARGE)
        try:
            return self.opened(path.read_bytes(), visitor)
        except (ArchiveError, PhotoError) as problem:
            refuse(str(problem))

    def opened(self, data: bytes, visitor: str) -> str:
        """Open a new session from the bytes of a ZIP; returns its key. Raises ArchiveError and PhotoError."""
        return self.context.store.open(visitor, self.read(data))

    def read(self, data: bytes) -> Session:
        """Return the session in a ZIP. Raises ArchiveError and PhotoError."""
        engine = self.context.engine
        kept = read_archive(data, engine.category, engine.generator, engine.weights_hash)
        return from_archive(engine, kept)

    def widget_values(self, key: str) -> tuple[dict, dict]:
        """Return the values of cut-out and timeline for a session with a result."""
        session, category = self.context.fitted(key), self.context.engine.category
        return cutout.payload(key, session, category.kind), timeline.complete(key, session, category)
