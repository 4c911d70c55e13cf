"""minutebook org: organizations, their plan and their seats."""

from __future__ import annotations

from typing import Annotated

import typer
from sqlalchemy import Connection

from minutebook.actions.values import Cents
from minutebook.cli.console import print_json, print_table, say, shown
from minutebook.cli.deployment import operate, reading, settings_of, writing
from minutebook.email_address import normal_email
from minutebook.errors import Invalid
from minutebook.model import Event, Plan, Role
from minutebook.organization import credits, organizations, people, roster, seats
from minutebook.organization.credits import GrantCredits
from minutebook.organization.organizations import FIRST_SEATS, ChangePlan, CreateOrganization, Organization
from minutebook.store import index, log

app = typer.Typer(no_args_is_help=True, help="Organizations, their plan and their seats.")

Named = Annotated[str, typer.Argument(metavar="ORG", help="Its id (org_…) or its exact name.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="What it is called.")],
    owner: Annotated[str, typer.Option(help="The address of its first owner, who must exist.")],
    plan: Annotated[Plan, typer.Option(help="What it has bought; the log is read on enterprise.")] = Plan.TEAMS,
    seat_limit: Annotated[int, typer.Option("--seats", help="How many people it may have.")] = FIRST_SEATS,
) -> None:
    """Found an organization with its first owner.

    [bold]Examples[/bold]

        minutebook org create "Calder Robotics" --owner ada@example.com

        minutebook org create "Calder Robotics" --owner ada@example.com --plan enterprise --seats 250
    """
    address = normal_email(owner)
    with writing(settings_of(context)) as store:
        with store.reading() as connection:
            user = people.find_user(connection, address)
        if user is None:
            raise Invalid.one("owner", f"Nobody has the address {address}. Add them first: minutebook user create.")
        event = operate(store, 0, CreateOrganization(name, user, plan, seat_limit))
    assert isinstance(event, Event)
    say(f"Founded {event.details['name']} ({event.details['id']}), owned by {user.email}.")


@app.command("list")
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """List all organizations.

    [bold]Example[/bold]

        minutebook org list --json
    """
    with reading(settings_of(context)) as store, store.reading() as connection:
        found = [_about(connection, organization) for organization in organizations.all_organizations(connection)]
    if as_json:
        print_json(found)
        return
    print_table(
        ("Name", "Plan", "Seats", "Events", "Id"),
        [
            (
                str(one["name"]),
                str(one["plan"]),
                "deleted" if one["deleted"] else f"{one['seats']} of {one['seat_limit']}",
                f"{one['events']:,}",
                str(one["id"]),
            )
            for one in found
        ],
    )


@app.command()
def show(context: typer.Context, org: Named, as_json: AsJson = False) -> None:
    """Show one organization with everybody who holds a seat.

    [bold]Example[/bold]

        minutebook org show "Calder Robotics"
    """
    with reading(settings_of(context)) as store, store.reading() as connection:
        organization = find(connection, org)
        about = _about(connection, organization)
        everyone = roster.everyone(connection, organization.number)
        about["credits_cents"] = credits.balance(connection, organization.number)
    if as_json:
        people_ = [{"email": person.email, "name": person.name, "role": role.value} for person, role, _ in everyone]
        print_json(about | {"members": people_})
        return
    say(f"{shown(organization.name)} ({organization.id})")
    say(
        f"Plan {organization.plan.value}, {len(everyone)} of {organization.seat_limit} seats, "
        f"{about['events']:,} events"
    )
    if organization.sealed is not None:
        say("Deleted: what it had is gone, and its log is sealed. minutebook export still reads it.")
        return
    say(f"Credits {Cents(cents=int(about['credits_cents']))}\n")
    by_rank = sorted(everyone, key=lambda seat: list(Role).index(seat[1]))
    print_table(("Role", "Name", "Email"), [(role.label, person.name, person.email) for person, role, _ in by_rank])


@app.command("plan")
def change_plan(
    context: typer.Context,
    org: Named,
    plan: Annotated[Plan | None, typer.Option(help="The plan it has from now on.")] = None,
    seat_limit: Annotated[int | None, typer.Option("--seats", help="How many people it may have from now on.")] = None,
) -> None:
    """Change what an organization has bought. The change is recorded in its log.

    [bold]Example[/bold]

        minutebook org plan "Calder Robotics" --plan enterprise --seats 250
    """
    if plan is None and seat_limit is None:
        raise Invalid.one("plan", "Say what to change: --plan, --seats, or both.")
    with writing(settings_of(context)) as store:
        with store.reading() as connection:
            now = find(connection, org)
        changed = ChangePlan(plan or now.plan, now.seat_limit if seat_limit is None else seat_limit)
        event = operate(store, now.number, changed)
    done = "now has" if isinstance(event, Event) else "had already"
    say(f"{shown(now.name)} {done} the plan {changed.plan.value} with {changed.seat_limit} seats.")


@app.command("grant")
def grant_credits(
    context: typer.Context,
    org: Named,
    amount: Annotated[str, typer.Argument(help="In US dollars, such as 250 or 12.50.")],
    reference: Annotated[str, typer.Option(help="The ticket or letter it follows from; each is granted once.")],
    granted_by: Annotated[str, typer.Option("--by", help="Who decided it.")],
    reason: Annotated[str, typer.Option(help="Why, in one line that its people read.")],
) -> None:
    """Give an organization credits for nothing. Who and why are recorded in its log.

    [bold]Example[/bold]

        minutebook org grant "Calder Robotics" 250 --reference ticket-4711 --by "Grace Li" --reason "Outage of 3 May"
    """
    settings = settings_of(context)
    with writing(settings) as store:
        with store.reading() as connection:
            organization = find(connection, org)
        mails = settings.smtp_host is not None
        command = GrantCredits(credits.parse_amount(amount), reference, granted_by, reason, mails)
        event = operate(store, organization.number, command)
        with store.reading() as connection:
            balance = Cents(cents=credits.balance(connection, organization.number))
    done = "was granted" if isinstance(event, Event) else "had been granted before, and nothing was added"
    say(f"{shown(reference)} {done}. The balance of {shown(organization.name)} is {balance}.")


def find(connection: Connection, named: str) -> Organization:
    """The organization with this id, or the only one with this name. Raises Invalid."""
    found = organizations.find_organization(connection, named)
    if found:
        return found
    same = [one for one in organizations.all_organizations(connection) if one.name == named]
    if len(same) == 1:
        return same[0]
    why = f"{len(same)} organizations are called {named}; use the id." if same else f"There is no organization {named}."
    raise Invalid.one("org", f"{why} See minutebook org list.")


def choose(connection: Connection, named: str | None) -> Organization:
    """The organization with this id or name; without one, the only one that there is. Raises Invalid."""
    if named is not None:
        return find(connection, named)
    there = organizations.all_organizations(connection)
    if len(there) == 1:
        return there[0]
    why = "There are several organizations: say which by --org." if there else "There is no organization yet."
    raise Invalid.one("org", f"{why} See minutebook org list.")


def _about(connection: Connection, organization: Organization) -> dict[str, str | int]:
    return {
        "id": organization.id,
        "name": organization.name,
        "plan": organization.plan.value,
        "seats": seats.count(connection, organization.number),
        "seat_limit": organization.seat_limit,
        "events": log.read_head(connection, organization.number).size - index.pruned(connection, organization.number),
        "deleted": organization.sealed is not None,
    }
