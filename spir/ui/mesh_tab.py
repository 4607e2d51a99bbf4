"""The tab Mesh: what stands in it, and which event calls what."""

import gradio as gr

from spir.outputs.export import EXPORTS
from spir.ui import words
from spir.ui.events import BUSY, LIGHT
from spir.ui.meshing import COARSEST, FINEST, REPAINT, RESOLUTION, Meshing, meshing, nothing

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
            label=words.MESH_RESOLUTION,
            info=words.MESH_RESOLUTION_INFO,
            elem_id="fineness",
        )
        make = gr.Button(words.MESH_BUTTON, elem_id="make-mesh", scale=0, min_width=240)
    piece = meshing(elem_id="mesh-size")
    with gr.Row(equal_height=False):
        viewer = gr.Model3D(
            label=words.MESH_LABEL,
            clear_color=WHITE,
            camera_position=(60, 75, None),
            height=360,
            interactive=False,
            elem_id="mesh",
        )
        # Not in the page until it is asked for: plotly is a megabyte.
        plot = gr.Plot(label=words.TRUE_COLOURS, visible=False, elem_id="true-colours")
    with gr.Row(elem_id="mesh-files"):
        true = gr.Button(words.TRUE_COLOURS_BUTTON, elem_id="show-true-colours", scale=3, min_width=220)
        buttons = {
            end: gr.Button(end.upper(), elem_id=f"keep-{end}", min_width=80, variant="secondary")
            for end in EXPORTS
        }
        file = gr.DownloadButton("file", visible="hidden", elem_id="mesh-file")
    gr.Markdown(words.MESH_HINT)

    asked = [key, colours, fineness]
    make.click(nothing_plotted, None, plot, **LIGHT).success(
        events.mesh, asked, [viewer, piece, plot], **BUSY
    )
    true.click(events.true_colours, asked, plot, **BUSY)
    for end, button in buttons.items():
        fetched = button.click(events.keep(end), asked, file, **BUSY)
        fetched.success(None, None, None, js=FETCH, **LIGHT)
    piece.input(None, [piece, viewer, plot], [viewer, plot], js=REPAINT, **LIGHT)
    return fineness, [viewer, piece, plot]


def nothing_plotted() -> dict:
    """The plot, empty and out of the page."""
    return gr.update(value=None, visible=False)


def nothing_meshed() -> tuple:
    """A mesh of an earlier result is none of this one."""
    return None, nothing(), nothing_plotted()
