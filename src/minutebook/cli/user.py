"""minutebook user: people who can sign in."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from minutebook.actions.values import number_of
from minutebook.cli.console import print_json, print_table, remark, say
from minutebook.cli.deployment import operate_on_person, reading, settings_of, writing
from minutebook.config import Settings
from minutebook.email_address import normal_email
from minutebook.errors import Invalid
from minutebook.model import MINUTE, rfc3339
from minutebook.organization import links, people
from minutebook.organization.account_deletion import DeleteUser
from minutebook.organization.passwords import TakePassword
from minutebook.organization.people import User
from minutebook.organization.second_factors import TakeSecondFactors
from minutebook.record import NoChange
from minutebook.store.engine import Store

LINK_MINUTES = 15
RESET_MINUTES = 60

app = typer.Typer(no_args_is_help=True, help="People who can sign in.")


@app.command()
def create(
    context: typer.Context,
    email: Annotated[str, typer.Argument(help="Their address, by which they sign in.")],
    name: Annotated[str, typer.Option(help="What they are called.")],
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input instead of asking.")
    ] = False,
) -> None:
    """Add a person, who holds no seat yet.

    [bold]Examples[/bold]

        minutebook user create ada@example.com --name "Ada Okafor"

        pass show minutebook/ada | minutebook user create ada@example.com --name Ada --password-stdin
    """
    settings = settings_of(context)
    normal_email(email)
    password = sys.stdin.readline().rstrip("\r\n") if password_stdin else _ask_password()
    with writing(settings) as store:
        user = people.create_user(store, email, name, password)
    say(f"Added {user.email} ({user.id}). They hold no seat yet: minutebook org create, or an invitation, gives one.")


@app.command("list")
def list_(context: typer.Context, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List everybody who can sign in.

    [bold]Example[/bold]

        minutebook user list --json
    """
    with reading(settings_of(context)) as store, store.reading() as connection:
        users = people.all_users(connection)
    if as_json:
        print_json(
            [{"id": user.id, "email": user.email, "name": user.name, "created_at": rfc3339(at)} for user, at in users]
        )
    else:
        print_table(("Email", "Name", "Since", "Id"), [(u.email, u.name, rfc3339(at)[:10], u.id) for u, at in users])


@app.command()
def link(
    context: typer.Context, email: Annotated[str, typer.Argument(help="The address of who is locked out.")]
) -> None:
    """Print a link that signs someone in once, within 15 minutes.

    For somebody who is locked out. Give it to nobody else; signing in by it is recorded as such.

    [bold]Example[/bold]

        minutebook user link ada@example.com
    """
    settings = settings_of(context)
    with writing(settings) as store:
        token = links.new_link(store, links.SIGN_IN, lifetime=LINK_MINUTES * MINUTE, user=find_user(store, email).id)
    remark(f"Works once, for {LINK_MINUTES} minutes, while the server runs:")
    say_link(settings, f"/enter/{token}")


@app.command()
def reset(
    context: typer.Context, email: Annotated[str, typer.Argument(help="The address of whose password is taken.")]
) -> None:
    """Take someone's password and second factors, and end their sessions; print a link to choose a new password by.

    For a telephone that is lost, or a password that is forgotten or that somebody else may know: of an account,
    perhaps, that was opened by another than the owner of its address. Give the link to nobody but them; it works once,
    within 60 minutes. Where mail is sent, they are told that it was done.

    [bold]Example[/bold]

        minutebook user reset ada@example.com
    """
    settings = settings_of(context)
    mails = settings.smtp_host is not None
    with writing(settings) as store:
        user = find_user(store, email)
        operate_on_person(store, TakeSecondFactors(user.id, mails))
        operate_on_person(store, TakePassword(user.id, mails))
        token = links.new_link(store, links.RESET, lifetime=RESET_MINUTES * MINUTE, user=user.id)
    remark(f"{user.email} has no password, no second factor and no session any more. This link chooses a new")
    remark(f"password, while the server runs; it works once, for {RESET_MINUTES} minutes:")
    say_link(settings, f"/password/{token}")


@app.command()
def delete(
    context: typer.Context,
    email: Annotated[str, typer.Argument(help="The address of whose account is deleted.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """End someone's account, with its seats, sessions and links.

    Who they were, and what they did, stays in the log of each organization. Refused while an organization has no other
    owner. See minutebook erase for what the law wants taken out of a log.

    [bold]Example[/bold]

        minutebook user delete ada@example.com
    """
    with writing(settings_of(context)) as store:
        user = find_user(store, email)
        if not yes:
            typer.confirm(f"Delete the account of {user.name}, {user.email}, for good?", abort=True, err=True)
        recorded = operate_on_person(store, DeleteUser(user.id))
    told = 0 if isinstance(recorded, NoChange) else len(recorded)
    say(f"Deleted the account of {user.email} ({user.id}); recorded in {number_of(told, 'organization')}.")


def say_link(settings: Settings, path: str) -> None:
    """Prints the full address of a link."""
    address = settings.address(settings.port)
    say(f"{address}{path}")
    if not settings.public_url:
        here = address.removeprefix("http://")
        remark(f"If the server is started with another --host or --port, put that in place of {here}.")


def find_user(store: Store, email: str) -> User:
    """The person with this address. Raises Invalid."""
    address = normal_email(email)
    with store.reading() as connection:
        user = people.find_user(connection, address)
    if user is None:
        raise Invalid.one("email", f"Nobody has the address {address}. See minutebook user list.")
    return user


def _ask_password() -> str:
    if not sys.stdin.isatty():
        raise Invalid.one("password", "There is no terminal to ask for the password. Use --password-stdin.")
    password: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    return password
