"""The journey: real acts in the real pages, and each of them found under Audit Logs by whoever may read it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import expect

from minutebook.model import Event, Role, from_micros, to_micros
from minutebook.organization.people import User
from minutebook.organization.seats import RemoveMember
from minutebook.store import log
from tests.support.browser import Contexts
from tests.support.server import Company, Site, new_person, site_on
from tests.support.visitor import Arrive, Visitor, facts_of

BERLIN = ZoneInfo("Europe/Berlin")
NEW = "noor.haddad@calder.example"
NEW_PASSWORD = "a long walk at the harbour"


@dataclass(frozen=True)
class Done:
    """An act as a person remembers it: what, who, between when and when (UTC microseconds), and its words."""

    action: str
    actor: str
    since: int
    until: int
    words: tuple[str, ...]
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


@dataclass
class Diary:
    """What was done, in its order."""

    site: Site
    entries: list[Done] = field(default_factory=list)

    @contextmanager
    def entry(
        self, action: str, actor: str, *words: str, added: tuple[str, ...] = (), removed: tuple[str, ...] = ()
    ) -> Iterator[None]:
        since = self.site.clock()
        yield
        self.entries.append(Done(action, actor, since, self.site.clock(), words, added, removed))

    def events(self) -> list[Event]:
        """What the log really holds, newest first."""
        with self.site.store.reading() as connection:
            return sorted(
                log.events(connection, self.site.company.number), key=lambda event: (-event.occurred_at, -event.seq)
            )


def invite(owner: Visitor, email: str, role: str) -> str:
    """Invites by the dialog; the link that is shown."""
    owner.navigate("Members")
    owner.page.get_by_role("link", name="Invite people").click()
    dialog = owner.page.get_by_role("dialog", name="Invite people")
    dialog.get_by_label("Email addresses").fill(email)
    dialog.get_by_text(role, exact=True).click()
    owner.press("Invite", dialog)
    assert owner.heading == "1 person invited"
    return owner.page.locator("code.link-once").inner_text()


def accept(guest: Visitor, link: str) -> None:
    """Accepts as somebody who has no account yet."""
    guest.go(link)
    assert guest.heading == "Join Calder Robotics"
    assert urlsplit(guest.page.url).path == "/invitation", "the token stayed in the address"
    guest.page.get_by_label("Your name").fill("Noor Haddad")
    guest.page.get_by_label("Choose a password").fill(NEW_PASSWORD)
    guest.press("Accept and create account")
    guest.told("Invitation accepted")


def change_role(owner: Visitor, name: str, role: str) -> None:
    owner.navigate("Members")
    row = owner.page.get_by_role("row").filter(has_text=name)
    row.locator("summary", has_text="Member").click()
    owner.follow(row.get_by_role("button", name=role))
    owner.told("Role changed")


def change_models(owner: Visitor, add: str, remove: str) -> None:
    owner.navigate("Models & Providers")
    owner.page.get_by_label("Find a model").fill(remove)
    owner.page.get_by_role("checkbox", name=remove, exact=True).uncheck()
    owner.page.get_by_label("Allow another model").fill(add)
    owner.press("Save")
    owner.told("Models and providers saved")


def create_mode(owner: Visitor, name: str) -> None:
    owner.navigate("Modes")
    owner.follow(owner.page.get_by_role("main").get_by_role("link", name="New mode").first)
    owner.page.get_by_label("Name", exact=True).fill(name)
    owner.page.get_by_label("Instructions").fill("Look for what could go wrong.\nSay it in one line.")
    owner.page.get_by_role("checkbox", name="Run commands").check()
    owner.press("Create mode")
    owner.told("Mode created")


def buy_credits(owner: Visitor, amount: str, reference: str) -> None:
    owner.navigate("Credits")
    owner.page.get_by_label("Amount in US dollars").fill(amount)
    owner.page.get_by_label("Reference of the payment").fill(reference)
    owner.press("Buy credits")
    owner.told("Credits bought")


def set_domain(owner: Visitor, domain: str) -> None:
    owner.navigate("SSO")
    owner.page.get_by_role("textbox", name="Domain").fill(domain)
    owner.press("Set domain")
    owner.told("SSO domain set")


def remove_member(owner: Visitor, name: str, email: str) -> None:
    owner.navigate("Members")
    row = owner.page.get_by_role("row").filter(has_text=email)
    row.locator(f"summary[aria-label='More for {name}']").click()
    row.get_by_role("link", name="Remove from organization").click()
    dialog = owner.page.get_by_role("alertdialog", name=f"Remove {name} from Calder Robotics?")
    assert dialog.get_by_role("button", name=f"Remove {name}").is_disabled()
    dialog.get_by_role("textbox").fill(email)
    owner.press(f"Remove {name}", dialog)
    owner.told("Member removed")


@pytest.mark.timeout(300)
def test_everything_that_was_done_is_found(migrated_url: str, page_context: Contexts) -> None:
    with site_on(migrated_url) as site:
        diary = Diary(site)
        ada = Visitor(page_context, site)
        noor = Visitor(page_context, site, zone="Asia/Kathmandu", width=390)
        live(diary, ada, noor)
        with diary.entry("user.login", site.company.owner.email, "Signed in with password"):
            ada.sign_in(site.company.owner.email)
        ada.navigate("Audit Logs")
        for done in diary.entries:
            find_by_all_three(diary, ada, done)
        if site.store.is_sqlite:  # the pages are the same on both
            find_one_by_one(diary, ada)


def live(diary: Diary, ada: Visitor, noor: Visitor) -> None:
    """Everything that the owner does with a new colleague, from her first sign-in to her sign-out."""
    owner = diary.site.company.owner.email
    with diary.entry("user.login", owner, "Signed in with password"):
        ada.sign_in(owner)
    with diary.entry("user.invite", owner, f"Invited {NEW} as Member"):
        link = invite(ada, NEW, "Member")
    with diary.entry("user.accept_invite", NEW, "Accepted the invitation from Ada Okafor as Member"):
        accept(noor, link)
    with diary.entry("member.change_role", owner, "Changed role of Noor Haddad", "from Member to Billing manager"):
        change_role(ada, "Noor Haddad", "Billing manager")
    models = {"added": ("acme/coder-1",), "removed": ("deepseek/deepseek-r1",)}
    with diary.entry("settings.change", owner, "Changed Models & Providers", **models):
        change_models(ada, "acme/coder-1", "deepseek/deepseek-r1")
    with diary.entry("mode.create", owner, "Created mode Reviewer"):
        create_mode(ada, "Reviewer")
    with diary.entry("credits.purchase", owner, "Bought $2,500.00 of credits", "payment inv-2026/1141"):
        buy_credits(ada, "2,500", "inv-2026/1141")
    with diary.entry("sso.set_domain", owner, "Set the SSO domain", added=("calder.example",)):
        set_domain(ada, "calder.example")
    noor.open("members")
    assert noor.heading == "Members"
    with diary.entry("member.remove", owner, "Removed Noor Haddad, role Billing manager"):
        remove_member(ada, "Noor Haddad", NEW)
    assert noor.navigate("Modes").status == 404
    with diary.entry("user.logout", owner, "Signed out"):
        ada.sign_out()
    assert ada.heading == "Sign in"


def find_by_all_three(diary: Diary, reader: Visitor, done: Done) -> None:
    """Finds one act by what, who and when together; the row says all that is to be remembered."""
    reader.choose_actions(done.action)
    reader.choose_actor(done.actor)
    reader.apply(reader.choose_dates(wall(done.since), wall(done.until)))
    assert reader.number_found() == f"1 event of {len(diary.events())}"
    (row,) = reader.rows()
    assert (row.action, row.actor) == (done.action, done.actor)
    assert done.since <= to_micros(datetime.fromisoformat(row.utc)) <= done.until
    assert all(words in row.details for words in done.words), row.details
    if done.added or done.removed:
        assert (tuple(row.added), tuple(row.removed)) == (done.added, done.removed)


def find_one_by_one(diary: Diary, reader: Visitor) -> None:
    """Finds the acts by what alone, by who alone, and by when alone: everything that fits, and nothing else."""
    events = diary.events()
    reader.navigate("Audit Logs")
    for action in {done.action for done in diary.entries}:
        reader.apply(reader.choose_actions(action))
        assert reader.found() == [event.seq for event in events if event.action == action]
    reader.remove_filter("action")
    for actor in {done.actor for done in diary.entries}:
        reader.apply(reader.choose_actor(actor))
        assert reader.found() == [event.seq for event in events if event.actor.email == actor]
    reader.remove_filter("actor")
    for done in diary.entries:
        reader.apply(reader.choose_dates(wall(done.since), wall(done.until)))
        assert reader.found() == [event.seq for event in events if done.since <= event.occurred_at <= done.until]


def wall(micros: int) -> tuple[str, str]:
    """A day and a time to type, on the clock of Berlin."""
    moment = from_micros(micros).astimezone(BERLIN)
    return f"{moment:%Y-%m-%d}", f"{moment:%H:%M:%S.%f}"


def test_the_essentials_without_script(site: Site, arrive: Arrive) -> None:
    ada, company = arrive(script=False), site.company
    ada.sign_in(company.owner.email)
    ada.navigate("Members")
    ada.follow(ada.page.get_by_role("link", name="Invite people"))
    dialog = ada.page.get_by_role("dialog", name="Invite people")
    dialog.get_by_label("Email addresses").fill("half-typed@")
    ada.press("Invite", dialog)
    assert "half-typed@" in ada.field_error("Email addresses")
    expect(dialog.get_by_label("Email addresses")).to_have_value("half-typed@")
    dialog.get_by_label("Email addresses").fill("sam.obi@calder.example")
    dialog.get_by_text("Auditor", exact=True).click()
    ada.press("Invite", dialog)
    assert "/invitation/" in ada.page.locator("code.link-once").inner_text()

    since = site.clock()
    change_role_without_script(ada, "Priya Nair", "Admin")
    until = site.clock()
    ada.navigate("Audit Logs")
    assert "Time UTC" in ada.page.locator("thead").inner_text()
    ada.apply(ada.choose_actions("member.change_role"))
    ada.apply(ada.choose_actor(company.owner.email))
    start, end = ((f"{moment:%Y-%m-%d}", f"{moment:%H:%M:%S.%f}") for moment in map(from_micros, (since, until)))
    ada.apply(ada.choose_dates(start, end))
    (row,) = ada.rows()
    assert row.details == "Changed role of Priya Nair from Member to Admin"
    ada.follow(ada.page.locator(f"#e{row.seq} .ev__open"))
    panel = ada.page.get_by_role("complementary", name=f"Event {row.seq}")
    assert facts_of(panel)["Actor"].startswith("Ada Okafor")
    expect(panel.locator("#raw")).to_contain_text('"before": "member"')
    ada.sign_out()
    assert ada.heading == "Sign in"


def change_role_without_script(owner: Visitor, name: str, role: str) -> None:
    row = owner.page.get_by_role("row").filter(has_text=name)
    if not row.count():
        owner.navigate("Members")
    row.locator("summary", has_text="Member").click()
    owner.follow(row.get_by_role("button", name=role))
    expect(owner.page.get_by_role("status").filter(has_text="Role changed")).to_be_attached()


@pytest.mark.parametrize("who", ["member", "billing_manager", "outsider", "removed", "signed out"])
def test_whoever_may_not_read_the_log_gets_nothing_of_it(site: Site, arrive: Arrive, who: str) -> None:
    visitor = arrive(somebody(site.company, who))
    head = visitor.open_log(("event", "0"))
    body = visitor.page.content()
    if who == "signed out":
        assert (visitor.heading, urlsplit(visitor.page.url).path) == ("Sign in", "/sign-in")
    else:
        assert head.status == (403 if who in ("member", "billing_manager") else 404)
    expect(visitor.page.get_by_role("navigation").get_by_role("link", name="Audit Logs")).to_have_count(0)
    answers = [body]
    for path in ("audit-logs/0", "audit-logs/0.json", "audit-logs?event=0"):
        for headers in ({}, {"HX-Request": "true", "HX-Target": "panel"}, {"Accept": "application/json"}):
            answer = visitor.context.request.get(visitor.path(path), headers=headers)
            answers.append(answer.text())
            assert answer.status in (401, 403, 404) or urlsplit(answer.url).path == "/sign-in", path
    for answer_text in answers:
        assert "organization.create" not in answer_text
        assert "Created the organization" not in answer_text


def somebody(company: Company, who: str) -> User | None:
    """Whoever that is; nobody for "signed out"."""
    if who == "outsider":
        return Company(company.store, "Elsewhere", new_person(company.store, "Mallory Finch"), colleagues=()).owner
    if who == "removed":
        was_admin = new_person(company.store, "Ravi Shah")
        company.join(was_admin, Role.ADMIN)
        company.act(company.owner, RemoveMember(was_admin.id))
        return was_admin
    return {"member": company.member, "billing_manager": company.billing_manager}.get(who)
