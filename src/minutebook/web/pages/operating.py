"""What programs ask that watch over the server: whether it lives, whether it can answer, and its measures."""

from __future__ import annotations

from ipaddress import ip_address

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4
from sqlalchemy import select
from starlette.responses import JSONResponse

from minutebook.errors import NotFound, StoreUnavailable
from minutebook.store import schema
from minutebook.web.site import Site, site_of

router = APIRouter()


@router.get("/healthz")
def say_healthy() -> Response:
    """That the process answers; whether the database does is another question, and starting anew would not mend it."""
    return JSONResponse({"status": "healthy"})


@router.get("/readyz")
def say_ready(request: Request) -> Response:
    """Whether requests can be answered: 503 while the database is away."""
    try:
        with site_of(request).store.reading() as connection:
            connection.execute(select(schema.log_head.c.organization).limit(1)).first()
    except StoreUnavailable as error:
        return JSONResponse({"status": "unavailable", "reason": error.message}, error.status)
    return JSONResponse({"status": "ready"})


@router.get("/metrics")
def show_metrics(request: Request) -> Response:
    """The measures, for those who ask from one of the networks that may; for everybody else there is no such page."""
    site = site_of(request)
    if not _may_see(request, site):
        raise NotFound(why="no metrics here")
    return Response(site.metrics.text(), media_type=CONTENT_TYPE_PLAIN_0_0_4)


def _may_see(request: Request, site: Site) -> bool:
    """A proxy of which nothing is known passes on whom it likes: through it, nobody sees them."""
    peer = request.client.host if request.client else ""
    if request.state.ip is None or ("x-forwarded-for" in request.headers and request.state.ip == peer):
        return False
    address = ip_address(request.state.ip)
    return any(address in network for network in site.settings.metrics_networks)
