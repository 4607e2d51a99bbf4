"""From nouns to what the page shows: the visitor's photo and run, and what every other room of events asks for.

A handler starts from the run that the page's key names, and answers with the values of its outputs.
Whatever fails ends in words: a PhotoError's own, or one of `words`.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
import torch

from spir.app import text as words
from spir.app.errors import refuse
from spir.app.runtime_estimate import Pace
from spir.app.server.gpu import on_gpu
from spir.app.server.logging import in_words, stage
from spir.app.sessions import ForgottenError, Run, Runs
from spir.app.widgets.cutout import widget as cutting
from spir.app.widgets.orbit import widget as orbit
from spir.app.widgets.swatches import widget as swatches
from spir.app.widgets.timeline import widget as timeline
from spir.app.widgets.verdict import widget as gauge
from spir.outputs.attention_maps import packed
from spir.photo import PhotoError, read_photo
from spir.photo.cutout import MARGIN
from spir.pipeline import PRESET_STEPS, Reconstructor
from spir.session.verdict import Verdict, judge
from spir.types import Fit, Photo

PAPER_WHITE = 1.0


class Handlers:
    """The page's events over one engine and its visitors' runs."""

    def __init__(self, engine: Reconstructor, runs: Runs | None = None):
        self.engine = engine
        self.runs = runs or Runs()
        self.pace = Pace.rough(engine.device)
        self.turn_on_gpu = on_gpu(engine.turning, lambda fit: 20)
        self.mesh_on_gpu = on_gpu(engine.mesh, lambda fit, resolution: 20)
        self.appearance_on_gpu = on_gpu(engine.appearance, lambda *_: 60)
        self.render_on_gpu = on_gpu(engine.render, lambda fit, size=128: 10)

    def run(self, key: str | None, fitted: bool = False) -> Run:
        """The page's run, which must have a result where `fitted`; otherwise the visitor is told why not."""
        if key is None:
            refuse(words.NO_PHOTO)
        try:
            run = self.runs.get(key)
        except ForgottenError:
            refuse(words.FORGOTTEN)
        if fitted and run.fit is None:
            refuse(words.NO_RESULT)
        return run

    def times(self, steps: int | float) -> tuple[str, str]:
        """Where it runs and how long that many steps take; what the button of the comparison says."""
        engine, pace, steps = self.engine, self.pace, int(steps)
        took = pace.seconds(steps), pace.measured
        return (
            words.machine(engine.device, steps, *took, engine.loss_backend),
            words.race_takes(pace.seconds(max(PRESET_STEPS))),
        )

    def segment(self, file: dict | None, key: str | None, request: gr.Request) -> Iterator[tuple]:
        """Cut the object out of a new photo.

        Returns the key of the new run, then the values of cut-out and timeline; what was there of an earlier
        photo is forgotten."""
        self.runs.close(key)
        if not file:
            yield None, cutting.nothing(), timeline.cleared("", words.EMPTY)
            return
        yield None, cutting.nothing(words.CUTTING), timeline.cleared("", words.CUTTING)
        try:
            key = self.opened(Path(file["path"]), request.session_hash or "")
        except PhotoError as problem:
            # First into the panel, where it stays; the toast goes by.
            reason = str(problem)
            yield None, cutting.rejected(reason), timeline.cleared("", words.NO_PHOTO)
            refuse(reason)
        run = self.runs.get(key)
        with self.runs.unless_left(key):
            yield key, cutting.shown(key, run), timeline.cleared(key, words.ready(run.remark))

    @in_words()
    def opened(self, file: Path, session: str, segmenter: str | None = None) -> str:
        """The key of a new run of a photo that was sent, its object cut out; the file goes when the run does.

        Raises PhotoError, and then keeps nothing."""
        try:
            return self.cut(file, session, segmenter)
        except PhotoError:
            self.runs.release((file,))
            raise

    def cut(self, file: Path, session: str, segmenter: str | None = None) -> str:
        """The same, whatever becomes of the file."""
        upload = file.read_bytes()
        photo = read_photo(upload)
        found = self.looked(photo, MARGIN, segmenter)
        return self.runs.open(session, photo=photo, upload=upload, margin=MARGIN, sent=(file,), **found)

    def looked(self, photo: Photo, margin: float, segmenter: str | None = None) -> dict[str, Any]:
        """What a run knows of a photo whose object was looked for, by the segmenter asked for. Raises PhotoError."""
        with stage("cut out") as facts:
            found = self.engine.find(photo, segmenter)
            facts |= {"segmenter": found.segmenter, "kind": found.kind}
        mask, name = found.mask, found.segmenter
        try:
            cutout = self.engine.cut(photo, mask, margin)
        except PhotoError:
            # Nothing was found: the brush needs something to begin with.
            mask, name = torch.ones_like(mask), words.NOTHING_FOUND
            cutout = self.engine.cut(photo, mask, margin)
        remark = words.remark(self.engine.category.kind, found.kinds is not None, found.kind, found.others)
        return {
            "automatic": found.mask,
            "mask": mask,
            "cutout": cutout,
            "segmenter": name,
            "kind": found.kind,
            "remark": remark,
        }

    def turn(self, key: str | None) -> Iterator[tuple]:
        """The colours and the verdict of the fit in use, then the views all round it, as they come."""
        run = self.run(key, fitted=True)
        palette = self.engine.palette(run.fit.code)[0]
        colours = swatches.found(key, palette, self.colour_names(len(palette)))
        judged = self.verdict(run)
        verdict = gauge.told(judged) if judged else gauge.nothing(words.MIXED_IN_USE)
        for around in self.around(key):
            yield around, colours, verdict
            colours = verdict = gr.skip()

    def around(self, key: str | None) -> Iterator[dict]:
        """The views all round the fit in use, as they come."""
        run = self.run(key, fitted=True)
        yield orbit.cleared(key, len(self.engine.palette(run.fit.code)[0]))
        for views in self.views(run):
            yield orbit.more(key, views)

    def views(self, run: Run) -> Iterator[tuple[bytes, ...]]:
        """The object in use all round, packed, a few views at a time; rendered only once a fit."""
        if run.views:
            yield run.views
            return
        fit, views = run.fit, ()
        with stage("turn", run=run.number):
            for part in self.turn_on_gpu(fit):
                if run.dropped or run.fit is not fit:
                    return
                views += (packed(part),)
                yield views[-1:]
            run.views = views

    def colour_names(self, count: int) -> list[str]:
        """Of the entries of the palette; those that training did not name get a number."""
        names = self.engine.category.palette_names
        return [names[i] if i < len(names) else f"colour {i + 1}" for i in range(count)]

    def verdict(self, run: Run) -> Verdict | None:
        """Whether to trust the fit in use; none where it was mixed, and is not meant to look like the photo."""
        if run.step is None:
            return None
        height, width = run.photo.rgb.shape[:2]
        return judge(run.target, run.guess, run.fit, (height, width), self.engine.category)

    def coloured(self, run: Run, value: object) -> Fit:
        """The fit in use, in the colours that the visitor chose."""
        if not value or (isinstance(value, dict) and not value.get("colours")):
            return run.fit
        found = self.engine.palette(run.fit.code)[0]
        try:
            palette = swatches.chosen(value, found)
        except ValueError:
            refuse(words.BAD_COLOUR)
        if palette.equal(found):
            return run.fit
        return replace(run.fit, code=replace(run.fit.code, palette=palette[None]))

    def leave(self, request: gr.Request) -> None:
        """The tab was closed."""
        self.runs.close_session(request.session_hash or "")
