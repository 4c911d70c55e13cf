"""minutebook serve."""

from __future__ import annotations

from typing import Annotated

import typer

from minutebook.cli.console import remark, say
from minutebook.cli.deployment import current_store, settings_of


def serve(
    context: typer.Context,
    host: Annotated[str | None, typer.Option(help="The address to listen on, instead of MINUTEBOOK_HOST.")] = None,
    port: Annotated[int | None, typer.Option(help="The port, instead of MINUTEBOOK_PORT; 0 takes a free one.")] = None,
) -> None:
    """Start the server.

    An empty data directory is made ready first; an older database is backed up and brought up to date. As long as
    there is no organization, every start prints a link that founds one: it works once, for 24 hours.

    [bold]Examples[/bold]

        minutebook serve

        minutebook -d /var/lib/minutebook serve --port 8000

        MINUTEBOOK_DATABASE_URL=postgresql://minutebook@db/minutebook minutebook serve
    """
    # The web and all it stands on takes a second to import; the other commands need none of it.
    from minutebook import serve as server
    from minutebook.demo.fill import is_demo

    settings = settings_of(context, host=host, port=port)
    if is_demo(settings.data_directory):
        remark(f"Warning: {settings.data_directory} was filled by the demo; its history is invented.")
    backed_up = "The database was backed up before it was brought up to date: "
    with current_store(settings, lambda saved: remark(f"{backed_up}{saved}")) as store:
        server.run(settings, store, lambda address: _greet(address, server.set_up_path(store)))


def _greet(address: str, set_up_path: str | None) -> None:
    say(f"Minutebook is at {address}")
    if set_up_path:
        say("There is no organization yet. Found the first one with this link, which works once, for 24 hours:")
        say(f"{address}{set_up_path}")
    say("Stop it with Ctrl-C.")
