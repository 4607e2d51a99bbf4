"""A page of the tabs Mesh and Mix alone, over the toy engine and a result that is there already.

`python -m tests.app.tabs_page PHOTO FOLDER`; a process of its own, as a server in a test leaves loops behind.
"""

import sys
from pathlib import Path

import gradio as gr

from spir.app.context import AppContext
from spir.app.data_uris import hex_colours
from spir.app.handlers.mesh import MeshHandlers
from spir.app.handlers.mixing import MixingHandlers
from spir.app.theme import STYLES, head, theme
from spir.app.widgets.mesh.tab import mesh_tab
from spir.app.widgets.mixing.tab import mix_tab
from spir.app.widgets.swatches import widget as swatches
from spir.pipeline import Reconstructor, preset
from spir.session import actions, surfaces
from spir.session.store import SessionStore
from tests.app.quick_app import make_quick
from tests.app.toy import ROOT


def tabs(photo: Path, folder: Path) -> gr.Blocks:
    """What the object's colours are stands below the tabs, once it was changed."""
    engine = Reconstructor.load(root=ROOT, device="cpu", loss="encoder")
    context = AppContext(engine, SessionStore(folder))
    # The toy's fits are all poor.
    surfaces.photo_detail = lambda verdict: 1.0
    *_, session = actions.run(engine, actions.open_photo(engine, photo.read_bytes()), preset(0))
    made = context.store.open("anna", session)
    with gr.Blocks() as page:
        key = gr.State(made)
        colours = swatches.build()
        with gr.Tabs():
            with gr.Tab("Words"):
                gr.Markdown("Nothing heavy.")
            with gr.Tab("Mesh"):
                mesh_tab(MeshHandlers(context), key, colours)
            with gr.Tab("Mix"):
                _, used = mix_tab(MixingHandlers(context), key, colours)
        now = gr.Markdown(elem_id="now")
        used.success(
            lambda: " ".join(hex_colours(engine.palette(context.session(made).fit.code)[0])), None, now
        )
    return page


if __name__ == "__main__":
    photo, folder = sys.argv[-2:]
    make_quick()
    tabs(Path(photo), Path(folder)).queue().launch(
        theme=theme(),
        css_paths=STYLES,
        head=head(),
        server_name="127.0.0.1",
        allowed_paths=[folder],
        ssr_mode=False,
        quiet=True,
    )
