"""Set the security headers of every response."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

NO_SNIFFING = ("X-Content-Type-Options", "nosniff")
"""The header that stops browsers from running an HTML page that was uploaded as picture.jpg."""


class SecurityHeaders:
    """This ASGI middleware adds the security headers."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).setdefault(*NO_SNIFFING)
            await send(message)

        await self.app(scope, receive, sent)
