"""What a command reads from, as its options and the settings name it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from minutebook.cli.database import Database
from minutebook.cli.deployment import settings_of
from minutebook.cli.source import Source
from minutebook.config import Settings
from minutebook.errors import Invalid

CREDENTIAL = (
    "A server is asked with an API token of the organization (page API tokens). Set MINUTEBOOK_TOKEN, or name the file "
    "that holds it: MINUTEBOOK_TOKEN_FILE or --token-file."
)

Org = Annotated[
    str | None,
    typer.Option("--org", help="Its id (org_…) or its exact name; not needed where there is only one, as for a token."),
]
FromServer = Annotated[
    str | None,
    typer.Option(
        "--server",
        help="Read from the Minutebook that runs at this address, with the API token in MINUTEBOOK_TOKEN, and not from "
        "the database; instead of MINUTEBOOK_SERVER.",
    ),
]
TokenFile = Annotated[Path | None, typer.Option(help="The file that holds the API token, instead of MINUTEBOOK_TOKEN.")]


@contextmanager
def source_of(
    context: typer.Context, org: str | None, server: str | None, token_file: Path | None, *, unrecorded: bool = False
) -> Iterator[Source]:
    """What the options and the settings name. Raises BadSettings and Invalid."""
    settings = settings_of(context, server=server)
    if not settings.server:
        if token_file:
            raise Invalid.one("token_file", "--token-file goes with --server.")
        yield Database(settings, org, unrecorded=unrecorded)
        return
    if unrecorded:
        raise Invalid.one("unrecorded", "A server records that it is read: --unrecorded is for reading the database.")
    from minutebook.cli.api import Api
    from minutebook.cli.server import Server

    with Api(settings.server, _token(settings, token_file)) as api:
        yield Server(api, org)


def _token(settings: Settings, file: Path | None) -> str:
    if file:
        return file.read_text(encoding="utf-8", errors="replace").strip()
    if settings.token is None:
        raise Invalid.one("token", CREDENTIAL)
    return settings.token.get_secret_value().strip()
