"""The page: what stands where, and which event calls which handler."""

import gradio as gr

from spir.pipeline import Reconstructor
from spir.ui import orbit, preview, swatches, timeline, words
from spir.ui.handlers import MOST_STEPS, Handlers
from spir.ui.takeaway import RESOLUTION, Takeaway

DEFAULT_STEPS = 10
WHITE = (1.0, 1.0, 1.0, 1.0)
HEAVY = {"concurrency_id": "gpu", "concurrency_limit": 1, "show_progress": "hidden"}
"""Of whatever runs a network: one at a time on the whole server. Overlays would hide the pictures."""
LIGHT = {"api_visibility": "private", "show_progress": "hidden", "queue": False}
"""Of what answers at once."""
CUTTING = {"preprocess": False, "concurrency_limit": 2, "show_progress": "hidden"}
"""The photo arrives as it was sent: Gradio would decode it first, and fail in its own words."""
INNER = {"api_visibility": "private"}
CACHE_SECONDS = (600, 7200)
"""How often Gradio's copies of files are looked through, and the age at which they go."""


def build(engine: Reconstructor) -> gr.Blocks:
    """The whole page over one engine."""
    handlers = Handlers(engine)
    takeaway = Takeaway(handlers)
    with blocks() as page:
        key = gr.State(None)
        gr.Markdown(
            f"# {words.TITLE}\n{words.does(engine.category.kind)} {words.CANNOT} {engine.category.terms}"
        )
        machine = gr.Markdown(handlers.machine(DEFAULT_STEPS), elem_id="machine")
        with gr.Row(equal_height=False):
            with gr.Column(scale=4, min_width=300):
                photo, cut, preset, steps, go, stop = ask()
            with gr.Column(scale=6, min_width=300):
                line = timeline.timeline(elem_id="timeline")
            with gr.Column(scale=4, min_width=260):
                turn = orbit.orbit(elem_id="orbit")
        with gr.Tabs(overflow_behavior="wrap"):
            with gr.Tab(words.TAB_RECOLOUR):
                colours = swatches.swatches(elem_id="swatches")
            with gr.Tab(words.TAB_MESH):
                fineness, make, viewer, size = mesh_tab()
            with gr.Tab(words.TAB_DOWNLOADS):
                prepare, files = downloads_tab()
        gr.Markdown(words.PRIVACY, elem_id="privacy")

        shown, made = [key, cut, line, turn, colours], [viewer, size, files]
        (
            photo.change(handlers.segment, [photo, key], shown, api_name="segment", **CUTTING)
            .then(nothing_made, None, made, **LIGHT)
        )  # fmt: skip
        preset.input(None, preset, steps, js="(steps) => steps", **LIGHT)
        # A number that is no preset leaves none of them chosen.
        known = [number for _, number in words.PRESETS]
        steps.change(None, steps, preset, js=f"(n) => {known}.includes(n) ? n : null", **LIGHT)
        steps.change(handlers.machine, steps, machine, trigger_mode="always_last", **LIGHT)
        (
            go.click(handlers.wait, key, line, **LIGHT)
            .success(nothing_made, None, made, **LIGHT)
            .success(handlers.reconstruct, [key, steps], line, api_name="reconstruct", **HEAVY)
            .success(handlers.turn, key, [turn, colours], **INNER, **HEAVY)
            .then(handlers.machine, steps, machine, **LIGHT)
        )
        stop.click(handlers.stop, key, None, **LIGHT)
        colours.input(
            handlers.recolour,
            [key, colours],
            turn,
            trigger_mode="always_last",
            show_progress="hidden",
            **INNER,
        )
        busy = {**HEAVY, "show_progress": "minimal"}
        make.click(takeaway.mesh, [key, fineness], [viewer, size], **INNER, **busy)
        prepare.click(takeaway.files, [key, fineness], files, **INNER, **busy)
        page.unload(handlers.leave)
    return page


def blocks() -> gr.Blocks:
    return gr.Blocks(title=words.TITLE, analytics_enabled=False, delete_cache=CACHE_SECONDS)


def apology(message: str) -> gr.Blocks:
    """What is shown where there is nothing to run, weights missing say."""
    with blocks() as page:
        gr.Markdown(f"# {words.TITLE}\n{words.out_of_order(message)}", elem_id="apology")
    return page


def ask() -> tuple:
    """The left column: photo, cut-out, steps, and the two buttons."""
    photo = gr.Image(
        type="filepath",
        image_mode=None,
        sources=["upload", "clipboard", "webcam"],
        label=words.PHOTO,
        alt_text=words.PHOTO_ALT,
        height=260,
        elem_id="photo",
    )
    cut = preview.preview(label=words.CUTOUT, show_label=True, container=True, elem_id="cutout")
    preset = gr.Radio(
        list(words.PRESETS), value=DEFAULT_STEPS, label=words.STEPS, info=words.STEPS_INFO, elem_id="preset"
    )
    steps = gr.Slider(0, MOST_STEPS, DEFAULT_STEPS, step=1, label=words.STEPS_SLIDER, elem_id="steps")
    with gr.Row():
        go = gr.Button(words.RECONSTRUCT, variant="primary", elem_id="go", min_width=120)
        stop = gr.Button(words.STOP, variant="stop", elem_id="stop", min_width=120)
    return photo, cut, preset, steps, go, stop


def nothing_made() -> tuple:
    """Mesh and files of an earlier result are none of this one."""
    return None, "", None


def mesh_tab() -> tuple:
    with gr.Row(equal_height=False):
        fineness = gr.Slider(
            64, 256, RESOLUTION, step=32, label=words.MESH_RESOLUTION, info=words.MESH_RESOLUTION_INFO
        )
        make = gr.Button(words.MESH_BUTTON, elem_id="make-mesh", scale=0, min_width=240)
    viewer = gr.Model3D(
        label=words.MESH_LABEL,
        clear_color=WHITE,
        camera_position=(60, 75, None),
        height=360,
        interactive=False,
        elem_id="mesh",
    )
    size = gr.Markdown("", elem_id="mesh-size")
    return fineness, make, viewer, size


def downloads_tab() -> tuple:
    gr.Markdown(words.FILES_HINT)
    with gr.Row():
        prepare = gr.Button(words.FILES_BUTTON, elem_id="prepare", scale=0, min_width=240)
    files = gr.File(
        label=words.FILES_LABEL, file_count="multiple", interactive=False, height=420, elem_id="files"
    )
    return prepare, files
