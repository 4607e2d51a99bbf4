"""The visitor's hand in the cut-out: what was painted in the browser, checked, and cut out anew."""

import gradio as gr

from spir.app import text as words
from spir.app.errors import refuse
from spir.app.handlers.base import Handlers
from spir.app.server.logging import in_words
from spir.app.sessions import Run
from spir.app.widgets.cutout import widget as cutting
from spir.app.widgets.cutout.masks import merged, read_mask_uri, reduced, small_size
from spir.photo import PREFERENCES, PhotoError
from spir.validation import number


class Brush:
    """The events of the cut-out over the page's handlers."""

    def __init__(self, handlers: Handlers):
        self.handlers = handlers

    @in_words()
    def paint(self, key: str | None, value: object) -> dict:
        """The mask and the framing of the panel's value into the run, and the new cut-out into the panel.

        Where nothing is left to cut out, the run keeps what it had. A result that the run already has is left
        alone. Refuses in words what is no mask of this photo."""
        run = self.handlers.run(key)
        if not isinstance(value, dict):
            refuse(words.BAD_MASK)
        if value.get("run") != key:
            # Painted on the photo before this one, and overtaken by it.
            return gr.skip()
        revision = value.get("revision")
        revision = revision if type(revision) is int else 0
        if "by" in value:
            return self.again(key, run, value["by"], revision)
        try:
            painted = read_mask_uri(value.get("mask"), small_size(*run.mask.shape))
            margin = number(value.get("margin"), 0, cutting.MOST_MARGIN)
        except ValueError:
            refuse(words.BAD_MASK)
        mask = merged(painted, run.mask, run.automatic)
        try:
            cutout = self.handlers.engine.cut(run.photo, mask, margin)
        except PhotoError as problem:
            return cutting.kept(key, str(problem), revision)
        run.mask, run.margin, run.cutout = mask, margin, cutout
        by_hand = (painted != reduced(run.automatic)).any()
        segmenter = run.segmenter.removesuffix(words.AND_BRUSH)
        run.segmenter = segmenter + (words.AND_BRUSH if by_hand else "")
        return cutting.repainted(key, run, revision)

    def again(self, key: str, run: Run, segmenter: object, revision: int) -> dict:
        """The object looked for anew, by the segmenter asked for; what was painted goes."""
        if segmenter not in PREFERENCES:
            refuse(words.BAD_MASK)
        try:
            found = self.handlers.looked(run.photo, run.margin, segmenter)
        except PhotoError as problem:
            return cutting.kept(key, str(problem), revision)
        vars(run).update(found)
        return cutting.shown(key, run, segmenter)
