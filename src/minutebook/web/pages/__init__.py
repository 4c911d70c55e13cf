"""The pages, one module for each idea. A module with a `router` is listed here, once."""

from __future__ import annotations

from fastapi import APIRouter

from minutebook.web.pages import (
    audit_logs,
    credits,
    founding,
    inviting,
    joining,
    links,
    members,
    models,
    modes,
    settings,
    signing_in,
    sso,
)

ROUTERS: tuple[APIRouter, ...] = (
    signing_in.router,
    links.router,
    joining.router,
    founding.router,
    members.router,
    inviting.router,
    models.router,
    modes.router,
    credits.router,
    sso.router,
    settings.router,
    audit_logs.router,
)
