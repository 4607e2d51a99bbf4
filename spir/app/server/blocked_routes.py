"""Blocks what Gradio serves to anybody and this page has no use for.

It would fetch any public address for whoever asks, run ffmpeg on what it is sent, and write the state of a session to
the disk as often as it is told to.
"""

import re

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

BLOCKED = re.compile(
    r"/gradio_api/(process_recording|deep_link|proxy=|stream/|file[=/]\s*[a-z][a-z0-9+.-]*:)", re.IGNORECASE
)


class BlockedRoutes:
    """Middleware that answers 403 where `BLOCKED` says so."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and BLOCKED.search(scope["path"]):
            await PlainTextResponse("This page does not do that.", status_code=403)(scope, receive, send)
        else:
            await self.app(scope, receive, send)
