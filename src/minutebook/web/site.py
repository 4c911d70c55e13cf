"""What every request is answered with: the store, the templates, and what is known about the address of the site."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from urllib.parse import urlsplit

from jinja2 import Environment
from starlette.requests import HTTPConnection

from minutebook.config import LOOPBACK
from minutebook.custody.high_water import Custody
from minutebook.custody.ledger import Ledger
from minutebook.deliver.exports import Exports
from minutebook.deliver.tails import Tails
from minutebook.filters import Seal
from minutebook.name_servers import NameServers
from minutebook.organization.denials import Denials
from minutebook.organization.factor_key import FactorKey
from minutebook.organization.passkeys import RelyingParty
from minutebook.organization.sign_in import SignIns
from minutebook.store import keys
from minutebook.store.engine import Store
from minutebook.web.guide import Guide
from minutebook.web.metrics import Metrics
from minutebook.web.rates import (
    DOMAIN_CHECKS,
    EXPORTS,
    FORGOTTEN,
    FORGOTTEN_FROM,
    FORMS,
    FOUNDINGS,
    OPENINGS,
    OPENINGS_FROM,
    PASSKEYS_FROM,
    QUARTER,
    Rates,
)
from minutebook.web.searches import Searches

LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class WebSettings:
    """How the site is reached. X-Forwarded-For is believed of peers in `trusted_proxies`, and of nobody else. `custody`
    is where the statements about keys are, and the key that secrets of authenticator apps are stored under.
    `sends_mail`: there is a mail server. `name_servers` are asked, not this machine's. The measures are shown to those
    in `metrics_networks`. Unless `anybody_founds`, only the operator founds organizations."""

    public_url: str = "http://127.0.0.1:8321"
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    sends_mail: bool = False
    custody: Path | None = None
    name_servers: tuple[str, ...] = ()
    metrics_networks: tuple[IPv4Network | IPv6Network, ...] = LOOPBACK
    anybody_founds: bool = True


@dataclass(frozen=True)
class Site:
    """The application behind its routes. Safe to share between threads."""

    store: Store
    settings: WebSettings
    templates: Environment
    sign_ins: SignIns
    tails: Tails
    searches: Searches
    counts: Searches
    """What pages ask for once they are there."""

    denials: Denials
    exports: Exports = field(default_factory=Exports)
    rates: Rates = field(default_factory=Rates)
    export_rates: Rates = field(default_factory=lambda: Rates(EXPORTS, window=QUARTER))
    forms: Rates = field(default_factory=lambda: Rates(FORMS, window=QUARTER))
    foundings: Rates = field(default_factory=lambda: Rates(FOUNDINGS, window=QUARTER))
    domain_checks: Rates = field(default_factory=lambda: Rates(DOMAIN_CHECKS, window=QUARTER))
    openings: Rates = field(default_factory=lambda: Rates(OPENINGS, window=QUARTER))
    passkeys_from: Rates = field(default_factory=lambda: Rates(PASSKEYS_FROM, window=QUARTER))
    openings_from: Rates = field(default_factory=lambda: Rates(OPENINGS_FROM, window=QUARTER))
    forgotten: Rates = field(default_factory=lambda: Rates(FORGOTTEN, window=QUARTER))
    forgotten_from: Rates = field(default_factory=lambda: Rates(FORGOTTEN_FROM, window=QUARTER))
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    @cached_property
    def seal(self) -> Seal:
        """Writes and reads where pages of events begin. Raises StoreUnavailable until it was read once."""
        with self.store.reading() as connection:
            return Seal(keys.read_key(connection, keys.CURSORS))

    @cached_property
    def is_https(self) -> bool:
        """Whether browsers reach the site by https, so that cookies can be bound to it."""
        return urlsplit(self.settings.public_url).scheme == "https"

    @cached_property
    def origin(self) -> str:
        """The public address without a path, as browsers write it in Origin."""
        parts = urlsplit(self.settings.public_url)
        return f"{parts.scheme}://{parts.netloc}".lower()

    @cached_property
    def hosts(self) -> frozenset[str]:
        """The host names under which the site may be asked, without ports."""
        return LOCAL_HOSTS | {(urlsplit(self.settings.public_url).hostname or "").lower()}

    @cached_property
    def fetch_metadata(self) -> bool:
        """Whether browsers send Sec-Fetch-Site: they do over https, and to the machine they run on."""
        return self.is_https or self.hosts == LOCAL_HOSTS

    @property
    def guide(self) -> Guide:
        """What templates lead to by `guide("members")`."""
        guide = self.templates.globals["guide"]
        assert isinstance(guide, Guide)
        return guide

    @cached_property
    def factor_key(self) -> FactorKey:
        """What the secrets of authenticator apps are stored under."""
        return FactorKey(self.settings.custody)

    @cached_property
    def party(self) -> RelyingParty | None:
        """Who passkeys are for; None where browsers have none."""
        return RelyingParty.at(self.settings.public_url)

    @cached_property
    def custody(self) -> Custody | None:
        """What is known of the keys that sign and of what was signed, if there is a directory for it."""
        return Custody(self.settings.custody) if self.settings.custody else None

    @cached_property
    def ledger(self) -> Ledger:
        """The ledger of erasures; without a directory for it nothing is erased. Raises RuntimeError."""
        if self.settings.custody is None:
            raise RuntimeError("There is no custody directory.")
        return Ledger(self.settings.custody)

    @cached_property
    def metrics(self) -> Metrics:
        """What is measured while the site answers."""
        return Metrics(self.store, self.settings.custody)

    @cached_property
    def name_servers(self) -> NameServers:
        """Who is asked for the record of an SSO domain."""
        return NameServers(self.settings.name_servers)

    def stop(self) -> None:
        """Ends what would go on by itself: the server is about to stop."""
        self.tails.stop()
        self.exports.stop()

    def link(self, path: str) -> str:
        """The full address of a path, for mail and for people to copy."""
        return self.settings.public_url.rstrip("/") + path

    def cookie(self, name: str) -> str:
        """The full name of a cookie that only the server writes. `__Host-` binds it to this host and to https."""
        return f"__Host-minutebook-{name}" if self.is_https else f"minutebook-{name}"


def site_of(request: HTTPConnection) -> Site:
    """The site that the request is for."""
    site: Site = request.app.state.site
    return site
