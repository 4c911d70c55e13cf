"""A log verified in the browser: what is signed is valid, and whatever is not what was signed is found and named."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Route, expect

from minutebook.custody import keys
from minutebook.evidence.checkpoint import origin_of
from minutebook.evidence.note import VerifierKey, to_base64
from minutebook.model import Context, Event, Seat
from minutebook.record import draft
from minutebook.store import index, log, tiles
from minutebook.store.engine import Store
from tests.browser.test_long_log import happened
from tests.support.full import FULL
from tests.support.server import HOST, Clock, Company, Site, serving
from tests.support.tampering import tamper
from tests.support.visitor import Arrive, Visitor

FEW = 1_500
EVENTS = 100_000 if FULL else FEW
AT_ONCE = 5_000
LONG_MS = 120_000


@pytest.fixture
def site(sqlite_template: Path, tmp_path: Path) -> Iterator[Site]:
    """Calder Robotics, for one test; events are put into its log that do not follow from one another."""
    file, clock = tmp_path / "minutebook.sqlite3", Clock()
    shutil.copy(sqlite_template, file)
    store = Store(f"sqlite:///{file}", clock=clock, durable=False)
    with serving(store) as address:
        yield Site(address, Company(store), clock)
    store.close()


class Verifying(Visitor):
    """Somebody at the page Integrity."""

    def arrive(self, events: int = 0) -> Verifying:
        """Opens the page of a log of at least so many events, all of them signed."""
        self.grow(events)
        self.open("integrity")
        self.site.sign()
        self.open("integrity")
        return self

    def grow(self, events: int) -> None:
        company = self.site.company
        seat = Seat(company.number, company.owner.actor(), Context())
        drafts = [(draft(seat, happened(number)), company.store.clock()) for number in range(events)]
        for first in range(0, events, AT_ONCE):
            with company.store.acting() as connection:
                part = drafts[first : first + AT_ONCE]
                log.append_many(connection, log.lock_head(connection, company.number), part, company.store.randomness)
        for _ in index.follow(company.store, company.number):
            pass

    @property
    def shown_key(self) -> str:
        return self.page.locator("#vkey-now").inner_text()

    def verify(self, key: str | None = None, *, entries: bool = False) -> str:
        """What the browser says in the end."""
        self.page.get_by_label("Key of the log").fill(key or self.shown_key)
        self.page.get_by_label("Check each entry").set_checked(entries)
        self.page.get_by_role("button", name="Verify", exact=True).click()
        return self.result()

    def result(self) -> str:
        shown = self.page.locator("[data-result]")
        expect(shown).to_be_visible(timeout=LONG_MS)
        return " ".join(shown.inner_text().split())

    @property
    def kept(self) -> dict[str, object]:
        """What the storage of the browser holds: one thing at most."""
        items: dict[str, str] = self.page.evaluate("({...localStorage})")
        assert len(items) <= 1
        return json.loads(next(iter(items.values()), "{}"))  # type: ignore[no-any-return]

    def keep(self, **head: object) -> None:
        """Has the browser remember another head."""
        changed = {**self.kept, **head}
        self.page.evaluate("kept => localStorage.setItem(Object.keys(localStorage)[0], kept)", json.dumps(changed))

    def last(self) -> Event:
        with self.site.store.reading() as connection:
            size = log.read_head(connection, self.site.company.number).size
            return log.find(connection, self.site.company.number, size - 1)

    def size(self) -> int:
        with self.site.store.reading() as connection:
            return log.read_head(connection, self.site.company.number).size


@pytest.fixture
def ada(site: Site, arrive: Arrive) -> Verifying:
    return arrive(site.company.owner, visitor=Verifying).arrive()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("width", [1440, 360])
def test_a_log_is_verified_with_the_keyboard_alone(site: Site, arrive: Arrive, width: int) -> None:
    ada = arrive(site.company.owner, visitor=Verifying, width=width).arrive(EVENTS)
    size, key = ada.size(), ada.shown_key
    ada.page.locator("#vkey").focus()
    ada.page.keyboard.type(key)
    ada.page.keyboard.press("Tab")
    ada.page.keyboard.press("Space")  # each entry, too
    ada.page.keyboard.press("Enter")
    said = ada.result()
    assert said.startswith(f"Valid: the first {size:,} events are those that the key has signed.")
    assert "had seen no head of it before" in said
    assert said.endswith("Each entry is the one whose hash is in the tree. Recorded as log.verify.")
    assert ada.focused() == "Verify"
    with site.store.reading() as connection:
        root = tiles.root(connection, site.company.number, size)
    assert ada.kept == {"vkey": key, "size": size, "root": to_base64(root)}
    event = ada.last()
    assert (event.action, event.actor.email) == ("log.verify", site.company.owner.email)
    assert (event.details["size"], event.details["verdict"]) == (size, "valid")


def test_a_log_that_has_grown_goes_on_from_the_head_that_was_seen(ada: Verifying) -> None:
    before = ada.size()
    ada.verify()
    ada.arrive(300)
    assert ada.page.get_by_label("Key of the log").input_value() == ada.shown_key
    expect(ada.page.get_by_text(f"Kept in this browser, with the head over {before:,} events.")).to_be_visible()
    assert f"It goes on from the head over {before:,} events" in ada.verify()
    ada.page.get_by_role("button", name="Forget both").click()
    assert ada.kept == {}
    assert "had seen no head of it before" in ada.verify()


def test_another_history_under_the_same_key_has_diverged(ada: Verifying) -> None:
    size = ada.size()
    ada.verify()
    ada.keep(root=to_base64(b"\1" * 32))
    kept = ada.kept
    ada.arrive()
    said = ada.verify()
    assert said.startswith(f"Diverged: The first {size:,} events are not those that this browser saw signed.")
    assert str(kept["root"]) in said
    assert ada.kept == kept
    assert ada.last().details["verdict"] == "diverged"


def test_a_log_that_has_shrunk_has_diverged(ada: Verifying) -> None:
    size = ada.size()
    ada.verify()
    ada.keep(size=size + 1_000_000)
    assert f"this browser saw {size + 1_000_000:,} signed" in ada.verify()


def test_an_event_that_is_another_is_found_where_it_is(site: Site, arrive: Arrive) -> None:
    ada = arrive(site.company.owner, visitor=Verifying).arrive(FEW)
    position = log.position(site.company.number, 700)
    with site.store.reading() as connection:
        before = log.leaf_hash_of(connection, log.find(connection, site.company.number, 700)).hex()
    tamper(site.store, f"UPDATE event SET leaf_hash = zeroblob(32) WHERE position = {position}")
    said = ada.verify()
    tamper(site.store, f"UPDATE event SET leaf_hash = x'{before}' WHERE position = {position}")
    assert said.startswith("Invalid: Among events 512 to 767 is one that is not what was signed.")
    assert ada.kept == {}
    assert ada.last().details["verdict"] == "invalid"


def test_a_leaf_that_is_another_is_found_when_each_is_checked(ada: Verifying) -> None:
    def change(route: Route) -> None:
        leaves = bytearray(route.fetch().body())
        leaves[leaves.index(b"user.accept_invite")] ^= 1
        route.fulfill(body=bytes(leaves))

    ada.intercept("**/tile/entries/**", change)
    assert ada.verify().startswith("Valid")
    assert ada.verify(entries=True).startswith("Invalid: Event ")


def test_entries_that_are_gone_are_not_taken_for_verified(ada: Verifying) -> None:
    ada.intercept("**/tile/entries/**", lambda route: route.fulfill(status=404))
    size = ada.size()
    assert f"but for {size:,} events among which some were pruned" in ada.verify(entries=True)


@pytest.mark.parametrize("short", [0, 1, 32])
def test_a_tile_that_is_too_short_is_invalid(ada: Verifying, short: int) -> None:
    ada.intercept("**/tile/0/**", lambda route: route.fulfill(body=route.fetch().body()[:short]))
    assert ada.verify().startswith("Invalid: The tile of event 0 has")


def test_a_key_that_has_not_signed_it(ada: Verifying, site: Site) -> None:
    with site.store.reading() as connection:
        origin = origin_of(HOST, log.read_head(connection, site.company.number).log_id)
    said = ada.verify(str(VerifierKey(origin, b"\1" * 32)))
    assert said.startswith("Invalid: Neither the key that you gave nor one that it leads to")
    other = str(VerifierKey(f"{HOST}/o/log_other", VerifierKey.parse(ada.shown_key).public))
    assert ada.verify(other).startswith(f"Invalid: The checkpoint is of the log {origin}")
    assert ada.kept == {}


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "A key is one line such as"),
        ("minutebook.example", "A key is one line such as"),
        ("KEY+", "Part of this key is missing or was changed"),
    ],
)
def test_what_is_no_key_is_said_beside_the_field(ada: Verifying, typed: str, said: str) -> None:
    key = ada.shown_key if typed.startswith("KEY") else typed
    if typed.startswith("KEY"):
        key = key.replace("log_", "log_0")
    ada.page.get_by_label("Key of the log").fill(key)
    ada.page.get_by_role("button", name="Verify", exact=True).click()
    assert ada.field_error("Key of the log").startswith(said)
    assert ada.focused() == "vkey"


def test_whoever_pinned_a_key_learns_the_next_and_not_one_that_was_revoked(ada: Verifying, site: Site) -> None:
    pinned, at = ada.shown_key, site.store.clock()
    with site.custody.changing() as held:
        keys.add(site.custody, held, keys.new_key(site.store.randomness), HOST, at)
    ada.arrive(1)
    assert ada.shown_key != pinned
    assert ada.verify(pinned).startswith("Valid")
    second = VerifierKey.parse(ada.shown_key).public
    with site.custody.changing() as held:
        keys.revoke(site.custody, held, second, site.store.clock() // 1_000_000, site.store.clock())
    assert "is signed by a key that was revoked from" in ada.verify(pinned)


def test_it_can_be_stopped_and_nothing_is_recorded(ada: Verifying) -> None:
    before = ada.last().seq
    ada.intercept("**/tile/0/**", lambda _: None)  # for ever on its way
    ada.page.get_by_label("Key of the log").fill(ada.shown_key)
    ada.page.get_by_label("Key of the log").press("Enter")
    expect(ada.page.get_by_role("button", name="Stop")).to_be_focused()
    ada.page.keyboard.press("Enter")
    assert ada.result().startswith("Stopped after 0 of")
    assert ada.last().seq == before
    assert ada.kept == {}


def test_a_server_that_does_not_answer_proves_nothing(ada: Verifying) -> None:
    ada.intercept("**/tile/0/**", lambda route: route.abort())
    ada.expect_complaint("net::ERR_FAILED")
    assert ada.verify().startswith("It was not verified. The server could not be reached")


def test_a_browser_that_cannot_says_so(site: Site, arrive: Arrive) -> None:
    ada = arrive(site.company.owner, visitor=Verifying)
    ada.context.add_init_script("Object.defineProperty(crypto, 'subtle', {value: undefined})")
    ada.open("integrity")
    expect(ada.page.get_by_text("This browser cannot check signatures of Ed25519")).to_be_visible()
    expect(ada.page.get_by_label("Key of the log")).to_be_hidden()


def test_without_script_all_but_verifying_is_there(site: Site, arrive: Arrive) -> None:
    site.sign()
    ada = arrive(site.company.owner, script=False)
    ada.open("integrity")
    expect(ada.page.get_by_text("Verifying here takes JavaScript")).to_be_visible()
    expect(ada.page.get_by_label("Key of the log")).to_be_hidden()
    with ada.page.expect_download() as download:
        ada.page.get_by_role("link", name="Checkpoint", exact=True).click()
    assert download.value.path().read_text().startswith(f"{HOST}/o/log_")


def test_the_proof_of_an_event_is_downloaded_with_the_keyboard(site: Site, arrive: Arrive) -> None:
    ada = arrive(site.company.owner, width=360)
    ada.open_log()
    site.sign()
    ada.open_log()
    panel = ada.open_event(ada.found()[0])
    expect(panel.get_by_text("Held by the signed checkpoint over the first")).to_be_visible()
    panel.get_by_role("link", name="Download proof").focus()
    with ada.page.expect_download() as download:
        ada.page.keyboard.press("Enter")
    assert download.value.path().read_text().startswith("c2sp.org/tlog-proof@v1\n")
    panel.get_by_role("link", name="How to verify it yourself").press("Enter")
    expect(ada.page.get_by_role("heading", name="Verify it without this server")).to_be_visible()


def test_two_organizations_have_two_keys(ada: Verifying, site: Site) -> None:
    """So that no checkpoint of one can be taken for one of the other."""
    other = Company(site.store, "Kestrel Works", site.company.owner, colleagues=())
    mine = ada.shown_key
    site.sign()
    ada.go(f"/o/{other.id}/integrity")
    assert ada.shown_key.partition("+")[0] != mine.partition("+")[0]
    assert ada.verify(mine).startswith("Invalid: The checkpoint is of the log")
