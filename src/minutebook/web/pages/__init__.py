"""The pages, one module for each idea. A module with a `router` is listed here, once."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.routing import APIRoute

from minutebook.web.pages import (
    account,
    audit_logs,
    audit_logs_tail,
    auditing,
    auditor_links,
    bulk_inviting,
    completing,
    credits,
    deleting,
    erasing,
    forgotten,
    founding,
    guide,
    integrity,
    inviting,
    joining,
    links,
    members,
    models,
    modes,
    operating,
    overview,
    passkey_sign_in,
    passkeys,
    retention,
    saved_searches,
    second_factor_rule,
    second_factors,
    second_step,
    settings,
    signing_in,
    sso,
    supporting,
    tokens,
)

ROUTERS: tuple[APIRouter, ...] = (
    operating.router,
    guide.router,
    signing_in.router,
    second_step.router,
    second_factors.router,
    passkey_sign_in.router,
    passkeys.router,
    links.router,
    forgotten.router,
    joining.router,
    founding.router,
    account.router,
    overview.router,
    members.router,
    inviting.router,
    bulk_inviting.router,
    models.router,
    modes.router,
    credits.router,
    sso.router,
    tokens.router,
    settings.router,
    second_factor_rule.router,
    deleting.router,
    saved_searches.router,  # these before audit_logs, which takes any other word there for the number of an event
    audit_logs_tail.router,
    completing.router,
    audit_logs.router,
    integrity.router,
    auditor_links.router,
    retention.router,
    erasing.router,
    auditing.router,
    supporting.router,
)

for page in (page for router in ROUTERS for page in router.routes):
    # FastAPI answers HEAD with 405 unless it is told; whoever serves leaves the body of the answer away.
    if isinstance(page, APIRoute) and page.methods and "GET" in page.methods:
        page.methods.add("HEAD")
