"""The program `minutebook`: its options, its commands, and how it ends."""

from __future__ import annotations

import os
import pkgutil
import sys
from collections import UserDict
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import structlog
import typer
from typer.core import TyperGroup

from minutebook.cli.chosen import Chosen
from minutebook.cli.command import Command
from minutebook.cli.console import complain, end_output, out
from minutebook.errors import MinutebookError, StoreUnavailable

DEBUG_VARIABLE = "MINUTEBOOK_DEBUG"
EXAMPLES = """
Minutebook keeps the audit log of an organization's seats: who did what, when, from where.

[bold]To look at it[/bold], with a year of invented history:

    minutebook demo

[bold]To run it:[/bold]

    minutebook init      makes the data directory with a commented minutebook.toml
    minutebook serve     starts the server, and prints a link to found the first organization

Settings come from MINUTEBOOK_… variables and from minutebook.toml; docs/settings.md names them all.
"""

COMMANDS = {
    "serve": "serve:serve",
    "demo": "demo:demo",
    "init": "init:init",
    "user": "user:app",
    "org": "org:app",
    "support": "support:app",
    "search": "search:search",
    "tail": "tail:tail",
    "export": "export:export",
    "verify": "verify:verify",
    "doctor": "doctor:doctor",
    "key": "key:app",
    "sign": "sign:sign",
    "witness": "witness:app",
    "backup": "backup:backup",
    "restore": "restore:restore",
    "reindex": "reindex:reindex",
    "erase": "erase:erase",
    "prune": "erase:prune",
}
"""Where each command is, or each group of them: the module beside this one, and its name there."""


class OnDemand(UserDict[str, Any]):
    """COMMANDS, each made when it is asked for: who verifies evidence need not wait for a server to be imported."""

    def __getitem__(self, name: str) -> Any:
        found = pkgutil.resolve_name(f"minutebook.cli.{self.data[name]}")
        if isinstance(found, typer.Typer):
            group = typer.main.get_group(found)
            group.name = name  # which the help of all commands shows
            return group
        alone = typer.Typer(rich_markup_mode="rich", add_completion=False)
        alone.command(name, cls=Command)(found)
        return typer.main.get_command(alone)


class Program(TyperGroup):
    """Its commands are COMMANDS; none is registered with Typer, which would want all of them at once."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = OnDemand(COMMANDS)


app = typer.Typer(
    name="minutebook",
    cls=Program,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _say_version(wanted: bool) -> None:
    if wanted:
        out.print(f"minutebook {version('minutebook')}", highlight=False)
        raise typer.Exit


@app.callback(help=EXAMPLES)
def options(
    context: typer.Context,
    data_directory: Annotated[
        Path | None,
        typer.Option("--data-directory", "-d", help="Where everything is kept, instead of MINUTEBOOK_DATA_DIRECTORY."),
    ] = None,
    debug: Annotated[
        bool, typer.Option("--debug", help=f"Show the traceback of an unexpected error, as {DEBUG_VARIABLE}=1 does.")
    ] = False,
    version_: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_say_version, is_eager=True)
    ] = False,
) -> None:
    """Keeps what was chosen before the command's name."""
    del version_
    if debug:
        os.environ[DEBUG_VARIABLE] = "1"
    context.obj = Chosen(data_directory)


def main() -> None:
    """Runs the command line and exits: 0 done, 1 refused or something found, 2 wrong usage or input, 3 the store."""
    # What is logged is no answer: standard output is for whoever reads that. The server sets up a log of its own.
    structlog.configure(logger_factory=lambda *_: structlog.PrintLogger(sys.stderr))
    if sys.stdout is None:  # it was closed: nobody wants to read it
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115 - for as long as the program runs
    try:
        app(prog_name="minutebook")
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:  # who reads has read enough
        end_output()
        sys.exit(1)
    except Exception as error:
        if os.environ.get(DEBUG_VARIABLE):
            raise
        message, code = _told(error)
        if isinstance(error, OSError):
            end_output()
        complain(message)
        sys.exit(code)


def _told(error: Exception) -> tuple[str, int]:
    """What is said of an error, and the exit code."""
    if isinstance(error, MinutebookError):
        return error.message, error.exit_code
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}.", StoreUnavailable.exit_code
    if isinstance(error, OSError) and error.strerror:  # of a stream, which has no name
        return f"The output cannot be written: {error.strerror}.", StoreUnavailable.exit_code

    # Only here: what needs no database has imported none of this.
    from sqlalchemy.exc import DBAPIError

    from minutebook.store import sqlite

    if isinstance(error, DBAPIError) and sqlite.is_damage(error.orig):
        return f"The database cannot be read: {error.orig}. Run minutebook doctor.", StoreUnavailable.exit_code
    return (
        f"Something unexpected went wrong: {type(error).__name__}: {error}\n"
        f"Run it again with {DEBUG_VARIABLE}=1 for the traceback, and please report it."
    ), 1
