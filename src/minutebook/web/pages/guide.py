"""The guide. It is the same for everybody, whether signed in or not."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from minutebook.errors import NotFound
from minutebook.web.guide import PREFIX, START
from minutebook.web.render import show
from minutebook.web.site import site_of

router = APIRouter(prefix=PREFIX)


@router.get("")
def show_start(request: Request) -> Response:
    """What there is."""
    return show_page(request, START)


@router.get("/{name}")
def show_page(request: Request, name: str) -> Response:
    """One page of it."""
    pages = site_of(request).guide.pages
    if name not in pages:
        raise NotFound(why="no such page of the guide")
    return show(request, "guide.html", page=pages[name], pages=pages.values())
