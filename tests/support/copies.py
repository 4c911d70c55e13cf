"""Deployments on databases of their own: new, or copies of one that was filled once for all tests of the process.

A copy goes on where its template ended, with its clock and with what its clients were told.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from minutebook.store.engine import Store
from tests.support.deployment import Deployment, Ticking
from tests.support.postgres import PostgresServer


@contextmanager
def opened(url: str, template: Deployment | None = None) -> Iterator[Deployment]:
    """The deployment on a database, which is a copy of the template's if there is one."""
    clock = Ticking(template.clock.now) if template else Ticking()
    deployment = Deployment(Store(url, clock=clock), clock, template.told.copy() if template else None)
    yield deployment
    deployment.store.close()


@contextmanager
def copied_file(file: Path, folder: Path, template: Deployment | None = None) -> Iterator[Deployment]:
    """On a copy of a SQLite file, in a new folder in this one; `template` is what filled it."""
    copy = folder / "deployment" / "minutebook.sqlite3"
    copy.parent.mkdir()
    shutil.copy(file, copy)
    with opened(f"sqlite:///{copy}", template) as deployment:
        yield deployment


@contextmanager
def copied_database(server: PostgresServer, name: str, template: Deployment | None = None) -> Iterator[Deployment]:
    """On a copy of the PostgreSQL database of that name, which goes when it is done with."""
    url = server.create_database(name)
    with opened(url.render_as_string(hide_password=False), template) as deployment:
        yield deployment
    server.drop_database(url)
