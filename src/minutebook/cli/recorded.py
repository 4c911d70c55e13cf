"""Reading a log at the command line: an act, recorded before the first event is shown."""

from __future__ import annotations

from typing import Annotated

import typer

from minutebook.cli.console import remark
from minutebook.cli.deployment import operate, writing
from minutebook.cli.org import find
from minutebook.config import Settings
from minutebook.errors import MinutebookError, StoreInUse
from minutebook.organization.sittings import ReadAsOperator

UNRECORDED = "This reading is not recorded in the log."
Unrecorded = Annotated[
    bool, typer.Option("--unrecorded", help="Leave no record of this reading, where none can be written.")
]


class CannotRecord(MinutebookError):
    """Reading the log is an act and is recorded, which cannot be done just now. {why} To read all the same, and leave
    no record of it, add --unrecorded."""

    status = 503
    code = "cannot_record"
    exit_code = 3


def record_reading(settings: Settings, org: str, *, unrecorded: bool) -> None:
    """Records that whoever runs Minutebook reads the log of an organization, or says that it is not.

    Raises CannotRecord while a server has the SQLite file, NotFound for an organization that is not there.
    """
    if unrecorded:
        remark(UNRECORDED)
        return
    try:
        with writing(settings) as store:
            with store.reading() as connection:
                organization = find(connection, org)
            operate(store, organization.number, ReadAsOperator())
    except StoreInUse as in_use:
        raise CannotRecord(why=in_use.message) from in_use
