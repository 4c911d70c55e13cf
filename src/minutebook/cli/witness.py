"""minutebook witness: a witness for logs of others."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from minutebook.cli.console import print_table, say
from minutebook.cli.local_time import local_zone, on_the_clock
from minutebook.errors import Invalid
from minutebook.evidence.note import NotANote, VerifierKey
from minutebook.store.engine import system_clock

app = typer.Typer(
    no_args_is_help=True,
    help="See the heads of somebody else's logs, and sign those that go on from what was seen before. A program of its "
    "own, for whoever does not run that Minutebook: it needs none of its data, and keeps its own in one folder.",
)

Directory = Annotated[Path, typer.Option("--directory", help="Where the witness keeps its key and what it has seen.")]
DIRECTORY = Path("minutebook-witness")


@app.command()
def init(
    name: Annotated[str, typer.Argument(help="What it is called in its signatures, such as witness.example.com/mb.")],
    directory: Directory = DIRECTORY,
) -> None:
    """Make a witness with a new key, and print what logs and auditors pin of it.

    [bold]Example[/bold]

        minutebook witness init witness.example.com/minutebook
    """
    from minutebook.witness import book

    say(str(book.make(directory, name, os.urandom, system_clock).vkey))


@app.command()
def add(
    vkey: Annotated[str, typer.Argument(help="The key of the log, as minutebook key show prints it.")],
    directory: Directory = DIRECTORY,
) -> None:
    """Look after a log: sign its heads from now on. A log whose key changes is added again with its new one.

    [bold]Example[/bold]

        minutebook witness add minutebook.example.com/anchor+5f0c…+AY…
    """
    from minutebook.witness.book import Book

    try:
        key = VerifierKey.parse(vkey)
    except NotANote as error:
        raise Invalid.one("vkey", f"{str(error).capitalize()}.") from None
    Book(directory, system_clock).look_after(key)
    say(f"Looks after {key.name} now.")


@app.command("list")
def list_(directory: Directory = DIRECTORY) -> None:
    """List the logs that are looked after, and what was signed of each last.

    [bold]Example[/bold]

        minutebook witness list
    """
    from minutebook.witness.book import Book

    zone = local_zone()
    rows = [
        (one.origin, f"{one.size:,}", on_the_clock(one.at, zone) if one.at else "never", one.vkey)
        for one in Book(directory, system_clock).logs()
    ]
    print_table(("Log", "Events", "Signed", "Key"), rows)


@app.command()
def serve(
    directory: Directory = DIRECTORY,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port; 0 takes a free one.")] = 8322,
) -> None:
    """Serve C2SP tlog-witness: POST /add-checkpoint. Put a proxy that speaks HTTPS in front.

    [bold]Example[/bold]

        minutebook witness serve --port 8322
    """
    from minutebook import serve as server
    from minutebook.witness.app import create_app
    from minutebook.witness.book import Book

    book = Book(directory, system_clock)
    listening = server.listen(host, port)
    say(f"Witness {book.vkey}")
    say(f"listens at http://{host}:{listening.getsockname()[1]}")
    server.serve_alone(create_app(book), listening)
