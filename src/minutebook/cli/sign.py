"""minutebook sign."""

from __future__ import annotations

import typer

from minutebook.actions.values import number_of
from minutebook.cli.console import complain, say
from minutebook.cli.deployment import maintaining, settings_of
from minutebook.custody import anchor_log, keys
from minutebook.custody.high_water import Custody
from minutebook.custody.signer import sign_logs


def sign(context: typer.Context) -> None:
    """Sign what was recorded since the last checkpoint of each log, once.

    A server does so by itself, at most a second after each event. With SQLite it must be stopped. Exits with 1 when a
    log is refused, because it is not what was signed before, or gone.

    [bold]Example[/bold]

        minutebook sign
    """
    settings = settings_of(context)
    with maintaining(settings) as store:
        custody = Custody(settings.custody)
        done = sign_logs(store, custody, keys.host_of(settings.public_url))
        refused = anchor_log.extend(store, custody)
    say(f"Signed {number_of(len(done.signed), 'log')}.")
    for organization, why in done.refused.items():
        complain(f"Organization {organization}: {why}")
    for why in (*done.gone, *([refused] if refused else [])):
        complain(why)
    if done.refused or done.gone or refused:
        raise typer.Exit(1)
