"""The tab Mesh: what stands in it, and which event calls what."""

import gradio as gr

from spir.app import mesh_text as mesh_words
from spir.app.events import BUSY, LIGHT
from spir.app.handlers.mesh import COARSEST, FINEST, REPAINT, Meshing, meshing, nothing
from spir.app.handlers.texturing import FORMATS, RESOLUTION

WHITE = (1.0, 1.0, 1.0, 1.0)
FETCH = "() => document.querySelector('#mesh-file a, a#mesh-file, #mesh-file')?.click()"


def mesh_tab(events: Meshing, key: gr.State, colours: gr.HTML) -> tuple[gr.Slider, list]:
    """Inside a `gr.Tab`. Returns the slider of the fineness, and the outputs that `nothing_meshed` empties."""
    with gr.Row(equal_height=False):
        fineness = gr.Slider(
            COARSEST,
            FINEST,
            RESOLUTION,
            step=32,
            label=mesh_words.FINENESS,
            info=mesh_words.FINENESS_INFO,
            elem_id="fineness",
        )
        detail = gr.Slider(
            0, 1, 1, step=0.05, label=mesh_words.DETAIL, info=mesh_words.DETAIL_INFO, elem_id="photo-detail"
        )
        make = gr.Button(mesh_words.BUTTON, elem_id="make-mesh", scale=0, min_width=240)
    piece = meshing(elem_id="mesh-size")
    with gr.Row(equal_height=False):
        viewer = gr.Model3D(
            label=mesh_words.LABEL,
            clear_color=WHITE,
            camera_position=(60, 75, None),
            height=360,
            interactive=False,
            elem_id="mesh",
        )
        # Not in the page until it is asked for: plotly is a megabyte.
        plot = gr.Plot(label=mesh_words.TRUE_COLOURS, visible=False, elem_id="true-colours")
    with gr.Row(elem_id="mesh-files"):
        true = gr.Button(mesh_words.TRUE_COLOURS_BUTTON, elem_id="show-true-colours", scale=3, min_width=220)
        buttons = {
            form: gr.Button(
                mesh_words.button(form),
                elem_id=f"keep-{form.replace('.', '-')}",
                min_width=100,
                variant="secondary",
            )
            for form in FORMATS
        }
        file = gr.DownloadButton("file", visible="hidden", elem_id="mesh-file")
    gr.Markdown(mesh_words.HINT)

    asked = [key, colours, fineness, detail]
    make.click(nothing_plotted, None, plot, **LIGHT).success(
        events.mesh, asked, [viewer, piece, plot], **BUSY
    )
    true.click(events.true_colours, asked[:3], plot, **BUSY)
    for form, button in buttons.items():
        fetched = button.click(events.keep(form), asked, file, **BUSY)
        fetched.success(None, None, None, js=FETCH, **LIGHT)
    piece.input(None, [piece, viewer, plot], [viewer, plot], js=REPAINT, **LIGHT)
    return fineness, [viewer, piece, plot]


def nothing_plotted() -> dict:
    """The plot, empty and out of the page."""
    return gr.update(value=None, visible=False)


def nothing_meshed() -> tuple:
    """A mesh of an earlier result is none of this one."""
    return None, nothing(), nothing_plotted()
