"""Block the Gradio routes that are open to anybody and that this page does not use.

They would fetch any public URL for any client, run ffmpeg on whatever is uploaded, and write the state of a
session to the disk at every request.
"""

import re

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

BLOCKED = re.compile(
    r"/gradio_api/(process_recording|deep_link|proxy=|stream/|file[=/]\s*[a-z][a-z0-9+.-]*:)", re.IGNORECASE
)


class BlockedRoutes:
    """This middleware answers 403 where the path matches `BLOCKED`."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and BLOCKED.search(scope["path"]):
            await PlainTextResponse("This page does not do that.", status_code=403)(scope, receive, send)
        else:
            await self.app(scope, receive, send)
