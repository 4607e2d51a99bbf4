"""Set how the page looks and is served: contrast that passes WCAG AA, system fonts, nothing fetched from
elsewhere.
"""

import os
from collections.abc import Callable
from pathlib import Path

import gradio as gr
from gradio import themes
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
MAX_TABS = 256
"""The number of tabs whose state Gradio keeps, a few hundred kilobytes each; the session's key is part of
it."""
ABOUT = '<meta name="description" content="One photo of an object to a 3D model to turn, recolour and keep.">'


def script(file: str) -> str:
    """Return the text of a widget's JavaScript file, such as "timeline/widget.js"."""
    return (APP / "widgets" / file).read_text(encoding="utf-8")


def head() -> str:
    """Return the HTML head, with the script that all widgets share and that must run before any of them."""
    return f"{ABOUT}\n<script>{(APP / 'page.js').read_text(encoding='utf-8')}</script>"


def theme() -> themes.Base:
    """Return Gradio's default theme, with darker accents and hints where its contrast is too low."""
    return themes.Default(
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
    """Launch the page with our theme; GRADIO_SERVER_NAME and GRADIO_SERVER_PORT set host and port, and
    `health` answers at /healthz.

    One visitor computes at a time and a limited number may wait (`server.queue`); no analytics are
    recorded."""
    # Gradio would otherwise tabulate the last ten thousand events after every event.
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
        state_session_capacity=MAX_TABS,
        show_error=True,
        mcp_server=True,
        # The page contains its first example: gzip makes it a third smaller. Event streams stay as is.
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
