"""A secret on its way to the one page that shows it.

A form that makes something secret is answered by a redirect, so that loading the page again makes no second one. The
store has only a hash of the secret: until that page has shown it, it is in a cookie of the browser that sent the form,
where no script reads it, and is told to nobody but the session that made it.
"""

from __future__ import annotations

from fastapi import Request, Response

from minutebook.web.render import go
from minutebook.web.session import Viewer

SECONDS = 60
BETWEEN = "."


def send(viewer: Viewer, kind: str, secret: str, path: str) -> Response:
    """Leads to the page that shows the secret, within a minute."""
    response = go(viewer.site, path)
    value = f"{viewer.session.id}{BETWEEN}{secret}"
    response.set_cookie(
        viewer.site.cookie(kind), value, max_age=SECONDS, secure=viewer.site.is_https, httponly=True, samesite="strict"
    )
    return response


def sent(request: Request, viewer: Viewer, kind: str) -> str:
    """The secret that this session has not been shown yet; nothing when there is none."""
    session, _, secret = request.cookies.get(viewer.site.cookie(kind), "").partition(BETWEEN)
    return secret if session == viewer.session.id else ""


def forget(response: Response, viewer: Viewer, kind: str) -> Response:
    """The response that shows the secret, after which it is nowhere any more."""
    response.delete_cookie(viewer.site.cookie(kind), secure=viewer.site.is_https, httponly=True, samesite="strict")
    return response
