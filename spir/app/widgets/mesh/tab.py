"""Build the tab Mesh, and connect its events with their handlers."""

import gradio as gr

from spir.app import mesh_text
from spir.app.events import BUSY, LIGHT
from spir.app.handlers.mesh import COARSEST, FINEST, FORMATS, MeshHandlers
from spir.app.widgets.mesh.widget import REPAINT, build, empty
from spir.session.surfaces import RESOLUTION

WHITE = (1.0, 1.0, 1.0, 1.0)
FETCH = "() => document.querySelector('#mesh-file a, a#mesh-file, #mesh-file')?.click()"


def mesh_tab(events: MeshHandlers, key: gr.State, colours: gr.HTML) -> tuple[gr.Slider, list]:
    """Build the contents of the current `gr.Tab`. Returns the resolution slider, and the outputs that
    `empty_outputs` clears."""
    with gr.Row(equal_height=False):
        fineness = gr.Slider(
            COARSEST,
            FINEST,
            RESOLUTION,
            step=32,
            label=mesh_text.FINENESS,
            info=mesh_text.FINENESS_INFO,
            elem_id="fineness",
        )
        detail = gr.Slider(
            0, 1, 1, step=0.05, label=mesh_text.DETAIL, info=mesh_text.DETAIL_INFO, elem_id="photo-detail"
        )
        make = gr.Button(mesh_text.BUTTON, elem_id="make-mesh", scale=0, min_width=240)
    piece = build(elem_id="mesh-size")
    with gr.Row(equal_height=False):
        viewer = gr.Model3D(
            label=mesh_text.LABEL,
            clear_color=WHITE,
            camera_position=(60, 75, None),
            height=360,
            interactive=False,
            elem_id="mesh",
        )
        # Not in the page until it is asked for: plotly is a megabyte.
        plot = gr.Plot(label=mesh_text.TRUE_COLOURS, visible=False, elem_id="true-colours")
    with gr.Row(elem_id="mesh-files"):
        true = gr.Button(mesh_text.TRUE_COLOURS_BUTTON, elem_id="show-true-colours", scale=3, min_width=220)
        buttons = {
            form: gr.Button(
                mesh_text.button(form),
                elem_id=f"keep-{form.replace('.', '-')}",
                min_width=100,
                variant="secondary",
            )
            for form in FORMATS
        }
        file = gr.DownloadButton("file", visible="hidden", elem_id="mesh-file")
    gr.Markdown(mesh_text.HINT)

    asked = [key, colours, fineness, detail]
    make.click(empty_plot, None, plot, **LIGHT).success(events.mesh, asked, [viewer, piece, plot], **BUSY)
    true.click(events.true_colours, asked[:3], plot, **BUSY)
    for form, button in buttons.items():
        fetched = button.click(events.save_handler(form), asked, file, **BUSY)
        fetched.success(None, None, None, js=FETCH, **LIGHT)
    piece.input(None, [piece, viewer, plot], [viewer, plot], js=REPAINT, **LIGHT)
    return fineness, [viewer, piece, plot]


def empty_plot() -> dict:
    """Return the update that empties and hides the plot."""
    return gr.update(value=None, visible=False)


def empty_outputs() -> tuple:
    """Return the values that clear the mesh of an earlier result."""
    return None, empty(), empty_plot()
