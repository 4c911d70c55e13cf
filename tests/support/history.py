"""A little history for an organization: something of everything, refusals, long names and hostile ones among it."""

from __future__ import annotations

from dataclasses import replace

from minutebook.identifiers import new_token
from minutebook.model import Role
from minutebook.organization.credits import BuyCredits
from minutebook.organization.invitations import InvitePerson
from minutebook.organization.modes import CreateMode, UpdateMode
from minutebook.organization.seats import ChangeRole
from minutebook.organization.settings import FIRST, ChangeDataCollection, ChangeModels
from minutebook.organization.sign_in import RecordFailedSignIn
from minutebook.organization.sso import SetSsoDomain
from minutebook.record import Command
from tests.support.component_examples import HOSTILE
from tests.support.server import Company, new_person

LONG = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunter"
WORKED_OUT = replace(
    FIRST,
    models=(*FIRST.models[4:], "acme/coder-1", "calder/in-house-reviewer-of-pull-requests:2026-11"),
    providers=FIRST.providers[1:],
    default_model="openai/gpt-5-codex",
)


def live_a_little(company: Company) -> None:
    """Performs it all, as the people of the company."""
    owner, admin = company.owner, company.admin
    company.join(new_person(company.store, LONG, "elektrizitaetenhauptbetriebswerk.example"), Role.MEMBER)
    stranger = replace(new_person(company.store, "Stranger"), name=HOSTILE)
    company.join(stranger, Role.MEMBER)
    invited = (
        ("pending@calder.example", Role.AUDITOR),
        ("someone.with.a.long.name@research.calder.example", Role.ADMIN),
    )
    acts: tuple[Command, ...] = (
        ChangeRole(company.member.id, Role.ADMIN),
        ChangeRole(company.member.id, Role.MEMBER),
        *(InvitePerson(email, role, new_token(company.store.randomness)) for email, role in invited),
        ChangeModels(WORKED_OUT.models, WORKED_OUT.providers, WORKED_OUT.default_model),
        ChangeDataCollection("allow"),
        BuyCredits(250_000, "inv-2026/1141"),
        BuyCredits(12_50, "pi_3QhTqX2eZvKYlo2C0a1b2c3d4e5f6a7b8c9d0e1f2a3b4c5d6e7f8a9b0c1d2e3f"),
        SetSsoDomain("calder.example"),
        CreateMode("Reviewer", "Look for what could go wrong.\nSay it in one line.", ("read", "terminal")),
        CreateMode(HOSTILE, HOSTILE, ("read",)),
        CreateMode(LONG[:60], "", ("read", "edit", "terminal", "browser", "mcp")),
    )
    for command in acts:
        company.act(owner, command)
    mode = company.modes()["Reviewer"]
    company.act(admin, UpdateMode(mode.id, "Code reviewer", "Say it in one line.\nBe kind.", ("browser", "read")))
    for attempt in (1, 2):
        company.act(company.member, RecordFailedSignIn("Wrong password", attempt))
