"""The pages, one module for each idea. A module with a `router` is listed here, once."""

from __future__ import annotations

from fastapi import APIRouter

from minutebook.web.pages import audit_logs, signing_in

ROUTERS: tuple[APIRouter, ...] = (audit_logs.router, signing_in.router)
