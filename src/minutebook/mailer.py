"""The mailer: a thread that sends what the outbox holds.

It speaks SMTP by the standard library: in a thread of its own a blocking conversation is the simplest one, and there is
no event loop to share. A mail that cannot be sent stays in the outbox and is tried again later.
"""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid, parseaddr

import structlog

from minutebook.background import Job
from minutebook.config import Settings, SmtpTls
from minutebook.organization import outbox
from minutebook.organization.outbox import Mail, Waiting
from minutebook.store.engine import Store

ROUND_SECONDS = 5.0
TIMEOUT_SECONDS = 20.0
USUAL_PORTS = {SmtpTls.STARTTLS: 587, SmtpTls.TLS: 465, SmtpTls.NONE: 25}

log = structlog.get_logger("minutebook.mailer")


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mail goes, how, and from whom."""

    host: str
    port: int
    tls: SmtpTls
    sender: str
    user: str | None = None
    password: str | None = None

    @classmethod
    def of(cls, settings: Settings) -> MailServer | None:
        """The mail server of the settings; None when none is set."""
        if not settings.smtp_host or not settings.smtp_from:
            return None
        return cls(
            host=settings.smtp_host,
            port=settings.smtp_port or USUAL_PORTS[settings.smtp_tls],
            tls=settings.smtp_tls,
            sender=settings.smtp_from,
            user=settings.smtp_user,
            password=settings.smtp_password.get_secret_value() if settings.smtp_password else None,
        )

    @contextmanager
    def connected(self) -> Iterator[smtplib.SMTP]:
        """A conversation with the server. Raises OSError or SMTPException; a wrong certificate is an OSError."""
        secure = ssl.create_default_context()
        if self.tls is SmtpTls.TLS:
            connection: smtplib.SMTP = smtplib.SMTP_SSL(self.host, self.port, timeout=TIMEOUT_SECONDS, context=secure)
        else:
            connection = smtplib.SMTP(self.host, self.port, timeout=TIMEOUT_SECONDS)
        with connection:
            if self.tls is SmtpTls.STARTTLS:
                connection.starttls(context=secure)
            if self.user is not None:
                connection.login(self.user, self.password or "")
            yield connection


class Mailer(Job):
    """Sends what is due, every few seconds. A mail whose sending is cut off may be sent twice."""

    name = "mailer"
    patience = TIMEOUT_SECONDS

    def __init__(self, store: Store, server: MailServer, *, every: float = ROUND_SECONDS) -> None:
        super().__init__(every)
        self._store = store
        self._server = server

    def round(self) -> int:
        """Sends what is due now; returns how many mails the server has taken."""
        outbox.forget_old(self._store)
        waiting = outbox.due(self._store)
        if not waiting:
            return 0
        try:
            with self._server.connected() as connection:
                return sum(self._send(connection, mail) for mail in waiting if not self._stopping.is_set())
        except (smtplib.SMTPException, OSError) as error:
            for mail in outbox.due(self._store):
                self._failed(mail, error, f"{type(error).__name__}: {error}")
            return 0

    def _send(self, connection: smtplib.SMTP, waiting: Waiting) -> bool:
        try:
            connection.send_message(message_of(waiting.mail, self._server.sender))
        except smtplib.SMTPServerDisconnected:
            raise
        except (smtplib.SMTPException, ValueError) as error:
            self._failed(waiting, error, _code_of(error))  # what the server says of a mail may name people
            return False
        outbox.sent(self._store, waiting)
        return True

    def _failed(self, waiting: Waiting, error: Exception, told: str) -> None:
        """The outbox keeps all of the error, the server's log has what is told."""
        log.warning("mail_failed", mail=waiting.id, attempt=waiting.attempts + 1, error=told)
        outbox.failed(self._store, waiting, f"{type(error).__name__}: {error}")


def _code_of(error: Exception) -> str:
    """The kind of an error, and the number that the mail server answered with."""
    answers = list(error.recipients.values()) if isinstance(error, smtplib.SMTPRecipientsRefused) else []
    code = answers[0][0] if answers else getattr(error, "smtp_code", "")
    return f"{type(error).__name__} {code}".rstrip()


def message_of(mail: Mail, sender: str) -> EmailMessage:
    """The mail as it goes over the wire. Raises ValueError for a line break in a header: nothing can be slipped in."""
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = mail.to
    message["Subject"] = mail.subject
    message["Date"] = formatdate(usegmt=True)
    message["Message-ID"] = make_msgid(domain=parseaddr(sender)[1].rpartition("@")[2] or "localhost")
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday replies, please
    message.set_content(mail.body)
    return message
