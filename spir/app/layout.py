"""Lay out the page, and connect each event with its handler."""

from collections.abc import Sequence

import gradio as gr
from gradio.components import Navbar

from spir.app import text
from spir.app.api import add_endpoints
from spir.app.context import AppContext, session_store
from spir.app.events import BUSY, CUTTING, HEAVY, LIGHT, SOON
from spir.app.handlers.cutout import CutoutHandlers
from spir.app.handlers.downloads import DownloadHandlers
from spir.app.handlers.examples import ExampleHandlers
from spir.app.handlers.mesh import MeshHandlers
from spir.app.handlers.mixing import MixingHandlers
from spir.app.handlers.photo import PhotoHandlers
from spir.app.handlers.pose import PoseHandlers
from spir.app.handlers.reconstruction import ReconstructionHandlers
from spir.app.handlers.result import ResultHandlers
from spir.app.widgets.comparison import widget as comparison
from spir.app.widgets.cutout import widget as cutout
from spir.app.widgets.mesh.tab import empty_outputs, mesh_tab
from spir.app.widgets.mixing.tab import empty_mix, mix_tab
from spir.app.widgets.orbit import widget as orbit
from spir.app.widgets.pose import widget as pose
from spir.app.widgets.swatches import widget as swatches
from spir.app.widgets.timeline import widget as timeline
from spir.app.widgets.upload.widget import photo_input
from spir.app.widgets.verdict import widget as verdict
from spir.pipeline import PRESET_STEPS, Reconstructor
from spir.session.actions import MAX_STEPS
from spir.session.store import SessionStore

DEFAULT_STEPS = 10
CACHE_SECONDS = (600, 7200)
"""The interval in seconds at which Gradio checks its copies of files, and the age in seconds at which it
deletes them."""


class Page:
    """A page has the components that several events share and the chains of events that follow every result.
    It builds itself into the current Gradio blocks."""

    def __init__(self, engine: Reconstructor, whole: gr.Blocks, store: SessionStore, public: bool = True):
        """Build the page of one engine; `public` pages also have the API endpoints."""
        self.page = whole
        self.context = AppContext(engine, store)
        self.photos = PhotoHandlers(self.context)
        self.reconstruction = ReconstructionHandlers(self.context)
        self.results = ResultHandlers(self.context)
        self.meshes = MeshHandlers(self.context)
        self.downloads = DownloadHandlers(self.context, self.meshes)
        self.examples = ExampleHandlers(self.downloads)
        self.posing = PoseHandlers(self.context)
        self.mixing = MixingHandlers(self.context)
        self.category = engine.category
        self.first = self.examples.initial_values()
        self.key = gr.State(None)
        self.head()
        with gr.Row(equal_height=False, elem_id="body"):
            with gr.Column(scale=4, min_width=300):
                self.build_inputs()
            with gr.Column(scale=10, min_width=300):
                with gr.Row(equal_height=False):
                    with gr.Column(scale=6, min_width=300):
                        self.build_progress()
                    with gr.Column(scale=4, min_width=260):
                        self.orbit = orbit.build(self.first.get("orbit"), elem_id="orbit")
                self.tabs()
        if public:
            # Before the page's own events, which have functions of the same names: the first gets the name.
            add_endpoints(self.context, self.photos, self.reconstruction, self.meshes)
        self.connect_events()

    def warm(self) -> None:
        """Do in advance what would make the first visitor wait."""
        if self.examples.first:
            self.reconstruction.warm(self.examples.first.cutout)

    def head(self) -> None:
        """Build the head of the page: what it does, what it cannot do, and where it runs."""
        intro = f"{text.does(self.category.kind)} {text.CANNOT} {self.category.terms}"
        gr.Markdown(f"# {text.TITLE}\n{intro}", min_height=100, elem_id="head")
        self.machine = gr.Markdown(self.context.runtime_lines(DEFAULT_STEPS)[0], elem_id="machine")

    def build_inputs(self) -> None:
        """Build the left column: photo, examples, cut-out, steps, and the two buttons."""
        self.photo = photo_input(text.PHOTO, text.PHOTO_ALT, "photo")
        self.strip = self.examples.strip(elem_id="examples")
        self.cut = cutout.build(
            self.first.get("cutout"), label=text.CUTOUT, show_label=True, container=True, elem_id="cutout"
        )
        self.preset = gr.Radio(
            [(str(steps), steps) for steps in PRESET_STEPS],
            value=DEFAULT_STEPS,
            label=text.STEPS,
            info=text.STEPS_INFO,
            elem_id="preset",
        )
        self.steps = gr.Slider(0, MAX_STEPS, DEFAULT_STEPS, step=1, label=text.STEPS_SLIDER, elem_id="steps")
        with gr.Row():
            self.go = gr.Button(text.RECONSTRUCT, variant="primary", elem_id="go", min_width=120)
            self.stop = gr.Button(text.STOP, variant="stop", elem_id="stop", min_width=120)
        # Gradio shows the place in the queue and the seconds over it.
        self.place = gr.Markdown("&nbsp;", min_height=28, elem_id="place")
        self.zip = gr.UploadButton(
            text.OPEN_ZIP, file_types=[".zip"], type="filepath", size="sm", elem_id="open-zip"
        )
        gr.Markdown(text.PRIVACY, elem_id="privacy")

    def build_progress(self) -> None:
        """Build the middle column: the verdict, the timeline, and what can be done with the step that is
        shown."""
        self.verdict = verdict.build(self.first.get("verdict"), elem_id="verdict")
        self.line = timeline.build(self.first.get("timeline"), elem_id="timeline")
        with gr.Row(elem_id="from-here"):
            self.use = gr.Button(text.USE_STEP, elem_id="use-step", min_width=120, size="md")
            self.proceed = gr.Button(text.PROCEED, elem_id="proceed", min_width=120, size="md")
            self.keep_pose = gr.Checkbox(False, label=text.KEEP_POSE, elem_id="keep-pose", min_width=160)

    def tabs(self) -> None:
        """Build the tabs with what can be done with a result."""
        with gr.Tabs(overflow_behavior="wrap"):
            with gr.Tab(text.TAB_RECOLOUR):
                self.colours = swatches.build(self.first.get("swatches"), elem_id="swatches")
            with gr.Tab(text.TAB_RACE):
                self.run_race = gr.Button(
                    self.context.runtime_lines(DEFAULT_STEPS)[1], elem_id="run-race", min_width=200
                )
                comparison.build(self.context.engine.loss_backend, elem_id="race")
            with gr.Tab(text.TAB_POSE) as self.pose_tab:
                self.pose = pose.tab(self.category.orthographic)
            with gr.Tab(text.TAB_MIX):
                self.mix, self.mixed = mix_tab(self.mixing, self.key, self.colours)
            with gr.Tab(text.TAB_MESH):
                self.fineness, self.meshed = mesh_tab(self.meshes, self.key, self.colours)
            with gr.Tab(text.TAB_DOWNLOADS):
                gr.Markdown(text.FILES_HINT)
                self.prepare = gr.Button(text.FILES_BUTTON, elem_id="prepare")
                self.files = gr.File(
                    label=text.FILES_LABEL, file_count="multiple", interactive=False, elem_id="files"
                )
                self.again = gr.Markdown("", elem_id="again")

    def connect_events(self) -> None:
        """Connect every event of the page except those of the tabs Mesh and Mix."""
        runs, results, key = self.reconstruction, self.results, self.key
        self.times = [self.machine, self.run_race]
        opened = [key, self.cut, self.line]
        (
            self.then_clear(self.photo.input)
            .then(self.photos.segment, [self.photo, key], opened, **CUTTING)
            .then(empty_mix, key, self.mix, **LIGHT)
        )
        # The widget sends one stroke at a time, always the newest.
        self.cut.input(
            CutoutHandlers(self.context).paint, [key, self.cut], self.cut, trigger_mode="multiple", **SOON
        )
        for piece, asked, event in (
            (self.strip, self.strip.input, self.examples.open),
            (self.zip, self.zip.upload, self.downloads.reopen),
        ):
            shown = self.then_clear(asked(event, [piece, key], opened, **CUTTING).success)
            self.then_show_result(shown.success(lambda: None, None, self.photo, **LIGHT))

        self.preset.input(None, self.preset, self.steps, js="(steps) => steps", **LIGHT)
        # A number that is no preset selects none of them; a step that exists already is shown.
        chosen = f"(n) => (spir.say('look at step', n), {list(PRESET_STEPS)}.includes(n) ? n : null)"
        self.steps.change(None, self.steps, self.preset, js=chosen, **LIGHT)
        self.steps.change(
            self.context.runtime_lines, self.steps, self.times, trigger_mode="always_last", **LIGHT
        )

        self.runs(self.go.click, runs.reconstruct, [key, self.steps])
        self.runs(self.run_race.click, runs.compare, [key])
        self.runs(self.proceed.click, runs.proceed, [key, self.line, self.steps, self.keep_pose])
        self.runs(self.pose.refit.click, runs.refit, [key, self.steps])
        self.stop.click(runs.stop, key, None, **LIGHT)
        self.then_show_result(self.use.click(runs.use, [key, self.line], self.line, **SOON))
        self.then_show_result(self.mixed.success(runs.in_use, key, self.line, **LIGHT))

        panel, sliders = self.pose.panel, self.pose.sliders
        for slider in sliders:
            slider.input(self.posing.move, [key, *sliders], panel, trigger_mode="always_last", **HEAVY)
        self.pose.back.click(self.posing.show, key, [panel, *sliders], **HEAVY)
        self.pose.show_scene.click(self.posing.scene, [key, self.colours], self.pose.scene, **HEAVY)
        self.prepare.click(
            self.downloads.files,
            [key, self.fineness, self.colours],
            [self.files, self.again],
            **BUSY,
        )
        # The visitor gets a session of the first example, under a key of their own.
        self.page.load(self.examples.open_first_example, self.steps, [key, self.strip, *self.times], **LIGHT)
        self.orbit.input(results.around, key, self.orbit, **SOON)
        self.pose_tab.select(self.posing.seen, [key, panel], [panel, *sliders], **HEAVY)
        self.page.unload(self.photos.leave)

    def runs(self, press, event, inputs: list) -> None:
        """Connect a button that starts a run."""
        shown = (
            press(self.reconstruction.wait, [self.key, self.line], self.line, **SOON)
            .success(self.empty_made, None, self.made(), **LIGHT)
            .success(
                event,
                inputs,
                self.line,
                show_progress_on=self.place,
                **BUSY,
            )
        )
        self.then_show_result(shown).then(self.context.runtime_lines, self.steps, self.times, **LIGHT)

    def then_show_result(self, shown):
        """Chain what follows every result: its colours, the verdict, the views all round, and the photo's
        camera. Returns the last event."""
        return shown.success(
            self.results.turn, self.key, [self.orbit, self.colours, self.verdict], **HEAVY
        ).success(self.posing.show, self.key, [self.pose.panel, *self.pose.sliders], **HEAVY)

    def then_clear(self, then):
        """Chain the clearing of all results of the earlier photo when another is added. Returns the event."""
        blank = orbit.empty(), swatches.empty(), verdict.empty(), pose.empty()
        pieces = [self.orbit, self.colours, self.verdict, self.pose.panel, self.mix, *self.made()]
        return then(lambda key: (*blank, empty_mix(key), *self.empty_made()), self.key, pieces, **LIGHT)

    def made(self) -> list:
        return [*self.meshed, self.files, self.again, self.pose.scene]

    @staticmethod
    def empty_made() -> tuple:
        """Return the values that clear mesh and files, which belong to an earlier result."""
        return *empty_outputs(), None, "", pose.no_scene()


def build_site(engines: Sequence[Reconstructor]) -> tuple[gr.Blocks, list[Page]]:
    """Return a page for each category, the first at the root, with one queue and a bar that links them.

    API clients call the first."""
    store, (first, *others) = session_store(), engines
    home = first.category.name
    with blocks() as whole:
        if others:
            Navbar(main_page_name=home)
        pages = [Page(first, whole, store)]
    for engine in others:
        with whole.route(engine.category.name, f"/{engine.category.name}"):
            Navbar(main_page_name=home)
            pages.append(Page(engine, whole, store, public=False))
    return whole, pages


def blocks() -> gr.Blocks:
    return gr.Blocks(title=text.TITLE, analytics_enabled=False, delete_cache=CACHE_SECONDS)


def error_page(message: str) -> gr.Blocks:
    """Return the page for a server that cannot run, for example without weights."""
    with blocks() as page:
        gr.Markdown(f"# {text.TITLE}\n{text.out_of_order(message)}", elem_id="apology")
    return page
