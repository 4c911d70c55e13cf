"""Where a request comes from: the address and the program that are recorded with an act."""

from __future__ import annotations

import hashlib

from starlette.requests import HTTPConnection, Request

from minutebook.ip_address import address_of, is_inside
from minutebook.model import Client, Context
from minutebook.web.site import site_of

USER_AGENT_LIMIT = 400


def client_ip(request: HTTPConnection) -> str | None:
    """The address of who asks: the peer, or what a trusted proxy says of it in X-Forwarded-For.

    The last address in that list that is not a trusted proxy counts: everything before it can be made up.
    """
    proxies = site_of(request).settings.trusted_proxies
    address = address_of(request.client.host if request.client else "")
    forwarded = ",".join(request.headers.getlist("x-forwarded-for")).split(",")
    for text in reversed(forwarded):
        if not any(is_inside(address, network) for network in proxies):
            break
        before = address_of(text.strip())
        if before is None:
            break
        address = before
    return str(address) if address else None


def context_of(request: Request, session: str | None = None, client: Client = Client.WEB) -> Context:
    """Where an act comes from, as it is recorded."""
    return Context(
        ip=request.state.ip,
        user_agent=_shortened(request.headers.get("user-agent")),
        request_id=request.state.request_id,
        session_id=session,
        client=client,
    )


def _shortened(user_agent: str | None) -> str | None:
    """A name longer than browsers have is cut, and says so with the hash of all of it."""
    if user_agent is None or len(user_agent) <= USER_AGENT_LIMIT:
        return user_agent or None
    digest = hashlib.sha256(user_agent.encode("latin-1", "replace")).hexdigest()
    return f"{user_agent[:USER_AGENT_LIMIT]}… (cut from {len(user_agent):,} characters, SHA-256 {digest})"
