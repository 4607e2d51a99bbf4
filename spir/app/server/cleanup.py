"""Make Gradio forget the sessions that have ended.

It keeps the last value of every component of every session for as long as the server runs, and every call of
an API client is a session: 0.2 to 3 MB each.
"""

import re
from collections import deque

from starlette.types import ASGIApp, Receive, Scope, Send

from spir.app.server.gradio_private import forget_sessions

SESSION_STREAMS = re.compile(r"/gradio_api/(?:heartbeat/([\w-]+)$|call/(?:v2/)?\w+/([\w-]+)$)")
"""The streams with whose end a session ends: the heartbeat of an open tab, and the answer to a client's call,
which is named after its session."""
RECENT = 64
"""The number of ended sessions that are checked again: an event that was still running when the visitor left
writes to its session once more."""


class SessionCleanup:
    """This middleware forgets a session when its stream ends."""

    def __init__(self, app: ASGIApp):
        self.app = app
        self.lately: deque[str] = deque(maxlen=RECENT)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        over = (
            SESSION_STREAMS.search(scope["path"])
            if scope["type"] == "http" and scope["method"] == "GET"
            else None
        )
        try:
            # The page's unload event runs within this call.
            await self.app(scope, receive, send)
        finally:
            if over:
                self.lately.append(over[1] or over[2])
                forget_sessions(scope["app"], self.lately)
