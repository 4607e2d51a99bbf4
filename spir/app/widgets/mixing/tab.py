"""Build the tab Mix, and connect its events with their handlers."""

import gradio as gr
from gradio.events import Dependency

from spir.app import text
from spir.app.events import CUTTING, HEAVY, LIGHT, SOON
from spir.app.handlers.mixing import MixingHandlers
from spir.app.widgets.mixing.widget import SECOND_STEPS, SLIDERS, build, cleared
from spir.app.widgets.upload.widget import photo_input


def mix_tab(events: MixingHandlers, key: gr.State, colours: gr.HTML) -> tuple[gr.HTML, Dependency]:
    """Build the contents of the current `gr.Tab`. Returns the widget, which `cleared(key)` empties, and the
    event that changes the object."""
    with gr.Row(equal_height=False):
        with gr.Column(scale=3, min_width=260):
            photo, steps, mix, take = ask()
        with gr.Column(scale=7, min_width=280):
            piece = build(elem_id="mixing")
            sliders = {
                name: gr.Slider(
                    edit.low,
                    edit.high,
                    0,
                    step=edit.step,
                    label=edit.label,
                    info=edit.hint,
                    elem_id=f"mix-{name}",
                )
                for name, edit in SLIDERS.items()
            }

    photo.change(events.second, [photo, key], piece, **CUTTING)
    given = [photo, key]
    mix.click(events.grid, [*given, colours, steps], piece, preprocess=False, **HEAVY)
    take.click(events.borrow, [*given, steps], [piece, colours], preprocess=False, **HEAVY)
    live = [slider.input for slider in sliders.values()]
    asked = [key, colours, *sliders.values()]
    gr.on(live, events.preview, asked, piece, trigger_mode="always_last", **HEAVY)
    used = piece.input(events.use, [key, colours, piece], None, **SOON)
    # The sliders start at 0 for the new object.
    used.success(lambda: [0] * len(sliders), None, list(sliders.values()), **LIGHT)
    return piece, used


def ask() -> tuple[gr.Image, gr.Radio, gr.Button, gr.Button]:
    """Build the inputs: the second photo, the number of steps to fit it, and the two buttons."""
    photo = photo_input(text.SECOND_PHOTO, text.SECOND_PHOTO_ALT, "second-photo")
    choices = list(zip(text.SECOND_CHOICES, SECOND_STEPS, strict=True))
    steps = gr.Radio(choices, value=SECOND_STEPS[0], label=text.SECOND_STEPS, elem_id="second-steps")
    mix = gr.Button(text.MIX_BUTTON, variant="primary", elem_id="mix", min_width=120)
    take = gr.Button(text.BORROW_BUTTON, elem_id="borrow", min_width=120)
    return photo, steps, mix, take


def empty_mix(key: str | None) -> dict:
    """Return the value that clears the blends of an earlier photo."""
    return cleared(key or "")
