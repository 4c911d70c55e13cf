"""IP addresses as they are recorded and compared: one that is mapped into IPv6 (RFC 4291, section 2.5.5.2) is the one
that it stands for."""

from __future__ import annotations

import re
from ipaddress import (
    IPV4LENGTH,
    IPV6LENGTH,
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

WITH_PORT = re.compile(r"(?P<address>\[[0-9a-f:.]+\]|[0-9.]+)(?::(?P<port>[1-9][0-9]{0,4}))?", re.IGNORECASE)
DOMAIN = 53


def address_of(text: str) -> Address | None:
    """The address that a text is; None for what is none."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return _stands_for(address) or address


def network_of(text: str) -> Network:
    """The range of addresses that a text is, also one of which it names another than the first. Raises ValueError."""
    network = ip_network(text, strict=False)
    first, length = _stands_for(network.network_address), network.prefixlen - (IPV6LENGTH - IPV4LENGTH)
    return IPv4Network((first, length)) if first and length >= 0 else network


def is_inside(address: Address | None, network: Network) -> bool:
    """Whether there is an address, and it is one of the network."""
    return address is not None and address.version == network.version and address in network


def server_of(text: str) -> tuple[str, int]:
    """The address and the port of a name server. Raises ValueError for anything else."""
    match = WITH_PORT.fullmatch(text)
    if match is None or not address_of(match["address"].strip("[]")) or int(match["port"] or DOMAIN) > 65535:
        raise ValueError("each is an IPv4 address or an IPv6 address in brackets, perhaps with a colon and a port")
    return match["address"].strip("[]"), int(match["port"] or DOMAIN)


def _stands_for(address: Address) -> IPv4Address | None:
    return address.ipv4_mapped if isinstance(address, IPv6Address) else None
