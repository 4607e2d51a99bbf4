"""Handle the events of the cut-out: check the mask that was painted in the browser, and cut the object out
again.
"""

import gradio as gr

from spir.app import text
from spir.app.context import AppContext
from spir.app.errors import refuse, refuse_on_error
from spir.app.widgets.cutout import widget as cutout
from spir.app.widgets.cutout.masks import merged, read_mask_uri, reduced, small_size
from spir.errors import PhotoError
from spir.photo import PREFERENCES
from spir.session import actions
from spir.session.session import Session
from spir.validation import checked_number


class CutoutHandlers:
    """This class handles the events of the cut-out widget."""

    def __init__(self, context: AppContext):
        self.context = context

    @refuse_on_error()
    def paint(self, key: str | None, value: object) -> dict:
        """Take the painted mask and the margin, and return the new cut-out for the widget.

        Where no object is left, the session stays unchanged; an existing result stays in any case. A payload
        that is no mask of this photo is refused."""
        key = self.context.key(key)
        context, session = self.context, self.context.session(key)
        if not isinstance(value, dict):
            refuse(text.BAD_MASK)
        if value.get("run") != key:
            # This was painted on an earlier photo, which was replaced meanwhile.
            return gr.skip()
        revision = value.get("revision")
        revision = revision if type(revision) is int else 0
        if "by" in value:
            return self.segment_again(key, session, value["by"], revision)
        automatic = session.segmentation.mask
        try:
            painted = read_mask_uri(value.get("mask"), small_size(*session.mask.shape))
            margin = checked_number(value.get("margin"), 0, cutout.MOST_MARGIN)
        except ValueError:
            refuse(text.BAD_MASK)
        mask = merged(painted, session.mask, automatic)
        edited = bool((painted != reduced(automatic)).any())
        try:
            changed = actions.paint(context.engine, session, mask, margin, edited)
        except PhotoError as problem:
            return cutout.kept(key, str(problem), revision)
        context.store.commit(key, session, changed)
        return cutout.recut(key, changed, context.engine.category.kind, revision)

    def segment_again(self, key: str, session: Session, segmenter: object, revision: int) -> dict:
        """Find the object again with the requested segmenter; painted changes are lost."""
        if segmenter not in PREFERENCES:
            refuse(text.BAD_MASK)
        try:
            changed = actions.segment(self.context.engine, session, segmenter)
        except PhotoError as problem:
            return cutout.kept(key, str(problem), revision)
        self.context.store.commit(key, session, changed)
        return cutout.payload(key, changed, self.context.engine.category.kind, segmenter)
