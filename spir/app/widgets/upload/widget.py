"""Build the input for a photo, which is dropped, pasted or taken and arrives as it was sent."""

import gradio as gr


def photo_input(label: str, alt_text: str, elem_id: str) -> gr.Image:
    """Build an input for any picture file. Its events must say preprocess=False, so that only `photo.decode`
    opens the file."""
    return gr.Image(
        type="filepath",
        image_mode=None,
        sources=["upload", "clipboard", "webcam"],
        label=label,
        alt_text=alt_text,
        height=220,
        elem_id=elem_id,
    )
