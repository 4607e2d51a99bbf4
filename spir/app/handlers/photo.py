"""Handle the events of the photo: it is uploaded, segmented and cut out, or the visitor leaves."""

from collections.abc import Iterator
from pathlib import Path

import gradio as gr

from spir.app import text
from spir.app.context import AppContext
from spir.app.errors import refuse, refuse_on_error, stage
from spir.app.widgets.cutout import widget as cutout
from spir.app.widgets.timeline import widget as timeline
from spir.errors import PhotoError
from spir.session import actions


class PhotoHandlers:
    """This class handles the events of the photo input and of the browser tab."""

    def __init__(self, context: AppContext):
        self.context = context

    def segment(self, file: dict | None, key: str | None, request: gr.Request) -> Iterator[tuple]:
        """Cut the object out of a new photo; yields the key of the new session and the values of cut-out and
        timeline.

        The session of an earlier photo is closed."""
        store = self.context.store
        store.close(key)
        if not file:
            yield None, cutout.empty(), timeline.cleared("", text.EMPTY)
            return
        yield None, cutout.empty(text.CUTTING), timeline.cleared("", text.CUTTING)
        try:
            key = self.open(Path(file["path"]), request.session_hash or "")
        except PhotoError as problem:
            # The panel keeps the reason; the toast disappears.
            reason = str(problem)
            yield None, cutout.rejected(reason), timeline.cleared("", text.NO_PHOTO)
            refuse(reason)
        session, kind = store.get(key), self.context.engine.category.kind
        with store.close_on_disconnect(key):
            remark = text.remark(kind, session.segmentation)
            yield key, cutout.payload(key, session, kind), timeline.cleared(key, text.ready(remark))

    @refuse_on_error()
    def open(self, file: Path, visitor: str, segmenter: str | None = None) -> str:
        """Open a session of an uploaded photo; returns its key. The file is deleted with the session.

        Raises PhotoError, and then keeps nothing."""
        store = self.context.store
        try:
            with stage("cut out") as facts:
                session = actions.open_photo(self.context.engine, file.read_bytes(), segmenter)
                facts |= {"segmenter": session.segmentation.segmenter, "kind": session.segmentation.kind}
        except PhotoError:
            store.release((file,))
            raise
        return store.open(visitor, session, (file,))

    def leave(self, request: gr.Request) -> None:
        """Close all sessions of a visitor whose tab was closed."""
        self.context.store.close_visitor(request.session_hash or "")
