"""Handle the events of a finished result: its colours, the verdict, and the views all round it."""

from collections.abc import Iterator

import gradio as gr

from spir.app import text
from spir.app.context import AppContext
from spir.app.errors import stage
from spir.app.widgets.orbit import widget as orbit
from spir.app.widgets.swatches import widget as swatches
from spir.app.widgets.verdict import widget as verdict_widget
from spir.session import surfaces
from spir.session.session import Session, require
from spir.session.verdict import Verdict, verdict


class ResultHandlers:
    """This class handles the events that follow every result."""

    def __init__(self, context: AppContext):
        self.context = context

    def turn(self, key: str | None) -> Iterator[tuple]:
        """Show the colours and the verdict of the fit in use, then the views all round it as they are
        rendered."""
        key = self.context.key(key)
        session = self.context.fitted(key)
        palette = self.context.engine.palette(session.fit.code)[0]
        colours = swatches.payload(key, palette, self.context.colour_names(len(palette)))
        found = self.verdict(session)
        judged = verdict_widget.payload(found) if found else verdict_widget.empty(text.MIXED_IN_USE)
        for views in self.around(key):
            yield views, colours, judged
            colours = judged = gr.skip()

    def around(self, key: str | None) -> Iterator[dict]:
        """Show the views all round the fit in use as they are rendered."""
        key = self.context.key(key)
        session = self.context.fitted(key)
        yield orbit.cleared(key, len(self.context.engine.palette(session.fit.code)[0]))
        for views in self.views(key, session):
            yield orbit.more(key, views)

    def views(self, key: str, session: Session) -> Iterator[tuple[bytes, ...]]:
        """Yield packed views all round the object in use, a few at a time; they are rendered only once per
        fit."""
        slot, sent = self.context.slot(key), 0
        with stage("turn", run=slot.log_id):
            for state in surfaces.turn(self.context.engine, session):
                if slot.dropped or slot.session.result is not session.result:
                    return
                parts = require(state.turntable).parts
                if parts[sent:]:
                    yield parts[sent:]
                sent = len(parts)
            self.context.store.commit(key, session, state)

    def verdict(self, session: Session) -> Verdict | None:
        """Return the verdict on the fit in use; None where it was mixed and need not look like the photo."""
        return verdict(self.context.engine.category, session)
