"""Makes Gradio forget the sessions that are over.

Of every session it keeps all values that the page showed last, for as long as the server runs, and every call of a
program is a session: 0.2 to 3 MB each.
"""

import re
from collections import deque

from starlette.types import ASGIApp, Receive, Scope, Send

from spir.app.server.gradio_private import forget_sessions

OVER = re.compile(r"/gradio_api/(?:heartbeat/([\w-]+)$|call/(?:v2/)?\w+/([\w-]+)$)")
"""Streams with whose end a session ends: that of an open tab, and the answer to a program's call, which is named
after its session."""
LATELY = 64
"""Sessions looked at again: what was still under way when the visitor left came back to its session once more."""


class SessionCleanup:
    """Middleware that forgets a session when its stream ends."""

    def __init__(self, app: ASGIApp):
        self.app = app
        self.lately: deque[str] = deque(maxlen=LATELY)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        over = OVER.search(scope["path"]) if scope["type"] == "http" and scope["method"] == "GET" else None
        try:
            # The page's own event of leaving is within.
            await self.app(scope, receive, send)
        finally:
            if over:
                self.lately.append(over[1] or over[2])
                forget_sessions(scope["app"], self.lately)
