"""An export over a real connection: it ends with its reader, with their permission and with the server, and takes no
more than its share."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from httpx2 import RemoteProtocolError

from minutebook.deliver import export
from minutebook.deliver.exports import Exports, Limits
from minutebook.deliver.formats import Row
from minutebook.errors import StoreUnavailable, TooManyExportsAtOnce
from minutebook.model import Context
from minutebook.organization import sessions
from minutebook.organization.tokens import CreateToken, new_secret
from minutebook.store import log
from minutebook.web import exporting
from tests.support.losing import LOSSES, TOKEN_LOSSES
from tests.support.server import Site, site_on
from tests.support.waiting import PATIENCE, comes_true

LIMITS = Limits(per_reader=2, per_organization=3, per_process=4, slow_seconds=0.5)

ON_THE_WAY = 4_000_000
"""No more bytes than these are on their way to somebody who reads nothing: the send buffer of Linux."""


@pytest.fixture
def exports() -> Exports:
    return Exports(LIMITS)


@pytest.fixture
def site(migrated_sqlite: str, exports: Exports) -> Iterator[Site]:
    with site_on(migrated_sqlite, exports=exports) as site:
        yield site


def new_token(site: Site) -> tuple[str, str]:
    """The id and the secret of a new API token that may export."""
    secret = new_secret(site.store.randomness)
    event = site.company.act(site.company.owner, CreateToken("SIEM", ("log.export",), 30, secret))
    return str(event.details["token"]), secret


def path(site: Site) -> str:
    return f"/api/v1/organizations/{site.company.id}/events/export"


@contextmanager
def asking(site: Site, token: str) -> Iterator[httpx2.Response]:
    """The answer to somebody who asks for everything, before its body."""
    sent: dict[str, Any] = {"cookies": {"minutebook-session": token}}
    if token.startswith("mbt_"):
        sent = {"headers": {"Authorization": f"Bearer {token}"}}
    with httpx2.stream("GET", site.base_url + path(site), timeout=PATIENCE, **sent) as answer:
        yield answer


def connected(site: Site, secret: str) -> socket.socket:
    """A connection that asks for everything, and reads nothing until it is read from."""
    address = urlsplit(site.base_url)
    reader = socket.socket()
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    reader.connect((address.hostname or "", address.port or 0))
    head = f"GET {path(site)} HTTP/1.1", f"Host: {address.netloc}", f"Authorization: Bearer {secret}", "", ""
    reader.sendall("\r\n".join(head).encode())
    return reader


def rest_of(reader: socket.socket) -> bytes:
    """What is on its way to a reader; then comes the end, and not a pause."""
    reader.settimeout(PATIENCE)
    taken = b""
    while part := reader.recv(1 << 16):
        taken += part
    return taken


def made_at_once(monkeypatch: pytest.MonkeyPatch) -> list[Row]:
    """Makes an export a single piece, of twice what is on its way; the list is empty once it is made."""
    made = [Row(0, b"x" * 2 * ON_THE_WAY)]
    monkeypatch.setattr(export, "_slice", lambda _connection, scope, *_: (made, scope.size))
    return made


class Searching:
    """An export that looks and looks, and finds nothing."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.slices = 0
        monkeypatch.setattr(export, "_slice", self)

    def __call__(self, _connection: Any, _scope: Any, _filter: Any, _pace: Any, first: int) -> Any:
        self.slices += 1
        time.sleep(0.05)
        return [], first


@pytest.fixture
def searching(monkeypatch: pytest.MonkeyPatch) -> Searching:
    return Searching(monkeypatch)


def test_who_leaves_is_not_searched_for_any_more(site: Site, exports: Exports, searching: Searching) -> None:
    _, secret = new_token(site)
    with connected(site, secret):
        assert comes_true(lambda: searching.slices > 3)
        assert exports.open == 1
    assert comes_true(lambda: exports.open == 0)
    seen = searching.slices
    time.sleep(0.3)
    assert searching.slices == seen


def test_who_may_not_go_on_is_not_searched_for_any_more(site: Site, exports: Exports, searching: Searching) -> None:
    id_, secret = new_token(site)
    with connected(site, secret) as reader:
        assert comes_true(lambda: searching.slices > 3)
        TOKEN_LOSSES["revoked"](site, id_)
        assert comes_true(lambda: exports.open == 0)
        assert b'"trailer"' not in rest_of(reader)


@pytest.mark.usefixtures("searching")
def test_a_server_that_stops_does_not_wait_for_what_is_searched(migrated_sqlite: str, exports: Exports) -> None:
    with site_on(migrated_sqlite, exports=exports, stop_seconds=int(PATIENCE)) as site:
        _, secret = new_token(site)
        reader = connected(site, secret)
        assert comes_true(lambda: exports.open == 1)
        began = time.monotonic()
    assert time.monotonic() - began < PATIENCE  # which it would have with what does not end
    reader.close()


@pytest.mark.usefixtures("searching")
def test_only_so_many_are_written_at_once_for_a_reader_and_a_log(site: Site, exports: Exports) -> None:
    secrets = [new_token(site)[1] for _ in range(3)]
    before = size(site)
    with ExitStack() as kept:
        for secret in (secrets[0], secrets[0], secrets[1]):
            kept.enter_context(connected(site, secret))
        assert comes_true(lambda: size(site) == before + 3)
        for secret, whose in (
            (secrets[0], "2 exports are being written for this session or API token already"),
            (secrets[2], "3 exports are being written of this log already"),
        ):
            with asking(site, secret) as refused:
                body = json.loads(refused.read())
            assert (refused.status_code, body["code"], refused.headers["retry-after"]) == (
                429,
                "too_many_exports_at_once",
                "30",
            )
            assert body["detail"].startswith(whose)
            assert "Try again in 30 seconds" in body["detail"]
        assert size(site) == before + 3
    assert comes_true(lambda: exports.open == 0)


def test_the_limit_of_the_server_is_for_all_logs() -> None:
    exports = Exports(LIMITS)
    for organization in range(4):
        exports.take(organization, f"ses_{organization}")
    with pytest.raises(TooManyExportsAtOnce, match="4 exports are being written by this server already"):
        exports.take(4, "ses_4")


def test_what_cannot_be_recorded_takes_no_place(site: Site, exports: Exports, monkeypatch: pytest.MonkeyPatch) -> None:
    def refusing(*_: object) -> None:
        raise StoreUnavailable

    _, secret = new_token(site)
    monkeypatch.setattr(export, "perform", refusing)
    with asking(site, secret) as refused:
        assert refused.status_code == 503
    assert exports.open == 0


def size(site: Site) -> int:
    with site.store.reading() as connection:
        return log.read_head(connection, site.company.number).size


# ── Whoever may not be given any more ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("loss", [*LOSSES, *TOKEN_LOSSES])
def test_it_breaks_off_where_the_reader_may_not_go_on(
    site: Site, exports: Exports, loss: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    user, real, slices, lost = site.company.admin, export._slice, list[int](), threading.Event()
    token, session = sessions.start_session(site.store, user, "password", Context())
    id_, secret = new_token(site)

    def waiting(*arguments: Any) -> Any:
        slices.append(len(slices))
        if len(slices) == 4:
            lost.wait(PATIENCE)
        return real(*arguments)

    monkeypatch.setattr(export, "PIECE", 1)
    monkeypatch.setattr(export, "_slice", waiting)
    monkeypatch.setattr(exporting, "ASK_SECONDS", 0)
    got = b""
    with asking(site, secret if loss in TOKEN_LOSSES else token) as answer:
        assert comes_true(lambda: len(slices) == 4)
        if loss in TOKEN_LOSSES:
            TOKEN_LOSSES[loss](site, id_)
        else:
            LOSSES[loss](site, user, session)
        lost.set()
        with pytest.raises(RemoteProtocolError):
            for part in answer.iter_bytes():
                got += part
    assert [json.loads(line)["seq"] for line in got.splitlines()] == [0, 1, 2]  # 3 was read before, and is not sent
    assert exports.open == 0


def test_who_reads_slowly_is_given_no_more_either(migrated_sqlite: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What they are sent after it is what was on its way, and not what was made for them already."""
    exports, made = Exports(Limits(slow_seconds=PATIENCE)), made_at_once(monkeypatch)
    with site_on(migrated_sqlite, exports=exports) as site:
        id_, secret = new_token(site)
        with connected(site, secret) as reader:
            assert comes_true(lambda: not made)
            time.sleep(2 * exporting.ASK_SECONDS)
            TOKEN_LOSSES["revoked"](site, id_)
            assert 0 < len(rest_of(reader)) < 1.5 * ON_THE_WAY
        assert exports.open == 0


# ── Cost ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_who_reads_nothing_is_cut_off(site: Site, exports: Exports, monkeypatch: pytest.MonkeyPatch) -> None:
    made_at_once(monkeypatch)
    _, secret = new_token(site)
    with connected(site, secret) as reader:
        assert comes_true(lambda: exports.open == 1)
        assert comes_true(lambda: exports.open == 0)
        taken = rest_of(reader)
    assert taken.startswith(b"HTTP/1.1 200")
    assert b'"trailer"' not in taken
