"""The web application: its routes and what stands around them."""

from __future__ import annotations

from functools import cache

from fastapi import APIRouter, FastAPI
from jinja2 import Environment
from starlette.routing import BaseRoute, Route

from minutebook.deliver.tails import Tails
from minutebook.organization.denials import Denials
from minutebook.organization.factor_key import FactorKey
from minutebook.organization.passkeys import RelyingParty
from minutebook.organization.sign_in import SignIns
from minutebook.store.engine import Store
from minutebook.web import api, assets, pages, refusals
from minutebook.web.arrivals import Arrivals
from minutebook.web.protect import Refusals, SecurityHeaders
from minutebook.web.searches import Limits, Searches
from minutebook.web.site import Site, WebSettings
from minutebook.web.templating import environment

__all__ = ["WebSettings", "create_app"]


ROUTERS = (*api.ROUTERS, *pages.ROUTERS)
"""The API first: each one is asked in turn."""


def create_app(store: Store, settings: WebSettings) -> FastAPI:
    """The application over a store whose schema is current."""
    packaged, templates = _packaged()
    app = FastAPI(title="Minutebook", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    key, party = FactorKey(settings.custody), RelyingParty.at(settings.public_url)
    sign_ins = SignIns(store, key, party, mails=settings.sends_mail)
    counts = Searches(store, Limits(at_once=1, waiting=2))
    app.state.site = Site(store, settings, templates, sign_ins, Tails(store), Searches(store), counts, Denials(store))
    app.router.routes.append(Route(f"{assets.PREFIX}/{{tree_hash}}/{{name:path}}", assets.handler(packaged)))
    app.router.routes += _routes()
    refusals.install(app, [route for router in ROUTERS for route in router.routes])
    # The last one added is the first to see a request.
    app.add_middleware(Refusals)
    app.add_middleware(Arrivals)
    app.add_middleware(SecurityHeaders)
    return app


@cache
def _routes() -> tuple[BaseRoute, ...]:
    """What FastAPI works out of a route at the first request serves every application, too."""
    router = APIRouter()
    for one in ROUTERS:
        router.include_router(one)
    return tuple(router.routes)


@cache
def _packaged() -> tuple[assets.Assets, Environment]:
    """What is installed with Minutebook never changes while it runs, so one reading serves every application."""
    packaged = assets.Assets.packaged()
    return packaged, environment(packaged)
