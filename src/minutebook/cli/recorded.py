"""Reading a log at the command line: an act, recorded before the first event is shown."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from minutebook.cli.console import remark
from minutebook.cli.deployment import operate, reading, writing
from minutebook.cli.org import choose
from minutebook.config import Settings
from minutebook.errors import MinutebookError, StoreInUse
from minutebook.organization.sittings import ReadAsOperator
from minutebook.store.engine import Store

UNRECORDED = "This reading is not recorded in the log."
SEALED = "This organization was deleted and its log is sealed: this reading is not recorded."
UNLESS = " To read all the same, and leave no record of it, add --unrecorded."
Unrecorded = Annotated[
    bool, typer.Option("--unrecorded", help="Leave no record of this reading, where none can be written.")
]


class CannotRecord(MinutebookError):
    """Reading the log is an act and is recorded, which cannot be done just now. {why} Or ask the server that runs, with
    an API token in MINUTEBOOK_TOKEN: add --server with its address, such as {server}.{unless}"""

    status = 503
    code = "cannot_record"
    exit_code = 3


@contextmanager
def recording(settings: Settings, unless: str = "") -> Iterator[Store]:
    """The store, to record in it that its log is read. Raises CannotRecord while a server has the SQLite file.

    `unless` is what else can be done then.
    """
    try:
        with writing(settings) as store:
            yield store
    except StoreInUse as in_use:
        raise CannotRecord(why=in_use.message, server=settings.address(settings.port), unless=unless) from in_use


def is_sealed(settings: Settings, org: str | None) -> bool:
    """Whether the organization was deleted: nothing is recorded in its log any more, which is then said."""
    with reading(settings) as store, store.reading() as connection:
        sealed = choose(connection, org).sealed is not None
    if sealed:
        remark(SEALED)
    return sealed


def record_reading(settings: Settings, org: str | None, *, unrecorded: bool) -> None:
    """Records that whoever runs Minutebook reads the log of an organization, or says that it is not.

    Raises CannotRecord, and Invalid for an organization that is not there.
    """
    if unrecorded:
        remark(UNRECORDED)
        return
    if is_sealed(settings, org):
        return
    with recording(settings, UNLESS) as store:
        with store.reading() as connection:
            organization = choose(connection, org)
        operate(store, organization.number, ReadAsOperator())
