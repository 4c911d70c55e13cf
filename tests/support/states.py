"""Every page and main state of the product as somebody comes to see it: what is checked by axe and photographed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from playwright.sync_api import Page, Route, expect

from minutebook.custody.clock import ConfirmClock, RecordForwardStep
from minutebook.custody.erase import EraseFields
from minutebook.custody.holds import PlaceHold
from minutebook.custody.ledger import Ledger
from minutebook.custody.retention import SetRetention
from minutebook.identifiers import new_token
from minutebook.model import DAY, HOUR, Context, Plan, Role
from minutebook.organization import links, support
from minutebook.organization.auditor_links import CreateLink
from minutebook.organization.credits import BuyCredits
from minutebook.organization.ending import CancelDeletion, RequestDeletion
from minutebook.organization.factor_key import FactorKey
from minutebook.organization.invitations import InvitePerson, MailedLink
from minutebook.organization.modes import CreateMode
from minutebook.organization.saved_searches import SaveSearch, searches
from minutebook.organization.settings import ChangeModels, read_settings
from minutebook.record import Command, own_seat, perform, perform_everywhere
from minutebook.store import anchors, log
from minutebook.store.engine import Store
from minutebook.web.assets import Assets
from minutebook.web.protect import CONTENT_SECURITY_POLICY
from minutebook.web.templating import environment
from tests.support.apps import add_app
from tests.support.component_examples import HOSTILE, examples
from tests.support.deployment import PASSWORD
from tests.support.passkeys import Authenticator, make_passkey
from tests.support.server import Company, new_person
from tests.support.visitor import Visitor


@dataclass(frozen=True)
class State:
    """One page as somebody can find it: who, and what they do to see it so."""

    name: str
    who: str
    leads: Callable[[Visitor], object]
    leave_out: tuple[str, ...] = ()


Leads = Callable[[Visitor], object]
STATES: list[State] = []


def state(name: str, who: str = "owner", leave_out: tuple[str, ...] = ()) -> Callable[[Leads], Leads]:
    """Adds a state: a function that leads a visitor there."""

    def add(leads: Leads) -> Leads:
        STATES.append(State(name, who, leads, leave_out))
        return leads

    return add


COVERED = ("target-size",)
"""Left out where an open popover half covers what lies below it: axe takes that for small targets."""


# ── No page of the product ───────────────────────────────────────────────────────────────────────────────────────────


@state("components", "nobody")
def _(visitor: Visitor) -> None:
    show_components(visitor)


@state("components, inviting", "nobody")
def _(visitor: Visitor) -> None:
    show_components(visitor, "invite")


@state("components, removing", "nobody")
def _(visitor: Visitor) -> None:
    show_components(visitor, "remove")


# ── Outside ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@state("sign-in", "nobody")
def _(visitor: Visitor) -> None:
    visitor.go("/sign-in")


@state("sign-in, refused", "nobody")
def _(visitor: Visitor) -> None:
    visitor.sign_in("nobody@calder.example", "not the password")


@state("forgotten password, without mail", "nobody")
def _(visitor: Visitor) -> None:
    visitor.go("/forgot")


@state("second factor, wrong code", "nobody")
def _(visitor: Visitor) -> None:
    person = new_person(visitor.site.store, "Person With App")
    add_app(visitor.site.store, FactorKey(visitor.site.custody.directory), person)
    visitor.sign_in(person.email)
    visitor.page.get_by_label("Code").fill("000000")
    visitor.press("Sign in")


@state("invitation, new person", "nobody")
def _(visitor: Visitor) -> None:
    visitor.go(f"/invitation/{invitation(visitor, 'new.person@calder.example')}")
    visitor.press("Accept and create account")


@state("invitation, new person by the link that was shown", "nobody")
def _(visitor: Visitor) -> None:
    mailed = MailedLink(new_token(visitor.site.store.randomness), "https://minutes.example/invitation")
    visitor.go(f"/invitation/{invitation(visitor, 'mailed.person@calder.example', mailed)}")


@state("invitation, known person", "nobody")
def _(visitor: Visitor) -> None:
    visitor.go(f"/invitation/{invitation(visitor, new_person(visitor.site.store, 'Known Person').email)}")


@state("invitation, of somebody else")
def _(visitor: Visitor) -> None:
    visitor.go(f"/invitation/{invitation(visitor, 'somebody.else@calder.example')}")


@state("invitation, over", "nobody")
def _(visitor: Visitor) -> None:
    visitor.go("/invitation/unknown")


@state("sign-in link", "nobody")
def _(visitor: Visitor) -> None:
    store, owner = visitor.site.store, visitor.site.company.owner
    visitor.go(f"/enter/{links.new_link(store, links.SIGN_IN, lifetime=DAY, user=owner.id)}")


@state("new password", "nobody")
def _(visitor: Visitor) -> None:
    store, owner = visitor.site.store, visitor.site.company.owner
    visitor.go(f"/password/{links.new_link(store, links.RESET, lifetime=DAY, user=owner.id)}")
    visitor.press("Set password and sign in")


@state("guide", "nobody")
def _(visitor: Visitor) -> None:
    visitor.go("/guide/audit-logs")


@state("account")
def _(visitor: Visitor) -> None:
    visitor.go("/account")


@state("account, a name that is wrong")
def _(visitor: Visitor) -> None:
    visitor.go("/account/profile")
    visitor.page.get_by_label("Your name").fill("")
    visitor.press("Save")


@state("account, a password that is wrong")
def _(visitor: Visitor) -> None:
    visitor.go("/account/password")
    visitor.press("Change password")


@state("account, deleting", "member")
def _(visitor: Visitor) -> None:
    visitor.go("/account/delete")
    visitor.press("Delete my account")


@state("members, leaving", "member")
def _(visitor: Visitor) -> None:
    visitor.open("members")
    visitor.page.locator("summary[aria-label='More for Wen Li']").click()
    visitor.page.get_by_role("link", name="Leave the organization").click()
    expect(visitor.page.get_by_role("alertdialog")).to_be_visible()


@state("account, sessions")
def _(visitor: Visitor) -> None:
    visitor.site.company.session(visitor.site.company.owner)
    visitor.go("/account/sessions")


@state("second factor, to be required")
def _(visitor: Visitor) -> None:
    visitor.open("settings", "second-factor")
    visitor.page.get_by_label("Required").check()
    visitor.press("Save")


@state("second factors, none")
def _(visitor: Visitor) -> None:
    visitor.go("/account/second-factors")


@state("second factors, with a passkey to come", "nobody")
def _(visitor: Visitor) -> None:
    person = new_person(visitor.site.store, "Person With Passkey")
    visitor.sign_in(person.email)
    command = make_passkey(visitor.site.store, person, Authenticator(credential=new_token(os.urandom).encode()))
    perform_everywhere(visitor.site.store, person.actor(), Context(), command)
    visitor.go("/account/passkeys/new")
    visitor.page.get_by_label("Your password").fill(PASSWORD)
    visitor.press("Go on")


@state("second factors, codes just made", "nobody")
def _(visitor: Visitor) -> None:
    person = new_person(visitor.site.store, "Person With Codes")
    visitor.sign_in(person.email)
    add_app(visitor.site.store, FactorKey(visitor.site.custody.directory), person)
    visitor.go("/account/recovery-codes/new")
    visitor.page.get_by_label("Your password").fill(PASSWORD)
    visitor.press("Make new codes")


@state("authenticator app, password asked for")
def _(visitor: Visitor) -> None:
    visitor.go("/account/authenticator-app/new")
    visitor.press("Go on")


@state("authenticator app, being added")
def _(visitor: Visitor) -> None:
    visitor.go("/account/authenticator-app/new")
    visitor.page.get_by_label("Your password").fill(PASSWORD)
    visitor.press("Go on")
    visitor.press("Add app")


@state("new organization")
def _(visitor: Visitor) -> None:
    visitor.go("/organizations/new")
    visitor.press("Create organization")


@state("organizations")
def _(visitor: Visitor) -> None:
    visitor.go("/organizations?q=calder")


@state("not found", "nobody")
def _(visitor: Visitor) -> None:
    visitor.go("/there/is/nothing")


def invitation(visitor: Visitor, email: str, mailed: MailedLink | None = None) -> str:
    """The token of a new invitation."""
    token = new_token(visitor.site.store.randomness)
    visitor.site.company.act(visitor.site.company.owner, InvitePerson(email, Role.MEMBER, token, mailed))
    return token


# ── The organization ─────────────────────────────────────────────────────────────────────────────────────────────────


@state("overview")
def _(visitor: Visitor) -> None:
    visitor.open()


@state("overview, with what needs attention")
def _(visitor: Visitor) -> None:
    company = visitor.site.company
    _by_the_system(company, RecordForwardStep(1, 2))
    visitor.open()
    company.act(company.owner, ConfirmClock())


@state("overview, as a member", "member")
def _(visitor: Visitor) -> None:
    visitor.open()


@state("settings, a name that cannot be")
def _(visitor: Visitor) -> None:
    visitor.open("settings")
    visitor.page.get_by_label("Name").fill("")
    visitor.press("Rename")


@state("members")
def _(visitor: Visitor) -> None:
    visitor.open("members")


@state("members, as a member", "member")
def _(visitor: Visitor) -> None:
    visitor.open("members")


@state("members, nobody found")
def _(visitor: Visitor) -> None:
    visitor.open("members?q=zzz&role=admin")


@state("members, a role menu", leave_out=COVERED)
def _(visitor: Visitor) -> None:
    visitor.open("members")
    visitor.page.locator("summary[aria-label='Role of Wen Li: Member']").click()


@state("members, the menu at the end", leave_out=COVERED)
def _(visitor: Visitor) -> None:
    visitor.open("members")
    visitor.page.locator("summary[aria-label='More for Wen Li']").click()


@state("members, inviting")
def _(visitor: Visitor) -> None:
    visitor.open("members")
    visitor.page.get_by_role("link", name="Invite people").click()
    expect(visitor.page.get_by_role("dialog", name="Invite people")).to_be_visible()


@state("members, an invitation that is wrong")
def _(visitor: Visitor) -> None:
    visitor.open("invitations", "new")
    visitor.page.get_by_label("Email addresses").fill(f"ada@@calder.example, {HOSTILE}")
    visitor.press("Invite", visitor.page.get_by_role("dialog"))


@state("members, invited")
def _(visitor: Visitor) -> None:
    visitor.open("invitations", "new")
    visitor.page.get_by_label("Email addresses").fill(f"one@calder.example, {visitor.site.company.member.email}")
    visitor.press("Invite", visitor.page.get_by_role("dialog"))
    assert visitor.heading == "1 person invited"


@state("members, handing over the ownership")
def _(visitor: Visitor) -> None:
    visitor.open("members", visitor.site.company.member.id, "transfer")


@state("deleting the organization")
def _(visitor: Visitor) -> None:
    visitor.open("deletion")
    visitor.page.get_by_label("to confirm").fill("calder")
    visitor.press("Delete after 14 days")


@state("deleting the organization, asked for")
def _(visitor: Visitor) -> None:
    company = visitor.site.company
    company.act(company.owner, RequestDeletion())
    visitor.open("deletion")
    company.act(company.owner, CancelDeletion())


@state("members, many to be invited")
def _(visitor: Visitor) -> None:
    visitor.open("invitations", "bulk")
    rows = f"many@calder.example,admin\n{visitor.site.company.member.email}\n{HOSTILE}"
    visitor.page.get_by_label("Email and role").fill(rows)
    visitor.press("Check")
    expect(visitor.page.get_by_role("button", name="Invite 1 person")).to_be_visible()


@state("members, sending an invitation again")
def _(visitor: Visitor) -> None:
    visitor.open("members")
    visitor.page.get_by_role("link", name="Send the invitation of pending@calder.example again").click()
    expect(visitor.page.get_by_role("dialog")).to_be_visible()


@state("members, removing")
def _(visitor: Visitor) -> None:
    visitor.open("members", visitor.site.company.member.id, "remove")
    visitor.page.get_by_role("textbox").fill("wen")


@state("members, ending sessions")
def _(visitor: Visitor) -> None:
    visitor.open("members", visitor.site.company.member.id, "sessions")


@state("sign-in, again", "nobody")
def _(visitor: Visitor) -> None:
    visitor.go("/sign-in?again=yes")


@state("members, revoking")
def _(visitor: Visitor) -> None:
    visitor.open("members")
    visitor.page.get_by_role("link", name="Revoke the invitation of pending@calder.example").click()
    expect(visitor.page.get_by_role("dialog")).to_be_visible()


@state("navigation and switcher", leave_out=COVERED)
def _(visitor: Visitor) -> None:
    visitor.open("members#nav")
    visitor.page.locator(".org summary").click()


@state("models")
def _(visitor: Visitor) -> None:
    visitor.open("models")


@state("models, as a member", "member")
def _(visitor: Visitor) -> None:
    visitor.open("models")


@state("models, wrong")
def _(visitor: Visitor) -> None:
    visitor.open("models")
    visitor.page.get_by_label("Allow another model").fill("not a model")
    visitor.press("Save")


@state("models, saved by somebody else meanwhile")
def _(visitor: Visitor) -> None:
    visitor.open("models")
    meanwhile(visitor)
    visitor.page.get_by_label("Allow another model").fill("acme/coder-2")
    visitor.press("Save")
    expect(visitor.page.get_by_role("heading", name="What was saved meanwhile")).to_be_visible()


@state("modes")
def _(visitor: Visitor) -> None:
    visitor.open("modes")


@state("mode, new and wrong")
def _(visitor: Visitor) -> None:
    visitor.open("modes", "new")
    visitor.press("Create mode")


@state("mode")
def _(visitor: Visitor) -> None:
    visitor.open("modes", visitor.site.company.modes()[HOSTILE].id)


@state("mode, as a member", "member")
def _(visitor: Visitor) -> None:
    visitor.open("modes", visitor.site.company.modes()[HOSTILE].id)


@state("mode, deleting")
def _(visitor: Visitor) -> None:
    visitor.open("modes", visitor.site.company.modes()[HOSTILE].id, "delete")


@state("credits")
def _(visitor: Visitor) -> None:
    visitor.open("credits")


@state("credits, wrong")
def _(visitor: Visitor) -> None:
    visitor.open("credits")
    visitor.page.get_by_label("Amount in US dollars").fill("a lot")
    visitor.press("Buy credits")


@state("credits, refused", "member")
def _(visitor: Visitor) -> None:
    assert visitor.open("credits").status == 403


@state("sso")
def _(visitor: Visitor) -> None:
    visitor.open("sso")
    visitor.page.get_by_role("textbox", name="Domain").fill("not a domain")
    visitor.press("Set domain")


@state("sso, a long domain")
def _(visitor: Visitor) -> None:
    visitor.open("sso")
    visitor.page.get_by_role("textbox", name="Domain").fill(300 * "d")
    visitor.press("Set domain")


@state("models, a long id")
def _(visitor: Visitor) -> None:
    visitor.open("models")
    visitor.page.get_by_label("Allow another model").fill(200 * "m")
    visitor.press("Save")


@state("sso, removing")
def _(visitor: Visitor) -> None:
    visitor.open("sso", "remove")


@state("tokens, none")
def _(visitor: Visitor) -> None:
    visitor.open("tokens")


@state("tokens")
def _(visitor: Visitor) -> None:
    visitor.open("tokens", "new")
    visitor.page.get_by_label("Name").fill(HOSTILE)
    visitor.press("Create token")
    visitor.open("tokens")


@state("tokens, wrong")
def _(visitor: Visitor) -> None:
    visitor.open("tokens", "new")
    visitor.page.get_by_label("Days until it expires").fill("forever")
    visitor.press("Create token")


@state("tokens, the secret")
def _(visitor: Visitor) -> None:
    visitor.open("tokens", "new")
    visitor.page.get_by_label("Name").fill("SIEM")
    visitor.press("Create token")


@state("tokens, revoking")
def _(visitor: Visitor) -> None:
    visitor.open("tokens", "new")
    visitor.page.get_by_label("Name").fill("SIEM")
    visitor.press("Create token")
    visitor.open("tokens")
    visitor.page.get_by_role("link", name="Revoke the API token").first.click()


@state("settings")
def _(visitor: Visitor) -> None:
    visitor.open("settings")


@state("settings, saved", leave_out=())
def _(visitor: Visitor) -> None:
    visitor.open("settings")
    visitor.press("Save")
    visitor.told("Nothing to change")


@state("settings, as a member", "member")
def _(visitor: Visitor) -> None:
    visitor.open("settings")


def meanwhile(visitor: Visitor) -> None:
    """The admin saves other models."""
    company = visitor.site.company
    with company.store.reading() as connection:
        now = read_settings(connection, company.number)
    models = (
        tuple(name for name in now.models if name != "openai/o3")
        if "openai/o3" in now.models
        else (*now.models, "openai/o3")
    )
    company.act(company.admin, ChangeModels(models, now.providers, now.default_model))


# ── Audit Logs ───────────────────────────────────────────────────────────────────────────────────────────────────────


@state("audit logs")
def _(visitor: Visitor) -> None:
    visitor.open_log()


@state("audit logs, filtered")
def _(visitor: Visitor) -> None:
    actions = ("user.invite", "settings.change", "mode.create", "member.change_role")
    visitor.open_log(
        *(("action", action) for action in actions),
        ("actor", visitor.site.company.owner.email),
        ("start", "2020-01-01"),
        ("text", "a"),
        ("zone", "utc"),
    )
    assert visitor.rows()


@state("audit logs, a query")
def _(visitor: Visitor) -> None:
    query = "(action:settings.* OR target:wen) -outcome:failure -actor:nobody@x.example"
    visitor.open_log(("query", query))
    assert visitor.rows()


@state("audit logs, a bad query")
def _(visitor: Visitor) -> None:
    visitor.open_log(("query", "-action:user.logout -actor:ci@calder.example outcome:sucess after:2026-11-06"))


@state("audit logs, a query with two mistakes")
def _(visitor: Visitor) -> None:
    visitor.open_log(("query", "-action:user.logout outcome:sucess after:2026-11-06 ip:203.0.113"))


@state("audit logs, some chosen and some left out")
def _(visitor: Visitor) -> None:
    visitor.open_log(("query", "action:settings.change,mode.create -outcome:failure -actor:bo.karlsen@calder.example"))
    assert visitor.page.locator(".facet .is-chosen").count() == 2


@state("audit logs, all but some actors", leave_out=COVERED)
def _(visitor: Visitor) -> None:
    visitor.open_log(("query", "-actor:ada.okafor@calder.example,nobody"))
    visitor.menu("actor")


@state("audit logs, all but some actions", leave_out=COVERED)
def _(visitor: Visitor) -> None:
    visitor.open_log(("query", "-action:settings.*,user.invite,*.remove"))
    visitor.menu("actions")


@state("audit logs, ways to export", leave_out=COVERED)
def _(visitor: Visitor) -> None:
    visitor.open_log(("action", "settings.change"))
    visitor.page.locator("summary", has_text="Export").click()


@state("audit logs, exported")
def _(visitor: Visitor) -> None:
    visitor.open_log(("action", "settings.change"))
    visitor.page.locator("summary", has_text="Export").click()
    with visitor.page.expect_download():
        visitor.page.get_by_role("link", name="CSV").click()
    expect(visitor.page.get_by_role("dialog").get_by_role("status")).to_contain_text("Complete.")


@state("audit logs, an export that was refused")
def _(visitor: Visitor) -> None:
    visitor.expect_complaint("503")
    visitor.open_log(("action", "settings.change"))
    problem = {"detail": "The database cannot be reached or is busy. Nothing was changed; try again in a moment."}
    visitor.intercept("**/audit-logs/export*", lambda route: route.fulfill(status=503, json=problem))
    visitor.page.locator("summary", has_text="Export").click()
    visitor.page.get_by_role("link", name="OCSF").click()
    expect(visitor.page.get_by_role("button", name="Try again")).to_be_visible()


@state("audit logs, an event")
def _(visitor: Visitor) -> None:
    visitor.open_log(("action", "settings.change"))
    visitor.open_event(visitor.found()[-1])


@state("audit logs, a refusal")
def _(visitor: Visitor) -> None:
    visitor.open_log(("action", "user.login_failed"))
    visitor.open_event(visitor.found()[0])


@state("audit logs, raw JSON")
def _(visitor: Visitor) -> None:
    visitor.open_log(("text", "img"))
    visitor.open_event(visitor.found()[0]).get_by_role("tab", name="Raw JSON").click()


@state("audit logs, actions", leave_out=COVERED)
def _(visitor: Visitor) -> None:
    visitor.open_log(("action", "user.invite"))
    visitor.menu("actions").get_by_label("Find an action").fill("role")


@state("audit logs, completions", leave_out=COVERED)
def _(visitor: Visitor) -> None:
    visitor.open_log()
    box = visitor.page.get_by_role("combobox", name="Search the log")
    box.press_sequentially("details.")
    expect(visitor.page.get_by_role("option").first).to_be_visible()
    box.press("ArrowDown")
    box.press("ArrowDown")
    expect(visitor.page.get_by_role("option").nth(1)).to_have_attribute("aria-selected", "true")


@state("audit logs, names to complete with", leave_out=COVERED)
def _(visitor: Visitor) -> None:
    visitor.open_log()
    visitor.page.get_by_role("combobox", name="Search the log").press_sequentially("target:")
    expect(visitor.page.get_by_role("option").first).to_be_visible()


@state("audit logs, actor", leave_out=COVERED)
def _(visitor: Visitor) -> None:
    visitor.open_log()
    visitor.menu("actor")


@state("audit logs, dates", leave_out=COVERED)
def _(visitor: Visitor) -> None:
    visitor.open_log(("start", "2026-01-01"))
    visitor.menu("dates")


@state("audit logs, another filter", leave_out=COVERED)
def _(visitor: Visitor) -> None:
    visitor.open_log()
    visitor.menu("others")


@state("audit logs, saved searches", leave_out=COVERED)
def _(visitor: Visitor) -> None:
    keep_searches(visitor)
    visitor.open_log(("query", "-outcome:success"))
    visitor.menu("saved")
    assert visitor.page.locator(".pop--saved a[aria-current]").count() == 1


@state("audit logs, saving a search")
def _(visitor: Visitor) -> None:
    visitor.open_log(("query", "-outcome:success action:user.* nothing"))
    visitor.page.get_by_role("link", name="Save search").click()
    expect(visitor.page.get_by_role("dialog", name="Save this search")).to_be_visible()


@state("saved searches")
def _(visitor: Visitor) -> None:
    keep_searches(visitor)
    visitor.open("audit-logs", "saved")


@state("saved searches, none")
def _(visitor: Visitor) -> None:
    company = visitor.site.company
    other = Company(company.store, "Quiet Works", company.owner, colleagues=())
    visitor.go(f"/o/{other.id}/audit-logs/saved")


@state("saved searches, a name that is taken")
def _(visitor: Visitor) -> None:
    keep_searches(visitor)
    visitor.open("audit-logs", "saved", "new?query=seq:1..20")
    dialog = visitor.page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("What went wrong")
    dialog.get_by_label("Everybody").check()
    visitor.press("Save", dialog)
    expect(dialog.get_by_label("Put this one in its place")).to_be_visible()


@state("saved searches, renaming")
def _(visitor: Visitor) -> None:
    keep_searches(visitor)
    visitor.open("audit-logs", "saved")
    visitor.page.get_by_role("link", name="Rename the search Mine").click()
    dialog = visitor.page.get_by_role("dialog")
    dialog.get_by_label("Name").fill(" ")
    visitor.press("Rename", dialog)
    expect(dialog.get_by_text("The name is missing")).to_be_visible()


@state("saved searches, deleting")
def _(visitor: Visitor) -> None:
    keep_searches(visitor)
    visitor.open("audit-logs", "saved")
    visitor.page.get_by_role("link", name="Delete the search What went wrong").click()
    expect(visitor.page.get_by_role("dialog")).to_be_visible()


def keep_searches(visitor: Visitor) -> None:
    """Some searches of the visitor, each once."""
    company = visitor.site.company
    kept = (
        ("What went wrong", "-outcome:success", True),
        (HOSTILE[:60], "details.after:admin " + " OR ".join(f"actor:person{n}@calder.example" for n in range(9)), True),
        ("Mine", "actor:ada", False),
    )
    with company.store.reading() as connection:
        names = {search.name for search in searches(connection, company.number, company.owner.id)}
    for name, query, shared in kept:
        if name not in names:
            company.act(company.owner, SaveSearch(name, query, shared))


@state("audit logs, the history of a person")
def _(visitor: Visitor) -> None:
    visitor.open_log(("query", f"actor:{visitor.site.company.owner.id}"))
    expect(visitor.page.get_by_role("heading", name="History of Ada Okafor")).to_be_visible()


@state("audit logs, the history of a thing with a long name")
def _(visitor: Visitor) -> None:
    visitor.open_log(("query", f"target:{visitor.site.company.modes()[HOSTILE].id}"))
    assert visitor.rows()


@state("audit logs, an event that is proven")
def _(visitor: Visitor) -> None:
    visitor.site.sign()
    visitor.open_log(("action", "settings.change"))
    panel = visitor.open_event(visitor.found()[-1])
    panel.get_by_text("Download proof").scroll_into_view_if_needed()


@state("integrity")
def _(visitor: Visitor) -> None:
    visitor.site.sign()
    visitor.open("integrity")


@state("integrity, anchored")
def _(visitor: Visitor) -> None:
    visitor.site.sign()
    store, number = visitor.site.store, visitor.site.company.number
    with store.reading() as connection:
        log_id = log.read_head(connection, number).log_id
    at = store.clock()
    why = "could not be reached: https://timestamps.a-firm-with-a-long-name.example/tsr answers with status 503"
    said = (
        anchors.Said(log_id, anchors.AnchorKind.WITNESS, "auditor.example/witness", 19, at, b"a line"),
        anchors.Said(
            log_id, anchors.AnchorKind.TIMESTAMP, "timestamps.a-firm-with-a-long-name.example", 19, at, None, why
        ),
    )
    with store.housekeeping() as connection:
        anchors.note(connection, said)
    visitor.open("integrity")
    visitor.page.locator("#anchors").scroll_into_view_if_needed()


@state("integrity, a wrong key")
def _(visitor: Visitor) -> None:
    visitor.open("integrity")
    visitor.page.get_by_label("Key of the log").fill("minutebook.example/o/log_1")
    visitor.page.get_by_role("button", name="Verify", exact=True).click()
    expect(visitor.page.get_by_text("A key is one line")).to_be_visible()


@state("integrity, verified")
def _(visitor: Visitor) -> None:
    visitor.open("integrity")
    visitor.site.sign()
    visitor.open("integrity")
    visitor.page.get_by_label("Key of the log").fill(visitor.page.locator("#vkey-now").inner_text())
    visitor.page.get_by_role("button", name="Verify", exact=True).click()
    expect(visitor.page.get_by_text("Valid: the first")).to_be_visible()


@state("auditor links")
def _(visitor: Visitor) -> None:
    auditor_link(visitor, "Nordwind Wirtschaftsprüfung", "action:member.* OR action:user.invite OR action:settings.*")
    auditor_link(visitor, HOSTILE, "")
    visitor.open("auditor-links")


@state("auditor links, none")
def _(visitor: Visitor) -> None:
    company = visitor.site.company
    other = Company(company.store, "Calm Works", company.owner, colleagues=())
    visitor.go(f"/o/{other.id}/auditor-links")


@state("auditor links, a wrong one")
def _(visitor: Visitor) -> None:
    visitor.open_log(("query", "action:member.*"))
    visitor.page.get_by_role("link", name="Auditor link", exact=True).click()
    dialog = visitor.page.get_by_role("dialog", name="New auditor link")
    dialog.get_by_label("Who it is for").fill(HOSTILE)
    dialog.get_by_label("What it shows").fill("outcome:sucess")
    visitor.press("Make link", dialog)
    expect(dialog.get_by_label("What it shows")).to_be_focused()


@state("auditor links, made")
def _(visitor: Visitor) -> None:
    visitor.open("auditor-links", "new?query=action:member.*")
    visitor.page.get_by_label("Who it is for").fill("Nordwind Audit")
    visitor.press("Make link", visitor.page.get_by_role("dialog"))
    assert visitor.heading == "Link for Nordwind Audit"


@state("auditor links, revoking")
def _(visitor: Visitor) -> None:
    auditor_link(visitor, "Revoked Audit", "")
    visitor.open("auditor-links")
    visitor.page.get_by_role("link", name="Revoke the link for Revoked Audit").first.click()
    expect(visitor.page.get_by_role("alertdialog")).to_be_visible()


@state("auditor link, not opened yet", "nobody")
def _(visitor: Visitor) -> None:
    visitor.go(f"/audit/{auditor_link(visitor, 'Nordwind Audit', 'action:member.*')}")


@state("auditor link, over", "nobody")
def _(visitor: Visitor) -> None:
    visitor.go("/audit/unknown")


@state("auditor link, the log", "nobody")
def _(visitor: Visitor) -> None:
    visitor.go(f"/audit/{auditor_link(visitor, 'Nordwind Audit', 'action:member.* OR action:user.*')}")
    visitor.press("Open the audit log")
    visitor.open_event(visitor.found()[0])


@state("auditor link, nothing to see", "nobody")
def _(visitor: Visitor) -> None:
    visitor.go(f"/audit/{auditor_link(visitor, HOSTILE, 'seq:1000000')}")
    visitor.press("Open the audit log")


@state("auditor link, closed", "nobody")
def _(visitor: Visitor) -> None:
    visitor.expect_complaint("status of 410")
    assert visitor.go("/audit/aud_aaaaaaaaaaaa/log").status == 410


@state("retention")
def _(visitor: Visitor) -> None:
    company = visitor.site.company
    _by_the_system(company, SetRetention("mode", 365))
    company.act(company.owner, PlaceHold("Nordwind v. Calder", f"action:member.* OR target:{company.member.id}"))
    company.act(company.owner, PlaceHold(HOSTILE, "seq:9999999.."))
    visitor.open("retention")


@state("retention, the clock is not sure")
def _(visitor: Visitor) -> None:
    visitor.go(f"/o/{_with_a_step(visitor).id}/retention/clock")
    expect(visitor.page.get_by_role("alertdialog", name="Is the clock right?")).to_be_visible()


@state("retention, what would go")
def _(visitor: Visitor) -> None:
    visitor.open("retention")
    visitor.page.get_by_role("link", name="Change how long Modes is kept").click()
    dialog = visitor.page.get_by_role("dialog", name="How long is it kept?")
    dialog.get_by_label("Days").fill("89")
    visitor.press("Save", dialog)
    expect(visitor.page.get_by_label("Days")).to_be_focused()


@state("retention, placing a hold")
def _(visitor: Visitor) -> None:
    visitor.open("retention")
    visitor.page.get_by_role("link", name="Place a hold").click()
    dialog = visitor.page.get_by_role("dialog", name="Place a legal hold")
    dialog.get_by_label("Name").fill(HOSTILE)
    dialog.get_by_label("What is held").fill("outcome:sucess")
    visitor.press("Show what it holds", dialog)
    expect(visitor.page.get_by_label("What is held")).to_be_focused()


@state("retention, releasing a hold")
def _(visitor: Visitor) -> None:
    company = visitor.site.company
    company.act(company.owner, PlaceHold("Released v. Calder", "action:sso.*"))
    visitor.open("retention")
    visitor.page.get_by_role("link", name="Release the hold Released v. Calder").first.click()
    expect(visitor.page.get_by_role("alertdialog")).to_be_visible()


@state("erasing, who")
def _(visitor: Visitor) -> None:
    visitor.open("retention", "erase")
    visitor.page.get_by_label("A person").fill("nobody@x.example")
    visitor.expect_complaint("status of 422")
    visitor.press("Show the plan")
    expect(visitor.page.get_by_label("A person")).to_be_focused()


@state("erasing, the plan")
def _(visitor: Visitor) -> None:
    visitor.open("retention", "erase")
    visitor.page.get_by_label("A person").fill(visitor.site.company.member.email)
    visitor.press("Show the plan")
    expect(visitor.page.get_by_role("heading", name="The plan")).to_be_visible()


@state("audit logs, an event of which something was erased")
def _(visitor: Visitor) -> None:
    company = visitor.site.company
    event = company.act(company.owner, CreateMode(f"Erased {new_token(company.store.randomness)[:6]}", "Read", ()))
    ledger = Ledger(company.store.file.parent / "custody")
    paths = ["actor.email", "actor.name", "targets.0", "details.name", "context.ip"]
    company.act(company.owner, EraseFields({event.seq: paths}, "By letter", ledger))
    visitor.open_log(("query", f"seq:{event.seq}"))
    visitor.open_event(event.seq)


def _with_a_step(visitor: Visitor) -> Company:
    company = visitor.site.company
    other = Company(company.store, "Calm Works", company.owner, colleagues=())
    _by_the_system(other, RecordForwardStep(0, 3650 * DAY))
    return other


def _by_the_system(company: Company, command: Command) -> None:
    perform(company.store, own_seat(company.number), command)


def auditor_link(visitor: Visitor, name: str, query: str) -> str:
    """The token of a new link."""
    token = new_token(visitor.site.store.randomness)
    visitor.site.company.act(visitor.site.company.owner, CreateLink(name, query, 7, token))
    return token


@state("audit logs, nothing found")
def _(visitor: Visitor) -> None:
    visitor.open_log(("actor", visitor.site.company.owner.email), ("text", "nothing says this"))


@state("audit logs, nothing found of a long address")
def _(visitor: Visitor) -> None:
    visitor.open_log(("actor", 100 * "a"))


@state("audit logs, nothing found of a long word")
def _(visitor: Visitor) -> None:
    visitor.open_log(("text", 190 * "t"))


@state("audit logs, new events")
def _(visitor: Visitor) -> None:
    company = visitor.site.company
    for _number in range(60):
        company.act(company.owner, BuyCredits(100, f"inv-{new_token(visitor.site.store.randomness)}"))
    visitor.open_log(("action", "credits.purchase"))
    visitor.follow(visitor.page.get_by_role("link", name="Older", exact=True))
    company.act(company.owner, BuyCredits(100, f"inv-{new_token(visitor.site.store.randomness)}"))
    visitor.page.reload()
    expect(visitor.page.get_by_role("link", name="1 new event")).to_be_visible()


@state("members, unreachable")
def _(visitor: Visitor) -> None:
    visitor.open("members")
    for complaint in ("net::ERR_FAILED", "htmx:sendError", "htmx:afterRequest"):
        visitor.expect_complaint(complaint)
    visitor.intercept("**/invitations/new", lambda route: route.abort())
    visitor.page.get_by_role("link", name="Invite people").click()
    expect(visitor.page.get_by_role("heading", name="The server did not answer")).to_be_visible()


@state("audit logs, loading")
def _(visitor: Visitor) -> None:
    visitor.open_log()
    show_loading(visitor.page)


@state("audit logs, loading after nothing was found")
def _(visitor: Visitor) -> None:
    visitor.open_log(("q", "action:sso.remove_domain nothing"))
    show_loading(visitor.page)


def show_loading(page: Page) -> None:
    """As if another list were on its way: while one is, a browser that is driven tells nothing about its page."""
    page.evaluate(
        """() => {
            const destination = { url: document.querySelector("form.search").action };
            const { signal } = new AbortController();
            navigation.dispatchEvent(Object.assign(new Event("navigate"), { destination, signal }));
        }"""
    )
    expect(page.get_by_role("button", name="Stop")).to_be_visible()


@state("audit logs, live")
def _(visitor: Visitor) -> None:
    go_live(visitor)


@state("audit logs, live with new events")
def _(visitor: Visitor) -> None:
    go_live(visitor)
    for number in range(12):
        visitor.site.company.act(
            visitor.site.company.owner, BuyCredits(100, f"live-{number}-{new_token(visitor.site.store.randomness)}")
        )
    expect(visitor.page.locator("[data-live-bar] [data-fresh]")).to_contain_text("12 new events")


@state("audit logs, live and over")
def _(visitor: Visitor) -> None:
    visitor.page.route("**/audit-logs/tail*", lambda route: route.fulfill(status=401, body="{}"))
    visitor.open_log()
    visitor.page.get_by_role("button", name="Live tail").click()
    expect(visitor.page.locator("[data-live-bar]")).to_contain_text("The live tail has ended")


def go_live(visitor: Visitor) -> None:
    """Opens the log and follows it."""
    visitor.open_log()
    toggle = visitor.page.get_by_role("button", name="Live tail")
    toggle.click()
    expect(toggle).to_have_attribute("data-live-is", "live")


@state("audit logs, wrong dates", leave_out=COVERED)
def _(visitor: Visitor) -> None:
    visitor.open_log(("start_date", "2026-02-30"), ("end_date", "tomorrow"), ("end_time", "25:00"))


@state("audit logs, wrong in every way", leave_out=COVERED)
def _(visitor: Visitor) -> None:
    visitor.open_log(("action", "user.fly"), ("actor", "ada okafor"), ("colour", "red"), ("older", "x"))


@state("audit logs, an event that is not there")
def _(visitor: Visitor) -> None:
    assert visitor.open_log(("event", "99999")).status == 404


@state("audit logs, unreadable")
def _(visitor: Visitor) -> None:
    with visitor.site.store.acting():  # nobody else can write, and a new sitting must be recorded
        visitor.expect_complaint("status of 503")
        assert visitor.open_log().status == 503


@state("audit logs, unreachable")
def _(visitor: Visitor) -> None:
    visitor.open_log()
    for complaint in ("net::ERR_FAILED", "htmx:sendError", "htmx:afterRequest"):
        visitor.expect_complaint(complaint)
    visitor.intercept("**/audit-logs?event=*", lambda route: route.abort())
    visitor.page.locator(".ev__open").first.click()
    expect(visitor.page.get_by_role("heading", name="The server did not answer")).to_be_visible()


@state("audit logs, the keyboard")
def _(visitor: Visitor) -> None:
    visitor.open_log()
    visitor.page.get_by_role("button", name="Keyboard help").click()


@state("audit logs, refused", "member")
def _(visitor: Visitor) -> None:
    assert visitor.open_log().status == 403


@state("audit logs on the plan teams")
def _(visitor: Visitor) -> None:
    company = visitor.site.company
    small = Company(company.store, "Small Works", company.owner, Plan.TEAMS, colleagues=())
    visitor.go(f"/o/{small.id}/audit-logs")
    assert visitor.page.get_by_role("heading", name="Enterprise plan").is_visible()


@state("support, the link", "nobody")
def _(visitor: Visitor) -> None:
    token = let_support_in(visitor, "Sam Stone", f"Ticket 4711: {HOSTILE}")
    visitor.go(f"/support/{token}")


@state("support, let in")
def _(visitor: Visitor) -> None:
    """The last of all states, since every page says so from then on."""
    visitor.open("members")


def set_up(page: Page, store: Store) -> Iterator[str]:
    """Leads through the states of the page that is there before there is an organization; the name of each."""
    page.goto(f"/set-up/{links.new_link(store, links.SET_UP, lifetime=DAY)}")
    yield "set up"
    page.get_by_role("button", name="Create organization").click()
    expect(page.get_by_text("Choose a password")).to_be_visible()
    yield "set up, wrong"
    page.goto("/set-up/unknown")
    yield "set up, over"


def show_components(visitor: Visitor, dialog: str = "") -> None:
    """All components in every state; not served by the product, so put in here with its files and policy."""
    body = environment(Assets.packaged()).get_template("components.html").render(examples(dialog=dialog))

    def answer(route: Route) -> None:
        headers = {"Content-Security-Policy": CONTENT_SECURITY_POLICY}
        route.fulfill(body=body, content_type="text/html; charset=utf-8", headers=headers)

    visitor.page.route("**/components", answer)
    visitor.go("/components")


def let_support_in(visitor: Visitor, name: str, reason: str) -> str:
    """The token of the link of somebody of support staff, whom the browser is signed in as."""
    site = visitor.site
    sam, token = new_person(site.store, name, "minutebook.example"), new_token(site.store.randomness)
    support.change_staff(site.store, sam.id, to=True)
    _by_the_system(site.company, support.GrantSupport(sam.id, reason, HOUR, ("change modes",), token))
    session = site.company.session(sam)
    visitor.context.add_cookies([{"name": "minutebook-session", "value": session, "url": site.base_url}])
    return token
