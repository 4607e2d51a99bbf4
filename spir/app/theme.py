"""How the page looks and is served: contrast that passes WCAG AA, system fonts, nothing fetched elsewhere."""

import os
from collections.abc import Callable
from pathlib import Path

import gradio as gr
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from spir.app.server.blocked_routes import BlockedRoutes
from spir.app.server.cleanup import SessionCleanup
from spir.app.server.headers import SecurityHeaders
from spir.app.server.queue import with_queue

APP = Path(__file__).parent
ASSETS = APP.parents[1] / "assets"
STYLES = [APP / "page.css", *sorted(APP.glob("widgets/*/widget.css"))]
MAX_UPLOAD = "25mb"
SESSIONS = 256
"""Tabs of which Gradio remembers what they show, a few hundred kilobytes each; a run's key is among it."""
ABOUT = '<meta name="description" content="One photo of an object to a 3D model to turn, recolour and keep.">'


def script(file: str) -> str:
    """The text of a JavaScript file of a widget, such as "timeline/widget.js"."""
    return (APP / "widgets" / file).read_text(encoding="utf-8")


def head() -> str:
    """What the pieces of the page share must be there before any of them."""
    return f"{ABOUT}\n<script>{(APP / 'page.js').read_text(encoding='utf-8')}</script>"


def theme() -> gr.themes.Base:
    """The default theme where it passes; darker accents and hints where it does not."""
    return gr.themes.Default(
        primary_hue="blue",
        font=["system-ui", "sans-serif"],
        font_mono=["ui-monospace", "monospace"],
    ).set(
        color_accent="*primary_700",
        color_accent_soft="*primary_50",
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_300",
        block_info_text_color="*neutral_600",
        block_info_text_color_dark="*neutral_300",
        block_label_text_color="*neutral_700",
        block_label_text_color_dark="*neutral_200",
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_dark="*primary_700",
        button_primary_background_fill_hover="*primary_800",
        button_primary_background_fill_hover_dark="*primary_600",
        button_primary_text_color="white",
        button_cancel_background_fill="#b91c1c",
        button_cancel_background_fill_dark="#b91c1c",
        button_cancel_background_fill_hover="#991b1b",
        button_cancel_background_fill_hover_dark="#991b1b",
        button_cancel_text_color="white",
    )


def serve(page: gr.Blocks, health: Callable[[Request], Response], **options) -> tuple:
    """Launch with our looks; host and port come from GRADIO_SERVER_NAME and GRADIO_SERVER_PORT, `health` answers at
    /healthz.

    One visitor computes at a time, some may wait (`server.queue`); nothing is measured or recorded."""
    # Gradio would make a table of the last ten thousand events after every one of them.
    os.environ.setdefault("GRADIO_ANALYTICS_CACHE_FREQUENCY", str(2**31))
    os.environ.setdefault("GRADIO_ANALYTICS_MAX_EVENTS", "1")
    return with_queue(page).launch(
        theme=theme(),
        css_paths=STYLES,
        head=head(),
        footer_links=["api", "settings"],
        max_file_size=MAX_UPLOAD,
        ssr_mode=False,
        run_history=False,
        enable_monitoring=False,
        state_session_capacity=SESSIONS,
        show_error=True,
        mcp_server=True,
        # The page carries its first example; packed it is a third smaller. Streams of events stay as they are.
        app_kwargs={
            "middleware": [
                Middleware(BlockedRoutes),
                Middleware(SessionCleanup),
                Middleware(GZipMiddleware, minimum_size=1024),
                Middleware(SecurityHeaders),
            ],
            "routes": [Route("/healthz", health)],
        },
        **options,
    )
