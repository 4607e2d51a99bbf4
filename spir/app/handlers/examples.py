"""Handle the events of the examples: the page opens with one, and a click opens another at once."""

import json
from collections.abc import Iterator
from functools import cached_property
from typing import Any

import gradio as gr

from spir.app import text
from spir.app.errors import refuse
from spir.app.handlers.downloads import DownloadHandlers
from spir.app.widgets.cutout import widget as cutout
from spir.app.widgets.examples import widget as examples
from spir.app.widgets.orbit import widget as orbit
from spir.app.widgets.swatches import widget as swatches
from spir.app.widgets.timeline import widget as timeline
from spir.app.widgets.verdict import widget as verdict_widget
from spir.errors import ArchiveError
from spir.outputs.attention_maps import first_view
from spir.outputs.views import VIEW_SIDE
from spir.session.session import Session, require
from spir.session.verdict import verdict

FIRST = "first"
"""The session key under which the page shows its first example until the visitor has a session."""


class ExampleHandlers:
    """This class has the examples for these weights, and handles their events."""

    def __init__(self, downloads: DownloadHandlers):
        self.downloads = downloads
        self.context = downloads.context

    @cached_property
    def index(self) -> dict[str, dict]:
        """The title, the alternative text and the failure of each example, by name."""
        index = examples.FOLDER / "index.json"
        rows = json.loads(index.read_text(encoding="utf-8")) if index.is_file() else []
        return {row["name"]: row for row in rows}

    def strip(self, **options) -> gr.HTML:
        """Build the examples widget, which is empty where the first example cannot be shown."""
        return examples.build(list(self.index.values()) if self.first else [], **options)

    def open(self, value: object, key: str | None, request: gr.Request) -> Iterator[tuple]:
        """Show the example that was clicked; yields the key of a new session and the values of cut-out and
        timeline."""
        name = value.get("chosen") if isinstance(value, dict) else None
        if not isinstance(name, str) or name not in self.index:
            refuse(text.NO_EXAMPLE)
        fresh, store = self.opened(name, request.session_hash or ""), self.context.store
        store.close(key)
        with store.close_on_disconnect(fresh):
            yield fresh, *self.downloads.widget_values(fresh)

    def opened(self, name: str, visitor: str) -> str:
        """Open a new session of an example for a visitor; returns its key."""
        try:
            return self.downloads.opened(self.data(name), visitor)
        except ArchiveError as problem:
            # The examples were made with other weights.
            refuse(str(problem))

    def data(self, name: str) -> bytes:
        """Return the bytes of an example's ZIP."""
        return (examples.FOLDER / f"{name}.zip").read_bytes()

    @cached_property
    def first(self) -> Session | None:
        """The session with which the page opens; None where there is no example for these weights."""
        if not self.index:
            return None
        try:
            return self.downloads.read(self.data(next(iter(self.index))))
        except ArchiveError:
            return None

    def initial_values(self) -> dict[str, Any]:
        """Return the first values of the page's widgets by name; empty where there is no example.

        Of the views only the one from the photo's side is included; the others are sent when a visitor turns
        the object."""
        session = self.first
        if session is None:
            return {}
        engine = self.context.engine
        palette = engine.palette(session.fit.code)[0]
        view = first_view(require(session.turntable).parts[0], VIEW_SIDE)
        return {
            "cutout": cutout.payload(FIRST, session, engine.category.kind),
            "timeline": timeline.complete(FIRST, session, engine.category),
            "orbit": orbit.poster(FIRST, len(palette), view),
            "swatches": swatches.payload(FIRST, palette, self.context.colour_names(len(palette))),
            "verdict": verdict_widget.payload(require(verdict(engine.category, session))),
        }

    def open_first_example(self, steps: int | float, request: gr.Request) -> tuple:
        """Open the visitor's own session of the first example. Returns its key, the value of the examples
        widget, which passes the key to the other widgets, and the expected run times."""
        times = self.context.runtime_lines(steps)
        if self.first is None:
            return None, gr.skip(), *times
        key = self.context.store.open(request.session_hash or "", self.first)
        return key, {"renamed": {"from": FIRST, "to": key}}, *times
