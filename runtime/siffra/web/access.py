"""Who may ask: by the host's name, by the site that asks, and by the token."""

import hashlib
import hmac
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})

PUBLIC = "/static/"
"""What the page is made of is no secret, and the page that asks for the token needs it."""

_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


@dataclass(frozen=True)
class Access:
    """What a request must show."""

    hosts: frozenset[str] | None
    """Names that it may ask for; None: any, since the token decides."""

    token: str | None
    """None: whoever reaches the server may ask."""

    cookie: str
    """Name of the cookie that stands for the token; each port has its own."""

    @property
    def cookie_value(self) -> str:
        """What the cookie holds: not the token, since other ports of this host see it too."""
        return hashlib.sha256(f"siffra page {self.token}".encode()).hexdigest()

    def is_token(self, said: str) -> bool:
        """Tell whether this is the token, in a time that does not depend on how much is right."""
        return self.token is not None and _same(said, self.token)

    def refusal(self, request: Request) -> Response | None:
        """Return the answer to a request that may not be answered; None if it may."""
        host = request.headers.get("host", "")
        path = request.scope["path"]  # not of request.url, which takes the host's word for it
        if self.hosts is not None and _name(host) not in self.hosts:
            # A name of somebody else's that leads here: DNS rebinding.
            return _error(421, f"this is not {host!r}; ask for localhost or 127.0.0.1")
        if not _from_here(request, host, path):
            return _error(403, "another site's page may not ask; open this server's own page")
        if path.startswith(PUBLIC) or path == "/" or self.knows(request):  # / asks for the token
            return None
        return _error(
            401,
            "this needs the token that siffra printed when it was started; send it as "
            "'Authorization: Bearer TOKEN', or open the page with /?token=TOKEN",
            {"WWW-Authenticate": 'Bearer realm="siffra"'},
        )

    def knows(self, request: Request) -> bool:
        """Tell whether a request shows the token, or needs none."""
        if self.token is None:
            return True
        scheme, _, said = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self.is_token(said.strip()):
            return True
        return _same(request.cookies.get(self.cookie, ""), self.cookie_value)


class Guard:
    """Stands before an application: refuses what may not ask, and adds headers to all answers."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        answer = self._access.refusal(Request(scope)) or self._app
        await answer(scope, receive, send_with_headers)


def _name(host: str) -> str | None:
    """Return the name in a Host header, without the port; None where there is none."""
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


def _from_here(request: Request, host: str, path: str) -> bool:
    """Tell whether the page that asks is ours, or a person or a program asks without a page."""
    origin = request.headers.get("origin")
    if origin is not None and (not host or origin.partition("://")[2].lower() != host.lower()):
        return False
    site = request.headers.get("sec-fetch-site", "none")  # browsers before 2023 may not say
    if site in ("same-origin", "none"):
        return True
    # A link on another page may lead here, but only to our page.
    navigates = request.headers.get("sec-fetch-mode") == "navigate"
    shown = request.headers.get("sec-fetch-dest") == "document"
    return navigates and shown and request.method == "GET" and path == "/"


def _same(a: str, b: str) -> bool:
    return hmac.compare_digest(a.encode(), b.encode())


def _error(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse({"error": message}, status, headers)
