"""minutebook support: people of whoever runs Minutebook, let into an organization for a reason and a limited time."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Annotated

import typer

from minutebook.cli.console import print_json, print_table, remark, say
from minutebook.cli.deployment import operate, reading, settings_of, writing
from minutebook.cli.org import AsJson, Named, find
from minutebook.cli.user import find_user, say_link
from minutebook.errors import Invalid, NotFound
from minutebook.identifiers import new_token
from minutebook.model import HOUR, MINUTE, rfc3339
from minutebook.organization import support
from minutebook.organization.organizations import all_organizations
from minutebook.organization.support import EndSupport, Grant, GrantSupport
from minutebook.permissions import SUPPORT_MAY
from minutebook.store.engine import Store
from minutebook.web.pages.supporting import PATH

app = typer.Typer(no_args_is_help=True, help="Support staff, who may be let into an organization.")

Email = Annotated[str, typer.Argument(help="The address of their account.")]
LASTING = re.compile(r"(\d{1,4})([mh])")


@app.command()
def add(context: typer.Context, email: Email) -> None:
    """Make somebody one of support staff, who may be let into organizations. By that alone they are in none.

    [bold]Example[/bold]

        minutebook support add sam@example.com
    """
    with writing(settings_of(context)) as store:
        user = find_user(store, email)
        support.change_staff(store, user.id, to=True)
    say(f"{user.email} is one of support staff. minutebook support enter lets them into an organization.")


@app.command()
def remove(context: typer.Context, email: Email) -> None:
    """Make somebody one of support staff no longer, and end their access wherever they are let in.

    [bold]Example[/bold]

        minutebook support remove sam@example.com
    """
    with writing(settings_of(context)) as store:
        user = find_user(store, email)
        support.change_staff(store, user.id, to=False)
        with store.reading() as connection:
            grants = support.grants_of(connection, user.id)
        _end(store, grants)
    say(f"{user.email} is not one of support staff.")


@app.command("list")
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """List support staff, and where they are let in until when.

    [bold]Example[/bold]

        minutebook support list
    """
    with reading(settings_of(context)) as store, store.reading() as connection:
        staff = support.all_staff(connection)
        names = {one.number: one for one in all_organizations(connection)}
        grants = [grant for number in names for grant in support.all_grants(connection, number)]
    there = {user.id: [grant for grant in grants if grant.person.id == user.id] for user in staff}
    if as_json:
        print_json(
            [
                {
                    "email": user.email,
                    "let_in": [
                        {
                            "organization": names[grant.organization].id,
                            "reason": grant.reason,
                            "until": rfc3339(grant.expires_at),
                        }
                        for grant in there[user.id]
                    ],
                }
                for user in staff
            ]
        )
        return
    rows = [
        (user.email, f"{names[grant.organization].name} until {rfc3339(grant.expires_at)[:16]}Z: {grant.reason}")
        for user in staff
        for grant in there[user.id]
    ]
    rows += [(user.email, "") for user in staff if not there[user.id]]
    print_table(("Email", "Let into"), sorted(rows))


@app.command()
def enter(
    context: typer.Context,
    org: Named,
    email: Annotated[str, typer.Option("--as", help="Who of support staff, by the address of their account.")],
    reason: Annotated[str, typer.Option(help="Why, as everybody in the organization reads it.")],
    lasts: Annotated[
        str, typer.Option("--for", metavar="TIME", help="For how long, such as 30m or 4h, from now on; 24h at most.")
    ] = "1h",
    may: Annotated[
        list[str] | None,
        typer.Option(help=f"What they may do besides reading, any number of times: {'; '.join(SUPPORT_MAY)}."),
    ] = None,
) -> None:
    """Let somebody of support staff into an organization; print the link by which they enter, once.

    Everybody there sees who is let in, why and until when, and an owner can end it. What they do is recorded under
    their own name, on behalf of whoever let them in.

    [bold]Example[/bold]

        minutebook support enter "Calder Robotics" --as sam@example.com --reason "Ticket 4711: invitations" --for 30m
    """
    settings = settings_of(context)
    length = _lasting(lasts)
    with writing(settings) as store:
        user = find_user(store, email)
        with store.reading() as connection:
            organization = find(connection, org)
            if not support.is_staff(connection, user.id):
                raise Invalid.one("as", f"{user.email} is not of support staff. See minutebook support add.")
        token = new_token(store.randomness)
        operate(store, organization.number, GrantSupport(user.id, reason, length, tuple(may or ()), token))
    remark(f"For {user.email} alone, who signs in as usual and enters by this link once, while the server runs:")
    say_link(settings, f"{PATH}/{token}")


@app.command()
def end(context: typer.Context, org: Named, email: Annotated[str, typer.Option("--as", help="Whose access.")]) -> None:
    """End the access of somebody of support staff, at once.

    [bold]Example[/bold]

        minutebook support end "Calder Robotics" --as sam@example.com
    """
    with writing(settings_of(context)) as store:
        user = find_user(store, email)
        with store.reading() as connection:
            organization = find(connection, org)
            grants = support.grants_of(connection, user.id)
        found = [grant for grant in grants if grant.organization == organization.number]
        if not found:
            raise Invalid.one("as", f"{user.email} is not let in there. See minutebook support list.")
        _end(store, found)
    say(f"{user.email} is not let in any more.")


def _end(store: Store, grants: list[Grant]) -> None:
    for grant in grants:
        with suppress(NotFound):  # its time was over, or somebody ended it, in this moment
            operate(store, grant.organization, EndSupport(grant.id))


def _lasting(text: str) -> int:
    match = LASTING.fullmatch(text)
    if match is None:
        raise Invalid.one("for", "Say how long in minutes or hours, such as 30m or 4h.")
    return int(match[1]) * {"m": MINUTE, "h": HOUR}[match[2]]
