"""TXT records of the domain name system, asked of the name servers of this machine or of those that are configured."""

from __future__ import annotations

import re
from collections.abc import Sequence

import dns.exception
import dns.inet
import dns.nameserver
import dns.resolver

SECONDS = 5.0
"""How long a question may take in all."""
ADDRESS = re.compile(r"(?P<address>\[[0-9a-f:.]+\]|[0-9.]+)(?::(?P<port>[1-9][0-9]{0,4}))?", re.IGNORECASE)


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


def server_of(text: str) -> tuple[str, int]:
    """The address and the port of a name server. Raises ValueError for anything else."""
    match = ADDRESS.fullmatch(text)
    if match is None or not dns.inet.is_address(match["address"].strip("[]")) or int(match["port"] or 53) > 65535:
        raise ValueError("each is an IPv4 address or an IPv6 address in brackets, perhaps with a colon and a port")
    return match["address"].strip("[]"), int(match["port"] or 53)
