"""minutebook demo."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.box import HORIZONTALS
from rich.panel import Panel
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
from rich.text import Text

from minutebook.cli.console import err, out, say
from minutebook.cli.deployment import current_store, sqlite_file
from minutebook.config import DATABASE_FILE, Settings, load_settings
from minutebook.model import DAY
from minutebook.organization import links, people
from minutebook.store.engine import Store

DIRECTORY = Path("minutebook-demo")
GUESTS = (("ada", "owner"), ("mateo", "admin, and member of Kestrel Works"), ("wen", "member"))
LINK_LIFETIME = DAY


def demo(
    context: typer.Context,
    directory: Annotated[Path, typer.Option(help="Where to keep it; must be new, or made by the demo.")] = DIRECTORY,
    host: Annotated[str | None, typer.Option(help="The address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="The port to listen on; 0 takes a free one.")] = None,
    seed: Annotated[int, typer.Option(help="Another number tells another story.")] = 1,
    fresh: Annotated[bool, typer.Option("--fresh", help="Tell the story anew, up to this moment.")] = False,
    serve: Annotated[bool, typer.Option("--serve/--no-serve", help="Start the server when it is filled.")] = True,
) -> None:
    """Look around in an organization with a year of history.

    Fills a directory with two invented organizations and what some 45 people did in a year, through the same commands
    as everything else; then starts the server and prints a sign-in link each for an owner, an admin and a member, and
    the password of all. The directory is kept: the next time it starts at once, with new links.

    [bold]Examples[/bold]

        minutebook demo

        minutebook demo --port 8100 --fresh

        minutebook demo --directory /tmp/demo --no-serve
    """
    del context
    from minutebook.demo.fill import prepare

    file = directory.absolute() / DATABASE_FILE
    settings = load_settings(data_directory=directory, database_url=f"sqlite:///{file}", host=host, port=port)
    # nobody is to get mail from invented people, and no key that counts is to sign what they did
    settings = settings.model_copy(update={"smtp_host": None, "custody_directory": None})
    with Progress(TextColumn("Telling a year"), BarColumn(), TaskProgressColumn(), console=err, transient=True) as bar:
        task = bar.add_task("", total=1.0)
        filled = prepare(
            directory, fresh=fresh, seed=seed, days=365, progress=lambda part: bar.update(task, completed=part)
        )
    say(f"{'Filled' if filled else 'Using'} {directory}.")
    if serve:
        _serve(settings)


def _serve(settings: Settings) -> None:
    from minutebook import serve as server

    assert sqlite_file(settings)
    with current_store(settings, lambda saved: say(f"The database was backed up first: {saved}")) as store:
        server.run(
            settings,
            store,
            lambda address: out.print(_welcome(store, settings.data_directory, address), soft_wrap=False),
        )


def _welcome(store: Store, directory: Path, address: str) -> Panel:
    """The address, a link for each guest, each on a line of its own and never broken, and the password."""
    from minutebook.demo.fill import password_of

    text = Text(overflow="ignore", no_wrap=True)
    text.append(f"{address}\n", style="bold")
    text.append("All people and events are invented.\n")
    text.append("Sign in with these links. Each works once, within 24 hours.\n")
    for key, role in GUESTS:
        with store.reading() as connection:
            user = people.find_user(connection, f"{key}@calder.example")
        assert user is not None
        token = links.new_link(store, links.SIGN_IN, lifetime=LINK_LIFETIME, user=user.id)
        text.append(f"\n{user.name}", style="bold").append(f", {role}\n{address}/enter/{token}\n")
    text.append(f"\nEverybody's password, which changing an account asks for: {password_of(directory)}\n")
    text.append("\nStop with Ctrl-C; the next start prints new links.")
    return Panel(text, title="Minutebook demo", box=HORIZONTALS, padding=(1, 0))
