"""Requests that leave for addresses which somebody has configured: no redirects, and nothing on a private network.

A name is resolved here, and what it stands for is looked at just before the connection is made to that very address:
a name that stands for another one a moment later leads nowhere else.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

import httpcore2 as httpcore

SECONDS = 20.0
"""How long a request may take in all, once connected; and half of it how long the other side may be silent."""
MOST_BYTES = 1_000_000
NAT64 = ip_network("64:ff9b::/96")

Address = IPv4Address | IPv6Address


class Unreachable(Exception):
    """There was no answer: why, as the end of a sentence that begins with the name of the other side."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered."""

    status: int
    content_type: str
    body: bytes


class Outgoing:
    """Sends requests, and keeps connections for the next ones. `allowed` are private networks that may be reached."""

    def __init__(self, allowed: Sequence[IPv4Network | IPv6Network] = (), seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._pool = httpcore.ConnectionPool(network_backend=_Checking(allowed), keepalive_expiry=90)

    def post(self, url: str, body: bytes, content_type: str) -> Answer:
        """What was answered to a POST, at most 1,000,000 bytes. Raises Unreachable."""
        headers = [("Content-Type", content_type), ("Accept-Encoding", "identity"), ("User-Agent", "minutebook")]
        half = self._seconds / 2
        timeout = {"connect": half, "read": half, "write": half, "pool": half}
        try:
            with self._pool.stream("POST", url, headers=headers, content=body, extensions={"timeout": timeout}) as sent:
                kind = next((value for name, value in sent.headers if name.lower() == b"content-type"), b"")
                return Answer(sent.status, kind.decode("latin-1").partition(";")[0].strip(), self._read(sent))
        except _NotAllowed:
            raise Unreachable("is at a private address, which outgoing_networks does not allow") from None
        except (httpcore.TimeoutException, TimeoutError):
            raise Unreachable("does not answer in time") from None
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol, OSError) as error:
            raise Unreachable(f"does not answer ({type(error).__name__})") from error

    def close(self) -> None:
        """Ends all connections."""
        self._pool.close()

    def _read(self, answer: httpcore.Response) -> bytes:
        end, body = time.monotonic() + self._seconds, b""
        for part in answer.iter_stream():
            body += part
            if len(body) > MOST_BYTES:
                raise Unreachable("answers with more than 1,000,000 bytes")
            if time.monotonic() > end:
                raise TimeoutError
        return body


class _NotAllowed(Exception):
    pass


class _Checking(httpcore.NetworkBackend):
    """Connects only to addresses that may be reached."""

    def __init__(self, allowed: Sequence[IPv4Network | IPv6Network]) -> None:
        self._allowed = allowed
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        found = [ip_address(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
        open_ = [address for address in found if may_reach(address, self._allowed)]
        if not open_:
            raise _NotAllowed
        failed: Exception = OSError()
        for address in open_:
            try:
                return self._sockets.connect_tcp(str(address), port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        raise failed


def may_reach(address: Address, allowed: Iterable[IPv4Network | IPv6Network]) -> bool:
    """Whether an address is public, or in a network that is allowed; an IPv6 address that stands for an IPv4 one is
    judged as that one."""
    if isinstance(address, IPv6Address):
        teredo = address.teredo
        within = address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None)
        if within is None and address in NAT64:
            within = IPv4Address(int(address) & 0xFFFFFFFF)
        if within is not None:
            return may_reach(within, allowed)
    if any(address in network for network in allowed):
        return True
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)
