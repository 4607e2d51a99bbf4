"""Runs made beforehand, of pictures made by us: the page opens with one, and a click brings another, at once."""

import json
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import gradio as gr

from spir.app import text as words
from spir.app.data_uris import data_uri
from spir.app.errors import refuse
from spir.app.handlers.downloads import Takeaway
from spir.app.sessions import Run
from spir.app.theme import ASSETS, script
from spir.app.widgets.cutout import widget as cutting
from spir.app.widgets.orbit import widget as orbit
from spir.app.widgets.swatches import widget as swatches
from spir.app.widgets.timeline import widget as timeline
from spir.app.widgets.verdict import widget as gauge
from spir.outputs.attention_maps import first_view
from spir.session.archive.reader import ArchiveError

FOLDER = ASSETS / "examples"
"""One ZIP and one thumbnail each, and index.json: see `spir.evaluate.examples.make`."""
FIRST = "first"
"""The key under which the page shows its first example until the visitor's own is told."""
TEMPLATE = """<section class="spir-examples" aria-label="Examples">
 <p class="spir-note"></p><div class="strip"></div>
 <p class="why" role="status"></p>
</section>"""


class Examples:
    """The strip of examples and its events."""

    def __init__(self, takeaway: Takeaway):
        self.takeaway = takeaway
        self.handlers = takeaway.handlers

    @cached_property
    def known(self) -> dict[str, dict]:
        """Name -> title, alt, failure."""
        index = FOLDER / "index.json"
        rows = json.loads(index.read_text(encoding="utf-8")) if index.is_file() else []
        return {row["name"]: row for row in rows}

    def strip(self, **options) -> gr.HTML:
        """Takes the new name of the first example, and gives back {"chosen": name}; the pictures are in it."""
        rows = self.known if self.first else {}
        pictures = [
            row | {"picture": data_uri((FOLDER / f"{name}.jpg").read_bytes(), "jpeg")}
            for name, row in rows.items()
        ]
        return gr.HTML(
            value={"examples": pictures, "note": words.EXAMPLES if pictures else ""},
            html_template=TEMPLATE,
            js_on_load=script("examples/widget.js"),
            min_height=120 if pictures else 0,
            **options,
        )

    def open(self, value: object, key: str | None, request: gr.Request) -> Iterator[tuple]:
        """The example that was clicked: key, cut-out, timeline."""
        name = value.get("chosen") if isinstance(value, dict) else None
        if not isinstance(name, str) or name not in self.known:
            refuse(words.NO_EXAMPLE)
        fresh = self.opened(name, request.session_hash or "")
        self.handlers.runs.close(key)
        with self.handlers.runs.unless_left(fresh):
            yield fresh, *self.takeaway.shown(fresh)

    def opened(self, name: str, session: str) -> str:
        """The key of a visitor's own run of an example."""
        try:
            return self.takeaway.opened((FOLDER / f"{name}.zip").read_bytes(), session)
        except ArchiveError as problem:
            # Other weights than the examples were made with.
            refuse(str(problem))

    @cached_property
    def first(self) -> dict[str, Any] | None:
        """The run that the page opens with, as fields; none where there is no example for these weights."""
        if not self.known:
            return None
        try:
            return self.takeaway.read((FOLDER / f"{next(iter(self.known))}.zip").read_bytes())
        except ArchiveError:
            return None

    def painted(self) -> dict[str, Any]:
        """Piece -> its value on the page that nobody has touched; empty where there is no example.

        Of the views only the photo's side; the others come when somebody turns it."""
        if self.first is None:
            return {}
        # Nobody's, and without files.
        run = Run("", Path(), **self.first)
        palette = self.handlers.engine.palette(run.fit.code)[0]
        return {
            "cutout": cutting.shown(FIRST, run),
            "timeline": timeline.whole(FIRST, run, self.handlers.engine.category),
            "orbit": orbit.poster(FIRST, len(palette), first_view(run.views[0], orbit.VIEW_SIDE)),
            "swatches": swatches.found(FIRST, palette, self.handlers.colour_names(len(palette))),
            "verdict": gauge.told(self.handlers.verdict(run)),
        }

    def welcome(self, steps: int | float, request: gr.Request) -> tuple:
        """The key of a visitor's own run of the example that the page opened with, the same for the strip, which
        tells the pieces of the page, and the times as of now."""
        times = self.handlers.times(steps)
        if self.first is None:
            return None, gr.skip(), *times
        key = self.handlers.runs.open(request.session_hash or "", **self.first)
        return key, {"renamed": {"from": FIRST, "to": key}}, *times
