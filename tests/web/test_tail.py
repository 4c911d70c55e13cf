"""The live tail over HTTP: complete over any number of connections, and ended at once for whoever may not read."""

from __future__ import annotations

import itertools
import json
import random
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest

from minutebook.deliver.tails import Limits
from minutebook.errors import StoreUnavailable
from minutebook.model import HOUR, MINUTE, Context, to_micros
from minutebook.organization import sessions, sittings
from minutebook.organization.credits import BuyCredits
from minutebook.organization.modes import CreateMode, UpdateMode
from minutebook.organization.people import User
from minutebook.organization.tokens import CreateToken, new_secret
from minutebook.store import log
from minutebook.web.api import OPENAPI
from minutebook.web.api.answers import EventOf, ProblemDetails
from tests.support.follower import Follower, Message, events_of
from tests.support.losing import LOSSES, TOKEN_LOSSES
from tests.support.server import Clock, Site, site_on
from tests.support.waiting import PATIENCE, comes_true
from tests.web.api.test_principals import MISSING

LIMITS = Limits(per_organization=3, check_seconds=0.5, slow_seconds=1.5)
SELDOM = PATIENCE
WRITERS, EACH = 3, 60


@pytest.fixture
def site(migrated_url: str) -> Iterator[Site]:
    with site_on(migrated_url, limits=LIMITS) as site:
        yield site


@pytest.fixture
def light_site(migrated_sqlite: str) -> Iterator[Site]:
    """On SQLite only, for what has nothing to do with the database."""
    with site_on(migrated_sqlite, limits=LIMITS) as site:
        yield site


@pytest.fixture
def seldom_looking(migrated_url: str) -> Iterator[Site]:
    """Where a tail that nothing wakes looks too late for any test."""
    with site_on(migrated_url, limits=Limits(check_seconds=SELDOM)) as site:
        yield site


PAGE = "/o/{org}/audit-logs/tail"
API = "/api/v1/organizations/{org}/events/tail"
Follow = Callable[..., Follower]
Answered = tuple[int, set[str]]
"""The status, and the parameters that are wrong."""


@pytest.fixture
def follow() -> Iterator[Follow]:
    """Call it for somebody who follows the log of a site."""
    with ExitStack() as open_:

        def follow(
            site: Site, user: User, *pairs: tuple[str, str], token: str = "", path: str = PAGE, zone: str = "UTC"
        ) -> Follower:
            path = path.format(org=site.company.id)
            made = Follower(site.base_url, path, token or site.company.session(user), *pairs, zone=zone)
            open_.callback(made.close)
            return made

        yield follow


def buy(site: Site, reference: str) -> int:
    return site.company.act(site.company.owner, BuyCredits(100, reference)).seq


def size(site: Site) -> int:
    with site.store.reading() as connection:
        return log.read_head(connection, site.company.number).size


def write(site: Site, writer: int) -> None:
    for number in range(EACH):
        name = f"{writer}-{number}"
        command = CreateMode(name, "", ()) if number % 10 == 0 else BuyCredits(1, name)
        site.company.act(site.company.owner, command)


@pytest.mark.parametrize("action", ["", "mode.create"])
def test_no_gap_and_no_repeat_over_reconnects_while_many_write(site: Site, action: str, follow: Follow) -> None:
    chance, seen = random.Random(3), list[int]()
    reader = follow(site, site.company.auditor, *([("action", action)] if action else []))
    with reader.connected() as messages:
        next(messages)  # where it is, before anything happens
    assert reader.last is not None
    first, connections = reader.last + 1, 0
    with ThreadPoolExecutor(WRITERS) as pool:
        writing = [pool.submit(write, site, writer) for writer in range(WRITERS)]
        while not all(each.done() for each in writing) or (reader.last or 0) < size(site) - 1:
            connections += 1
            with reader.connected() as messages:
                for message in messages:
                    if message.is_event:
                        seen.append(message.data["seq"])
                    if chance.random() < 0.1:
                        break  # without a word
    with site.store.reading() as connection:
        events = list(log.events(connection, site.company.number))
    assert seen == [event.seq for event in events[first:] if not action or event.action == action]
    assert connections > 2


def test_an_event_arrives_as_its_one_json_and_soon(seldom_looking: Site, follow: Follow) -> None:
    site = seldom_looking
    reader = follow(site, site.company.owner)
    with reader.connected() as messages:
        seqs = events_of(messages)
        next(seqs)  # that the log is read
        bought = buy(site, "r-1")
        began = time.monotonic()
        assert next(seqs) == bought
        assert time.monotonic() - began < SELDOM  # it was woken
    shown = reader.get(f"/o/{site.company.id}/audit-logs/{bought}.json").content
    reader.last = bought - 1
    with reader.connected() as messages:
        message = next(message for message in messages if message.is_event)
    assert message.data == json.loads(shown)
    assert message.id == message.data["seq"] == bought


def test_where_nothing_is_found_the_place_goes_on_and_comments_keep_it_open(light_site: Site, follow: Follow) -> None:
    reader = follow(light_site, light_site.company.owner, ("action", "sso.set_domain"))
    with reader.connected() as messages:
        for number in range(3):
            buy(light_site, f"r-{number}")
        until(messages, lambda _: reader.last == size(light_site) - 1)
        comment = next(messages)
        assert (comment.id, comment.data) == (None, None)
    # What a browser sends when it comes back.
    with reader.connected() as messages:
        assert next(messages).id == size(light_site) - 1


def test_behind_what_is_found_the_place_goes_on_too(light_site: Site, follow: Follow) -> None:
    buy(light_site, "r-1")
    light_site.company.act(light_site.company.owner, CreateMode("Mode", "", ()))
    reader = follow(light_site, light_site.company.owner, ("action", "credits.purchase"))
    reader.last = -1
    with reader.connected() as messages:
        until(messages, lambda message: message.is_event)
        until(messages, lambda message: (message.id, message.data) == (None, None))  # a comment: all was looked at
    assert reader.last == size(light_site) - 1


@pytest.mark.parametrize("after", [-1, 0, 5])
def test_it_begins_behind_the_number_that_is_asked_for(light_site: Site, after: int, follow: Follow) -> None:
    reader = follow(light_site, light_site.company.owner, ("after", str(after)))
    with reader.connected() as messages:
        seqs = events_of(messages)
        assert [next(seqs) for _ in range(5)] == list(range(after + 1, after + 6))
    # The header is newer than the address that a browser asks again.
    reader.last = 12
    with reader.connected() as messages:
        assert next(events_of(messages)) == 13


def test_the_day_is_that_of_the_page(migrated_sqlite: str, follow: Follow) -> None:
    """In the zone of whoever reads, also while the page is shown in UTC."""
    clock = Clock()
    clock.stop(to_micros(datetime(2026, 11, 6, tzinfo=UTC)))
    with site_on(migrated_sqlite, clock, limits=LIMITS) as site:
        clock.stop(clock() + 9 * HOUR)
        # In Los Angeles it is one o'clock, and was the day before.
        for zone, first in (("UTC", 0), ("America/Los_Angeles", buy(site, "r-1"))):
            reader = follow(site, site.company.owner, ("start", "today"), ("after", "-1"), zone=zone)
            with reader.connected() as messages:
                assert next(events_of(messages)) == first, zone
            for shown_in in ("", "&zone=utc"):
                page = reader.get(f"/o/{site.company.id}/audit-logs?start=today{shown_in}")
                assert f'data-href="/o/{site.company.id}/audit-logs/tail?start=today"' in page.text
                assert min(map(int, re.findall(r'<tr class="ev" id="e(\d+)"', page.text))) == first, zone


@pytest.mark.parametrize(
    ("pairs", "header", "field"),
    [
        ([("after", "x")], None, "after"),
        ([("after", "-2")], None, "after"),
        ([("after", "1"), ("after", "2")], None, "after"),
        ([("after", "99999")], None, "after"),
        ([("after", "1")], "9 9", "Last-Event-ID"),
        ([], "123456", "Last-Event-ID"),
        ([("acton", "user.login")], None, "acton"),
        ([("action", "user.logn")], None, "action"),
        ([("q", "ip:")], None, "q"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_recorded(
    light_site: Site, pairs: list[tuple[str, str]], header: str | None, field: str, follow: Follow
) -> None:
    reader, before = follow(light_site, light_site.company.owner, *pairs), size(light_site)
    answer = reader.refused(**({"Last-Event-ID": header} if header else {}))
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert size(light_site) == before


NO_NUMBERS = ("-2", "+1", "1.0", "1e1", "0x1", "null", "true", "1,2", "a b", str(1 << 40), "9" * 6000)
BAD_PAIRS = [
    *([("after", text)] for text in (*NO_NUMBERS, "", " ", "٣", "\0")),
    *([(name, text)] for name in ("action", "start", "end", "now", "q") for text in ("", "\0", "x:(")),
    *([(name, "1")] for name in ("limit", "order", "older", "zone", "Last-Event-ID", "\0")),
    [("after", "1"), ("after", "1")],
    [("start", "2026-11-06"), ("start", "2026-11-07")],
]


def test_every_answer_to_a_program_is_as_it_is_described(migrated_sqlite: str, follow: Follow) -> None:
    limits = Limits(per_reader=1, per_process=2, check_seconds=0.5)
    with site_on(migrated_sqlite, limits=limits) as site, ExitStack() as open_:
        (_, reads), (_, exports), before = new_token(site), new_token(site, "log.export"), size(site)

        def refused(*pairs: tuple[str, str], token: str = reads, path: str = API, **headers: str) -> Answered:
            answer = follow(site, site.company.owner, *pairs, token=token, path=path).refused(**headers)
            described = OPENAPI["paths"][API]["get"]["responses"][str(answer.status_code)]
            assert answer.headers["content-type"] in described["content"]
            problem = ProblemDetails.model_validate_json(answer.content)
            assert (problem.status, problem.request_id) == (answer.status_code, answer.headers["x-request-id"])
            return problem.status, {error.field for error in problem.errors or ()}

        for pairs in BAD_PAIRS:
            assert refused(*pairs) == (422, {pairs[0][0]})
        for text in NO_NUMBERS:
            assert refused(("after", "1"), **{"Last-Event-ID": text}) == (422, {"Last-Event-ID"}), text
        assert refused(host="elsewhere.example") == (400, set())
        assert refused(token=f"{reads}x") == refused(token=exports[:-1]) == (401, set())
        assert refused(token=exports) == (403, set())
        for organization in (MISSING, "%00", "x" * 3000):
            assert refused(path=API.replace("{org}", organization)) == (404, set())
        assert size(site) == before
        (_, second), (_, third) = new_token(site), new_token(site)
        kept = [
            open_.enter_context(follow(site, site.company.owner, ("after", "-1"), token=token, path=API).connected())
            for token in (reads, second)
        ]
        for messages in kept:
            for number in range(5):
                message = until(messages, lambda message: message.is_event)
                assert EventOf.model_validate(message.data).seq == number
        assert (refused(token=reads), refused(token=third)) == ((429, set()), (503, set()))


# ── Whoever may not read any more ───────────────────────────────────────────────────────────────────────────────────


ENDED = {"role": "forbidden", "seat": "not_found", "plan": "not_allowed"}
"""What is said of it, where that is not `not_signed_in`."""


@pytest.mark.parametrize("loss", LOSSES)
def test_it_ends_at_once_and_shows_nothing_of_what_came_then(site: Site, loss: str, follow: Follow) -> None:
    user = site.company.admin
    token, session = sessions.start_session(site.store, user, "password", Context())
    reader = follow(site, user, token=token)
    with reader.connected() as messages:
        seqs = events_of(messages)
        last = next(seqs)
        LOSSES[loss](site, user, session)
        rest = list(messages)
    assert [message.data["seq"] for message in rest if message.is_event and message.data["seq"] > last] == []
    assert (rest[-1].kind, rest[-1].data["code"]) == ("ended", ENDED.get(loss, "not_signed_in"))
    assert set(rest[-1].data) >= set(OPENAPI["components"]["schemas"]["ProblemDetails"]["required"])
    assert len(rest) <= 3, "it ends at the next look, besides which one was on its way at most"
    assert reader.refused().status_code in (401, 403, 404)


def test_the_sitting_is_recorded_and_renewed_while_it_runs(migrated_url: str, follow: Follow) -> None:
    clock = Clock()
    with site_on(migrated_url, clock, limits=LIMITS) as site:
        now = clock()
        clock.stop(now)
        reader = follow(site, site.company.auditor)
        with reader.connected() as messages:
            for round_ in range(3):
                message = until(messages, lambda found: found.is_event)
                assert message.data["action"] == "log.view"
                clock.stop(now + round_ * 31 * MINUTE + 29 * MINUTE)
                buy(site, f"r-{round_}")
                assert until(messages, lambda found: found.is_event).data["action"] == "credits.purchase"
                clock.stop(now + (round_ + 1) * 31 * MINUTE)


def new_token(site: Site, scope: str = "log.read") -> tuple[str, str]:
    """The id and the secret of a new API token."""
    secret = new_secret(site.store.randomness)
    event = site.company.act(site.company.owner, CreateToken("SIEM", (scope,), 30, secret))
    return str(event.details["token"]), secret


@pytest.mark.parametrize("loss", TOKEN_LOSSES)
def test_a_program_follows_by_its_token_as_long_as_that_lives(site: Site, loss: str, follow: Follow) -> None:
    id_, secret = new_token(site)
    asked = ("action", "credits.purchase"), ("start", "-7d")
    reader = follow(site, site.company.owner, *asked, token=secret, path=API)
    with reader.connected() as messages:
        next(messages)
        for number in range(3):
            buy(site, f"r-{number}")
        seqs = events_of(messages)
        bought = [next(seqs) for _ in range(3)]
        TOKEN_LOSSES[loss](site, id_)
        buy(site, "later")
        ended = [message for message in messages if message.data is not None]
    assert bought == sorted(bought)
    assert [(message.kind, message.data["code"]) for message in ended] == [("ended", "not_allowed")]
    with site.store.reading() as connection:
        events = list(log.events(connection, site.company.number))
    assert [event.actor.id for event in events if event.action == "log.view"] == [id_]
    answer = reader.refused()
    assert (answer.status_code, answer.json()["code"]) == (401, "bad_token")


def test_a_program_is_told_what_is_wrong_and_a_session_follows_too(light_site: Site, follow: Follow) -> None:
    wrong = follow(light_site, light_site.company.owner, ("after", "-2"), ("limit", "5"), path=API).refused()
    assert {error["field"] for error in wrong.json()["errors"]} == {"after", "limit"}
    reader = follow(light_site, light_site.company.owner, ("after", "-1"), path=API)
    with reader.connected() as messages:
        assert next(events_of(messages)) == 0
    reader.last = 5
    with reader.connected() as messages:
        assert next(events_of(messages)) == 6


# ── Cost ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_slow_reader_is_cut_off_and_goes_on_where_it_was(site: Site, follow: Follow) -> None:
    mode = str(site.company.act(site.company.owner, CreateMode("Mode", "", ())).details["mode"])
    for number in range(80):
        site.company.act(site.company.owner, UpdateMode(mode, "Mode", "xy"[number % 2] * 19_000, ()))
    address, token = urlsplit(site.base_url), site.company.session(site.company.auditor)
    path = f"/o/{site.company.id}/audit-logs/tail?after=-1"
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect((address.hostname or "", address.port or 0))
        head = f"GET {path} HTTP/1.1", f"Host: {address.netloc}", f"Cookie: minutebook-session={token}", "", ""
        slow.sendall("\r\n".join(head).encode())
        assert comes_true(lambda: site.followers == 1)
        assert comes_true(lambda: site.followers == 0)
        taken = b""
        slow.settimeout(PATIENCE)
        while part := slow.recv(1 << 16):  # what was on its way; then the end, not a pause
            taken += part
    text = taken.decode(errors="replace")
    assert text.startswith("HTTP/1.1 200")
    complete = [block for block in text.split("\n\n")[:-1] if "\ndata: " in block]
    last = int(complete[-1].split("id: ")[1].split("\n")[0]) if complete else -1
    missed = list(range(last + 1, size(site)))
    assert missed
    reader = follow(site, site.company.auditor)
    reader.last, found = last, list[int]()
    while len(found) < len(missed):  # on a busy machine this one may be too slow, too
        with reader.connected() as messages:
            found += itertools.islice(events_of(messages), len(missed) - len(found))
    assert found == missed


def test_only_so_many_are_open_at_once(light_site: Site, follow: Follow) -> None:
    readers = [follow(light_site, light_site.company.owner) for _ in range(LIMITS.per_organization + 1)]
    *open_, last = [reader.connected() for reader in readers]
    kept = [connection.__enter__() for connection in open_]
    for messages in kept:
        next(messages)
    refused = readers[-1].refused()
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_tails")
    open_[0].__exit__(None, None, None)
    assert comes_true(lambda: light_site.followers < LIMITS.per_organization)
    with last as messages:
        next(messages)
    for connection in open_[1:]:
        connection.__exit__(None, None, None)


def test_a_reader_has_a_share_of_the_places_and_not_all(migrated_sqlite: str, follow: Follow) -> None:
    limits = Limits(per_reader=2, per_organization=4, check_seconds=0.5)
    with site_on(migrated_sqlite, limits=limits) as site, ExitStack() as kept:
        _, secret = new_token(site)
        open_ = [kept.enter_context(follow(site, site.company.owner, token=secret, path=API).connected()) for _ in "ab"]
        for messages in open_:
            next(messages)
        refused = follow(site, site.company.owner, token=secret, path=API).refused()
        assert (refused.status_code, refused.json()["code"]) == (429, "too_many_tails")
        assert "in 2 places by this session or API token" in refused.json()["detail"]
        next(kept.enter_context(follow(site, site.company.owner).connected()))


def test_who_could_not_sit_down_has_taken_no_place(
    light_site: Site, follow: Follow, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refusing(*_: object) -> None:
        raise StoreUnavailable

    reader = follow(light_site, light_site.company.owner)
    with monkeypatch.context() as patch:
        patch.setattr(sittings, "sit", refusing)
        for _ in range(LIMITS.per_organization):
            assert reader.refused().json()["code"] == "store_unavailable"
    with reader.connected() as messages:
        next(messages)


def test_a_server_that_stops_ends_it_promptly(migrated_sqlite: str, follow: Follow) -> None:
    ended = threading.Event()
    with site_on(migrated_sqlite, stop_seconds=int(PATIENCE)) as site:
        reader = follow(site, site.company.owner)
        connection = reader.connected()
        messages = connection.__enter__()
        next(messages)

        def read() -> None:
            for _ in messages:
                pass
            ended.set()

        thread = threading.Thread(target=read)
        thread.start()
        began = time.monotonic()
    assert time.monotonic() - began < PATIENCE  # which it would have with what does not end
    thread.join(PATIENCE)
    assert ended.is_set()
    connection.__exit__(None, None, None)


def until(messages: Iterator[Message], done: Callable[[Message], bool]) -> Message:
    """The first message of which it is true."""
    for message in messages:
        if done(message):
            return message
    raise AssertionError("the stream ended")
