"""Inviting many: nobody before it was seen what each row would do, then an act for each row that can be."""

from __future__ import annotations

import pytest

from minutebook.errors import Invalid
from minutebook.model import Plan, Role
from minutebook.organization.mail_limits import TO_ONE
from minutebook.organization.organizations import ChangePlan
from minutebook.web.app import WebSettings
from minutebook.web.pasted_rows import read_rows
from tests.support.dashboard import Calder, Dashboard, errors, heading, told, value

GIVEN = tuple(Role)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ada@x.example", [(1, "ada@x.example", Role.MEMBER)]),
        ("\ufeffRole;E-Mail\r\nBilling Manager;Ada@X.example\r\n", [(2, "ada@x.example", Role.BILLING_MANAGER)]),
        (
            '\n"ada@x.example"\tAUDITOR\n\n b@x.example \n',
            [(2, "ada@x.example", Role.AUDITOR), (4, "b@x.example", Role.MEMBER)],
        ),
        ("name,email\nAda,ada@x.example", [(2, "ada@x.example", Role.MEMBER)]),
    ],
)
def test_rows_are_read_as_spreadsheets_write_them(text: str, expected: list[tuple[int, str, Role]]) -> None:
    assert [(row.line, row.email, row.role) for row in read_rows(text, Role.MEMBER, GIVEN)] == expected


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("ada@", "not a complete address"),
        ("ada@x.example,king", "\u201cking\u201d is no role. Write one of: Member."),
        ("ada@x.example,owner", "You may not invite anybody as owner."),
        ("=cmd|'calc'!A0,member", "not a complete address"),
        ("a\0b@x.example", "U+0000"),
    ],
)
def test_what_is_wrong_with_a_row_is_said_of_it(text: str, problem: str) -> None:
    (row,) = read_rows(text, Role.MEMBER, (Role.MEMBER,))
    assert problem in row.problem
    first, second = read_rows("ada@x.example\nADA@x.example", Role.MEMBER, GIVEN)
    assert (first.problem, second.problem) == ("", "The same address is in line 1 already.")


@pytest.mark.parametrize("text", ["", " \n,,\n", "x" * 100_001, "a@x.example\n" * 501, 'a@x.example,"'])
def test_what_cannot_be_read_at_all_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        read_rows(text, Role.MEMBER, GIVEN)


ROWS = (
    "one@x.example,admin\nnot an address\nada@calder.example\n<script>@x.example\n"
    "two@x.example\nthree@x.example\nfour@x.example,admn"
)


def test_many_are_invited_after_a_look(dashboard: Dashboard) -> None:
    dashboard.deployment.act(None, dashboard.number, ChangePlan(Plan.ENTERPRISE, 7))
    ada, path = dashboard.signed_in(Role.OWNER), dashboard.path("invitations", "bulk")
    before = dashboard.recorded()
    fields = {"rows": ROWS, "role": "member"}
    looked = ada.post(path, fields)
    assert (looked.status_code, dashboard.recorded()) == (200, before)
    shown = told(looked)
    assert "one@x.example 1 Admin Will be invited" in shown
    assert "ada@calder.example 3 Member Cannot be invited ada@calder.example holds a seat already." in shown
    assert "two@x.example 5 Member Will be invited three@x.example 6 Member Cannot be invited No seat is left" in shown
    assert "four@x.example 7 admn Cannot be invited “admn” is no role." in shown
    assert "<script>@" not in looked.text
    assert (value(looked, "rows"), "Invite 2 people" in shown) == (ROWS, True)
    seen = value(looked, "seen")
    changed = ada.post(path, fields | {"rows": f"{ROWS}\nfive@x.example", "seen": seen})
    assert "What each row would do" in told(changed)  # another text needs another look
    assert dashboard.recorded() == before
    invited = ada.post(path, fields | {"seen": seen})
    assert heading(invited) == "2 people invited"
    events = dashboard.events()[-2:]
    assert [(event.action, event.details["email"], event.details["role"]) for event in events] == [
        ("user.invite", "one@x.example", "admin"),
        ("user.invite", "two@x.example", "member"),
    ]
    assert dashboard.recorded() == before + 2
    assert "/invitation/" in invited.text
    left = value(invited, "rows").splitlines()
    assert left[0] == "not an address,member"
    assert (len(left), left[-1]) == (5, "four@x.example,admn")
    again = ada.post(path, {"rows": "\n".join(left), "role": "member"})
    assert again.status_code == 422
    assert errors(ada.post(path, {"rows": "", "role": "member"})).keys() == {"rows"}


def test_an_invitation_is_sent_again(dashboard: Dashboard) -> None:
    ada = dashboard.signed_in(Role.OWNER)
    ada.post(dashboard.path("invitations", "new"), {"emails": "guest@x.example", "role": "member"})
    invitation = str(dashboard.last().details["invitation"])
    assert f"{invitation}/resend" in ada.get(dashboard.path("members")).text
    path = dashboard.path("invitations", invitation, "resend")
    assert "stops working at once" in told(ada.get(path))
    sent = ada.post(path)
    assert heading(sent) == "Invitation sent again"
    assert "guest@x.example" in told(sent)
    assert "/invitation/" in sent.text
    assert dashboard.last().action == "user.resend_invite"


def test_a_row_whose_mail_would_be_one_too_many_is_left(calder_sqlite: Calder) -> None:
    dashboard = Dashboard.of(calder_sqlite, WebSettings("https://log.calder.example", sends_mail=True))
    ada, path = dashboard.signed_in(Role.OWNER), dashboard.path("invitations", "bulk")
    fields = {"rows": "two@x.example\nben@x.example", "role": "member"}
    for _ in range(TO_ONE):
        ada.post(dashboard.path("invitations", "new"), {"emails": "ben@x.example", "role": "member"})
        revoke = dashboard.path("invitations", str(dashboard.events()[-1].details["invitation"]), "revoke")
        assert ada.post(revoke).status_code == 303
    once_more = ada.post(dashboard.path("invitations", "new"), {"emails": "ben@x.example", "role": "member"})
    assert (once_more.status_code, value(once_more, "emails")) == (429, "ben@x.example")
    assert "Try again in 24 hours" in errors(once_more)["emails"]
    sent = ada.post(path, fields | {"seen": value(ada.post(path, fields), "seen")})
    assert (sent.status_code, heading(sent)) == (429, "1 person invited")
    assert "ben@x.example was mailed 5 invitations" in told(sent)
    assert value(sent, "rows") == "ben@x.example,member\n"
