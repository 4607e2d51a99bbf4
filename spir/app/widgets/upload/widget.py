"""A photo as it was sent: dropped, pasted or taken."""

import gradio as gr


def photo_input(label: str, alt_text: str, elem_id: str) -> gr.Image:
    """Takes any picture file; its events must say preprocess=False, so that `photo.decode` alone opens it."""
    return gr.Image(
        type="filepath",
        image_mode=None,
        sources=["upload", "clipboard", "webcam"],
        label=label,
        alt_text=alt_text,
        height=220,
        elem_id=elem_id,
    )
