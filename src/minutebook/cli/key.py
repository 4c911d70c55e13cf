"""minutebook key: the keys that sign the logs."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from minutebook.cli.console import print_json, print_table, say
from minutebook.cli.deployment import reading, settings_of
from minutebook.cli.org import AsJson, choose
from minutebook.custody import keys
from minutebook.custody.high_water import Custody
from minutebook.errors import Invalid, NoKey
from minutebook.evidence.checkpoint import anchor_origin_of, origin_of
from minutebook.evidence.key_chain import Standing, name_of, parse_time, write_time
from minutebook.evidence.note import KEY_SIZE, NotANote, VerifierKey, from_base64, to_base64
from minutebook.model import SECOND
from minutebook.store import log
from minutebook.store.engine import system_clock

app = typer.Typer(no_args_is_help=True, help="The keys that sign the logs.")

Public = Annotated[
    str, typer.Argument(metavar="KEY", help="Its public key in base64, as minutebook key list shows it.")
]


@app.command()
def show(
    context: typer.Context,
    org: Annotated[str | None, typer.Option(help="Whose log: an id (org_…) or exact name.")] = None,
    anchor_log: Annotated[bool, typer.Option("--anchor-log", help="Of the log over all heads.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what a verifier or a witness pins: the key that signs a log now, under the name of that log.

    [bold]Examples[/bold]

        minutebook key show

        minutebook key show --org "Calder Robotics"

        minutebook key show --anchor-log
    """
    settings = settings_of(context)
    custody = Custody(settings.custody)
    log_id = None
    if not anchor_log:
        with reading(settings) as store, store.reading() as connection:
            log_id = log.read_head(connection, choose(connection, org).number).log_id
    with custody.reading() as held:
        counting = [one for one in keys.standings(held).values() if one.counts]
        host = held.host() if held else None
        anchor_name = held.anchor_log() if held else ""
    if host is None or not counting:
        raise NoKey(why="none was added yet; a server that starts makes one")
    origin = origin_of(host, log_id) if log_id else anchor_origin_of(host, anchor_name)
    vkey = str(VerifierKey(origin, counting[-1].public))
    if as_json:
        print_json({"origin": origin, "vkey": vkey})
    else:
        say(vkey)


@app.command()
def add(
    context: typer.Context,
    public: Annotated[
        str | None, typer.Option("--public-key", help="With a command: the public key it signs by, in base64.")
    ] = None,
    command: Annotated[
        list[str] | None,
        typer.Argument(help="Signs standard input, and writes 64 bytes in base64. Put it behind --."),
    ] = None,
) -> None:
    """Add a key that signs from now on. The one so far vouches for it, and counts until it is revoked.

    Without a command, a new key is made and put into a file of the custody directory. Works beside a running server.

    [bold]Examples[/bold]

        minutebook key add

        minutebook key add --public-key 3q2+7w… -- /usr/local/bin/sign-with-kms --key audit
    """
    if bool(public) != bool(command):
        raise Invalid.one("public-key", "A command and its --public-key go together.")
    settings = settings_of(context)
    custody, at = Custody(settings.custody), system_clock()
    signer = keys.command_key(_public(public), command) if public and command else keys.new_key(os.urandom)
    with custody.changing() as held:
        keys.add(custody, held, signer, keys.host_of(settings.public_url), at)
    say(f"Added {to_base64(signer.public)}, which signs from now on.")


@app.command()
def revoke(
    context: typer.Context,
    public: Public,
    cut_off: Annotated[
        str | None,
        typer.Option("--cut-off", help="Up to when it counts, as 2026-11-06T17:05:30Z; now by default."),
    ] = None,
) -> None:
    """Let a key count no more. What it signed counts only if an anchor shows that it existed before the cut-off.

    [bold]Example[/bold]

        minutebook key revoke 3q2+7w… --cut-off 2026-11-06T17:05:30Z
    """
    custody, at = Custody(settings_of(context).custody), system_clock()
    try:
        until = parse_time(cut_off) if cut_off else at // SECOND
    except NotANote as error:
        raise Invalid.one("cut-off", f"{str(error).capitalize()}.") from None
    with custody.changing() as held:
        keys.revoke(custody, held, _public(public), until, at)
    say(f"Revoked {public} from {write_time(until)} on.")


@app.command("list")
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """List every key that ever counted.

    [bold]Example[/bold]

        minutebook key list --json
    """
    custody = Custody(settings_of(context).custody)
    with custody.reading() as held:
        known = list(keys.standings(held).values())
        host = (held.host() if held else None) or ""
        files = {one.public: keys.file_of(custody, held, one.public) for one in known} if held else {}
    if as_json:
        print_json([_about(one, host) | {"file": str(files[one.public] or "") or None} for one in known])
        return
    rows = [
        (to_base64(one.public), write_time(one.since), _state(one, known), str(files[one.public] or "not here"))
        for one in known
    ]
    print_table(("Public key", "Since", "State", "File"), rows)


def _about(one: Standing, host: str) -> dict[str, str | None]:
    return {
        "public_key": to_base64(one.public),
        "vkey": str(VerifierKey(name_of(host), one.public)),
        "since": write_time(one.since),
        "cut_off": None if one.cut_off is None else write_time(one.cut_off),
    }


def _state(one: Standing, known: list[Standing]) -> str:
    if one.cut_off is not None:
        return f"revoked from {write_time(one.cut_off)} on"
    return "signs" if one == [key for key in known if key.counts][-1] else "counts"


def _public(text: str) -> bytes:
    try:
        public = from_base64(text)
    except NotANote:
        public = b""
    if len(public) != KEY_SIZE:
        raise Invalid.one("key", "A public key is 32 bytes in base64. See minutebook key list.")
    return public
