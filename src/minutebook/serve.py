"""The server: one process that owns its data directory, listens, and stops cleanly."""

from __future__ import annotations

import contextlib
import gc
import logging
import signal
import socket
import sys
from collections.abc import Callable
from http import HTTPStatus
from types import FrameType
from typing import Literal

import structlog
import structlog.tracebacks
import uvicorn
from starlette.types import ASGIApp
from structlog.typing import Processor
from uvicorn.protocols.http.h11_impl import H11Protocol

from minutebook.background import Job
from minutebook.config import Founding, Settings
from minutebook.custody import keys
from minutebook.custody.anchoring import Anchoring
from minutebook.custody.configured import anchors_of
from minutebook.custody.custodian import Custodian
from minutebook.custody.high_water import Custody
from minutebook.custody.ledger import Ledger
from minutebook.custody.signer import Signing, require_not_behind
from minutebook.errors import BadSettings
from minutebook.mailer import Mailer, MailServer
from minutebook.model import DAY
from minutebook.name_servers import NameServers
from minutebook.organization import links
from minutebook.organization.domain_checks import DomainChecks
from minutebook.organization.set_up import is_set_up
from minutebook.organization.support import SupportEnds
from minutebook.outgoing import Outgoing
from minutebook.storage import StorageWatch
from minutebook.store.engine import Store
from minutebook.store.index import Follower
from minutebook.web.app import WebSettings, create_app
from minutebook.web.site import Site

STOP_SECONDS = 10
STALLED_SECONDS = 30
"""How long a peer may take nothing of what is sent to it."""
SET_UP_LIFETIME = DAY
HEAD_LIMIT = 64 * 1024
"""Bytes of an address and its headers. What is longer is not read, and so never recorded."""


def set_up_path(store: Store) -> str | None:
    """The path of a new single-use link that founds the first organization; None once there is one."""
    with store.reading() as connection:
        if is_set_up(connection):
            return None
    return f"/set-up/{links.new_link(store, links.SET_UP, lifetime=SET_UP_LIFETIME)}"


def run(settings: Settings, store: Store, greet: Callable[[str], None]) -> None:
    """Serves until it is told to stop. `greet` is given the address once requests are accepted.

    Raises BadSettings when it cannot listen there or an anchor is none, BehindHighWater when the database has less than
    was signed of it.
    """
    configure_logging(settings.log_format)
    custody = Custody(settings.custody)
    require_not_behind(store, custody)
    outgoing = Outgoing(settings.outgoing_networks)
    anchoring = Anchoring(store, anchors_of(settings, store, outgoing))
    listening = listen(settings.host, settings.port)
    address = settings.address(listening.getsockname()[1])
    mail_server = MailServer.of(settings)
    web = WebSettings(
        address,
        settings.trusted_proxies,
        sends_mail=mail_server is not None,
        custody=settings.custody,
        name_servers=settings.name_servers,
        metrics_networks=settings.metrics_networks,
        anybody_founds=settings.founding is Founding.ANYBODY,
    )
    app = create_app(store, web)
    site: Site = app.state.site
    jobs: list[Job] = [  # those that record before those that follow the record: at the end, all of it is signed
        SupportEnds(store),
        site.denials,
        Custodian(store, Ledger(settings.custody)),
        DomainChecks(store, NameServers(settings.name_servers), mails=web.sends_mail),
        Follower(store),
        Signing(store, custody, keys.host_of(settings.public_url)),
        anchoring,
        StorageWatch(settings.data_directory),
        *([Mailer(store, mail_server)] if mail_server else []),
    ]
    config = config_of(app, STOP_SECONDS)
    before = signal.signal(signal.SIGTERM, _stop)
    try:
        for job in jobs:
            job.start()
        # What was loaded stays as long as the process: to look through all of it for garbage, ever again, would halt an
        # answer in the middle for a tenth of a second.
        gc.freeze()
        greet(address)
        Server(config, site.stop).run(sockets=[listening])
    except KeyboardInterrupt:
        pass  # Ctrl-C is how a server is stopped, no mishap
    finally:
        signal.signal(signal.SIGTERM, before)
        listening.close()
        for job in jobs:
            job.stop()
        outgoing.close()


def serve_alone(app: ASGIApp, listening: socket.socket) -> None:
    """Serves an application of its own, which has no store, until it is told to stop."""
    configure_logging("text")
    config = config_of(app, STOP_SECONDS)
    with contextlib.suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listening])


def config_of(app: ASGIApp, stop_seconds: int) -> uvicorn.Config:
    """How the application is served; it has that long to finish what is being done when it is to stop."""
    return uvicorn.Config(
        app,
        http=Http,
        access_log=False,  # the application writes its own, without tokens
        log_config=None,
        proxy_headers=False,  # the application itself looks who may say where a request comes from
        server_header=False,
        h11_max_incomplete_event_size=HEAD_LIMIT,
        timeout_graceful_shutdown=stop_seconds,
    )


class Http(H11Protocol):
    """Says which requests are too long to be read, and so come to no page that could say it."""

    def send_400_response(self, msg: str) -> None:
        """Answers what is no request, or not yet one after so many bytes; the error that tells is being handled."""
        if getattr(sys.exception(), "error_status_hint", 400) == HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE:
            msg = f"The address and the headers of this request are longer than the {HEAD_LIMIT:,} bytes accepted."
        super().send_400_response(msg)


class Server(uvicorn.Server):
    """Ends what would never end by itself as soon as it is to stop, so that it waits only for what is being done."""

    def __init__(self, config: uvicorn.Config, end_streams: Callable[[], None]) -> None:
        super().__init__(config)
        self._end_streams = end_streams

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._end_streams()
        await super().shutdown(sockets)


def listen(host: str, port: int) -> socket.socket:
    """A socket that accepts connections. Raises BadSettings, saying why it cannot."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise BadSettings(
            f"Cannot listen on {host} port {port}: {reason}. Choose another with --port or MINUTEBOOK_PORT."
        ) from None
    # Connections inherit it. asyncio sets it only on sockets that name their protocol, and without it the body of an
    # answer waits for the acknowledgement of its headers: 40 ms.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    # Nor does a connection last whose peer takes nothing: also when it is closed, a socket waits until what is left was
    # taken. Only the system knows; where it has no such time (RFC 5482), as on macOS, its own counts.
    if option := getattr(socket, "TCP_USER_TIMEOUT", None):
        listening.setsockopt(socket.IPPROTO_TCP, option, STALLED_SECONDS * 1000)
    return listening


def _stop(number: int, frame: FrameType | None) -> None:
    """Uvicorn has stopped and hands the signal on: end as one does who was asked to, with everything closed."""
    del number, frame
    sys.exit(0)


def configure_logging(form: Literal["text", "json"]) -> None:
    """The server's log, and what its libraries log, on standard error. What people typed cannot move the cursor."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: list[Processor]
    if form == "json":
        # the values of a frame's variables may be passwords and tokens
        without_locals = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
        last = [structlog.processors.ExceptionRenderer(without_locals), structlog.processors.JSONRenderer()]
    else:
        plain = structlog.dev.plain_traceback
        colors = sys.stderr.isatty()
        last = [structlog.dev.ConsoleRenderer(colors=colors, repr_native_str=True, exception_formatter=plain)]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    remove = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=[remove, *last]))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    logging.getLogger("alembic").setLevel(logging.WARNING)
