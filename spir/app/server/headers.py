"""What every answer of the server says to the browser beside its content."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

NO_GUESSING = ("X-Content-Type-Options", "nosniff")
"""A page that was uploaded as picture.jpg stays a picture, and does not run."""


class Headers:
    """ASGI middleware that adds them."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).setdefault(*NO_GUESSING)
            await send(message)

        await self.app(scope, receive, sent)
