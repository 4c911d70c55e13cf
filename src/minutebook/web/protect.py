"""What stands before every page: the headers of an answer, and which requests are not answered at all."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from minutebook.errors import CrossOrigin, MinutebookError, TooLarge
from minutebook.web.assets import PREFIX
from minutebook.web.refusals import respond
from minutebook.web.site import site_of

BODY_LIMIT = 1024 * 1024
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
SAME_SITE = frozenset({"same-origin", "none"})

PROBES = frozenset({"/healthz", "/readyz"})
"""Asked by address, by whatever starts servers anew or sends requests to them. The answers name nothing."""

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "font-src 'none'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "X-Frame-Options": "DENY",
}
HSTS = "max-age=63072000"


class UnknownHost(MinutebookError):
    """This server does not answer for the host {host}. Open it under its own address, or name that host in
    MINUTEBOOK_PUBLIC_URL."""

    status = 400
    code = "unknown_host"


class SecurityHeaders:
    """Adds the headers that every answer carries; nothing but static files may be kept by a browser or a proxy."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        site = site_of(Request(scope))
        headers = dict(HEADERS)
        # Without Sec-Fetch-Site the check below needs Origin, which browsers send as "null" under no-referrer.
        headers["Referrer-Policy"] = "no-referrer" if site.fetch_metadata else "same-origin"
        if site.is_https:
            headers["Strict-Transport-Security"] = HSTS
        is_static = scope["path"].startswith(PREFIX + "/")

        async def send_protected(message: Message) -> None:
            if message["type"] == "http.response.start":
                answered = MutableHeaders(scope=message)
                answered.update(headers)
                if not (is_static and message["status"] == 200):
                    answered["Cache-Control"] = "no-store"
            await send(message)

        await self._app(scope, receive, send_protected)


class Refusals:
    """Refuses requests for other hosts, from other sites, and with bodies beyond 1 MiB, before any page sees them."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        try:
            if scope["path"] not in PROBES:
                check_host(request)
            check_origin(request)
            check_length(request.headers)
        except MinutebookError as error:
            await respond(request, error)(scope, receive, send)
            return
        await self._app(scope, _limited(receive), send)


def check_host(request: Request) -> None:
    """Raises UnknownHost: an address made of someone else's host name would make links and cookies theirs."""
    sent = request.headers.get("host", "")
    try:
        host = (urlsplit(f"//{sent}").hostname or "").lower()
    except ValueError:
        host = ""
    if host not in site_of(request).hosts:
        raise UnknownHost(host=host[:100] or "that it was asked for")


def check_origin(request: Request) -> None:
    """Raises CrossOrigin for a request that changes something and was sent by a page of another site.

    Sec-Fetch-Site decides where a browser sends it, else Origin. A request with neither was not sent by a browser that
    could be misled: those that know no Sec-Fetch-Site send Origin, and keep the session cookie to its own site.
    """
    if request.method in SAFE_METHODS:
        return
    fetch_site = request.headers.get("sec-fetch-site")
    if fetch_site is not None:
        if fetch_site not in SAME_SITE:
            raise CrossOrigin
        return
    origin = request.headers.get("origin")
    if origin is None:
        return
    own = f"{request.url.scheme}://{request.headers.get('host', '')}".lower()
    if origin.lower() not in (own, site_of(request).origin):
        raise CrossOrigin


def check_length(headers: Headers) -> None:
    """Raises TooLarge for a body that says itself that it is too long."""
    length = headers.get("content-length", "0")
    if not (length.isascii() and length.isdigit()) or len(length) > 12 or int(length) > BODY_LIMIT:
        raise TooLarge(limit=f"{BODY_LIMIT:,}")


def _limited(receive: Receive) -> Receive:
    """For bodies that do not say how long they are: they are cut off where they pass the limit."""
    received = 0

    async def receive_limited() -> Message:
        nonlocal received
        message = await receive()
        if message["type"] == "http.request":
            received += len(message.get("body", b""))
            if received > BODY_LIMIT:
                raise TooLarge(limit=f"{BODY_LIMIT:,}")
        return message

    return receive_limited
