"""TXT records of the domain name system, asked of the name servers of this machine or of those that are configured."""

from __future__ import annotations

from collections.abc import Sequence

import dns.exception
import dns.nameserver
import dns.resolver

from minutebook.ip_address import server_of

SECONDS = 5.0
"""How long a question may take in all."""


class Unanswered(Exception):
    """No name server could say: not the same as one that says that there is no such record."""


class NameServers:
    """Asks for TXT records. `servers` are IP addresses, each perhaps with a port; without any, this machine's."""

    def __init__(self, servers: Sequence[str] = (), seconds: float = SECONDS) -> None:
        self._servers = [server_of(server) for server in servers]
        self._seconds = seconds

    def texts(self, name: str) -> frozenset[str]:
        """The TXT records of a name; none when it is certain that there are none. Raises Unanswered."""
        try:
            answer = self._resolver().resolve(name, "TXT", search=False, lifetime=self._seconds)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return frozenset()
        except (dns.exception.DNSException, OSError) as error:
            raise Unanswered from error
        return frozenset(b"".join(record.strings).decode("utf-8", "replace") for record in answer)

    def _resolver(self) -> dns.resolver.Resolver:
        """One for each question: what is configured on this machine may change, and nothing is remembered."""
        resolver = dns.resolver.Resolver(configure=not self._servers)
        if self._servers:
            resolver.nameservers = [dns.nameserver.Do53Nameserver(*server) for server in self._servers]
        return resolver
