"""What a request has still to send when its answer is there."""

import asyncio
from time import monotonic

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .bodies import Limits

_ANNOUNCED = ("content-length", "transfer-encoding")  # one of them, or there is no body


class Leftovers:
    """Stands before an application: takes in what is left of a body, and then refuses it.

    Most programs send all before they listen, and a connection that is closed with bytes unread is
    reset: who sent them would not hear why. What has no end in sight is ended with the answer.
    """

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app = app
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers = Headers(scope=scope)
        ended = not any(name in headers for name in _ANNOUNCED)
        waits = "expect" in headers  # for our word, before it sends anything

        async def receive_noted() -> Message:
            nonlocal ended, waits
            waits = False
            message = await receive()
            ended = not message.get("more_body", False)
            return message

        async def send_afterwards(message: Message) -> None:
            if message["type"] == "http.response.start" and not ended:
                answer = MutableHeaders(scope=message)
                refused = message["status"] >= 400 and not waits and "connection" not in answer
                if not (refused and await self._take_in(receive_noted)):
                    answer["Connection"] = "close"
            await send(message)

        await self._app(scope, receive_noted, send_afterwards)

    async def _take_in(self, receive: Receive) -> bool:
        """Let a body go by; tell whether it came to its end within the limits."""
        left = self._limits.refused
        deadline = monotonic() + self._limits.whole
        try:
            while left > 0:
                patience = min(self._limits.pause, deadline - monotonic())
                message = await asyncio.wait_for(receive(), patience)
                if not message.get("more_body", False):
                    return True
                left -= len(message["body"])
        except asyncio.TimeoutError:
            pass
        return False
