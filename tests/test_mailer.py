"""Mails leave the outbox by a real SMTP conversation, once, or stay and say why."""

from __future__ import annotations

import email
import shutil
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from sqlalchemy import select
from structlog.testing import capture_logs

from minutebook.config import SmtpTls
from minutebook.mailer import Mailer, MailServer, message_of
from minutebook.organization import outbox
from minutebook.organization.outbox import Mail
from minutebook.store import schema
from minutebook.store.engine import Store
from minutebook.store.migrate import migrate
from tests.support.deployment import Ticking

MAIL = Mail("bo@x.example", "Invitation to Größe & Söhne", "Willkommen, 李雯!\n\nhttps://x.example/invitations/abc\n")


class Postbox:
    """A mail server's memory."""

    def __init__(self) -> None:
        self.mails: list[Any] = []
        self.refused: set[str] = set()

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802
        if address in self.refused:
            return "550 nobody here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        self.mails.append((envelope.rcpt_tos, email.message_from_bytes(envelope.content, policy=default)))
        return "250 OK"


class AnyPort(Controller):
    """aiosmtpd greets itself at the port that it was given; with 0 that is not the one that it got."""

    def _trigger_server(self) -> None:
        server: Any = self.server
        self.port = server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]


@contextmanager
def listening(box: Postbox, **options: Any) -> Iterator[int]:
    controller = AnyPort(box, hostname="127.0.0.1", port=0, ready_timeout=30, **options)
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


@pytest.fixture
def store(sqlite_url: str) -> Iterator[Store]:
    store = Store(sqlite_url, clock=Ticking())
    migrate(store)
    yield store
    store.close()


def put(store: Store, *mails: Mail) -> None:
    with store.housekeeping() as connection:
        for mail in mails:
            outbox.put(connection, mail, store.clock())


def left(store: Store) -> list[tuple[str, int, str]]:
    table = schema.outbox.c
    with store.reading() as connection:
        return [tuple(row) for row in connection.execute(select(table.to, table.attempts, table.error))]


def plain(port: int, **more: Any) -> MailServer:
    values: dict[str, Any] = {"host": "127.0.0.1", "port": port, "tls": SmtpTls.NONE, "sender": "Minutes <m@x.example>"}
    return MailServer(**(values | more))


def test_a_mail_arrives_as_it_was_written_and_is_forgotten(store: Store) -> None:
    box = Postbox()
    put(store, MAIL)
    with listening(box) as port:
        assert Mailer(store, plain(port)).round() == 1
        assert Mailer(store, plain(port)).round() == 0
    ((to, message),) = box.mails
    assert to == [MAIL.to]
    assert (message["Subject"], message["From"]) == (MAIL.subject, "Minutes <m@x.example>")
    assert message["Auto-Submitted"] == "auto-generated"
    assert message.get_content().replace("\r\n", "\n") == MAIL.body
    assert left(store) == []


def test_one_that_is_refused_does_not_hold_up_the_others(store: Store) -> None:
    box = Postbox()
    box.refused.add("gone@x.example")
    put(store, Mail("gone@x.example", "Hello", "Hello"), Mail("a@x.example", "Hel\nBcc: all@x.example", "Hello"), MAIL)
    with listening(box) as port, capture_logs() as logs:
        assert Mailer(store, plain(port)).round() == 1
    assert [(entry["mail"], entry["error"]) for entry in logs] == [(1, "SMTPRecipientsRefused 550"), (2, "ValueError")]
    assert "x.example" not in str(logs), "whom a mail is to is not in the server's log"
    assert [to for to, _ in box.mails] == [[MAIL.to]]
    (refused, injected) = left(store)
    assert refused[1] == 1 and "nobody here" in refused[2]
    assert injected[1] == 1 and injected[2].startswith("ValueError")


def test_without_a_server_it_waits_longer_each_time_and_the_thread_lives(store: Store) -> None:
    put(store, MAIL)
    mailer = Mailer(store, plain(1), every=0.05)
    mailer.start()
    _until(lambda: left(store)[0][1] >= 1)
    box = Postbox()
    clock = store.clock
    assert isinstance(clock, Ticking)
    with listening(box) as port:
        mailer._server = plain(port)
        clock.go_on(3600_000_000)
        _until(lambda: left(store) == [])
    mailer.stop()
    assert len(box.mails) == 1


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
def test_it_signs_in_where_the_server_asks_for_it(store: Store) -> None:
    def knows(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        good = isinstance(data, LoginPassword) and (data.login, data.password) == (b"minutes", b"pass word")
        return AuthResult(success=good, handled=False)

    box = Postbox()
    put(store, MAIL)
    options = {"authenticator": knows, "auth_required": True, "auth_require_tls": False}
    with listening(box, **options) as port:
        assert Mailer(store, plain(port, user="minutes", password="wrong")).round() == 0
        assert "Authentication" in left(store)[0][2]
        store.clock.go_on(3600_000_000)  # type: ignore[attr-defined]
        assert Mailer(store, plain(port, user="minutes", password="pass word")).round() == 1


def test_starttls_is_never_skipped_and_certificates_are_checked(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(store, MAIL)
    with listening(Postbox()) as port:
        assert Mailer(store, plain(port, tls=SmtpTls.STARTTLS)).round() == 0
    assert "STARTTLS" in left(store)[0][2]
    if not shutil.which("openssl"):
        pytest.skip("needs openssl to make a certificate")
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    subprocess.run(
        [
            *"openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost".split(),
            *f"-addext subjectAltName=DNS:localhost -keyout {key} -out {certificate}".split(),
        ],
        check=True,
        capture_output=True,
    )
    secure = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    secure.load_cert_chain(certificate, key)
    box = Postbox()
    with listening(box, tls_context=secure) as port:
        server = plain(port, host="localhost", tls=SmtpTls.STARTTLS)
        store.clock.go_on(3600_000_000)  # type: ignore[attr-defined]
        assert Mailer(store, server).round() == 0
        assert "CERTIFICATE_VERIFY_FAILED" in left(store)[0][2]
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        store.clock.go_on(3600_000_000)  # type: ignore[attr-defined]
        assert Mailer(store, server).round() == 1


@pytest.mark.parametrize("mail", [Mail("a@x.example\nBcc: b", "s", "b"), Mail("a@x.example", "s\r\nX: y", "b")])
def test_nothing_can_be_slipped_into_a_header(mail: Mail) -> None:
    with pytest.raises(ValueError, match=r"newline|linefeed"):
        message_of(mail, "m@x.example")


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)
