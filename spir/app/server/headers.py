"""Security headers of every answer."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

NO_SNIFFING = ("X-Content-Type-Options", "nosniff")
"""A page that was uploaded as picture.jpg stays a picture, and does not run."""


class SecurityHeaders:
    """ASGI middleware that adds them."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).setdefault(*NO_SNIFFING)
            await send(message)

        await self.app(scope, receive, sent)
