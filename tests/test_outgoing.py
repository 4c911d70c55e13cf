"""What leaves goes nowhere else than where it may: no private address, by whatever name, and no redirect."""

from __future__ import annotations

import socket
import time
from collections.abc import Sequence
from contextlib import closing
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any

import pytest

from minutebook.outgoing import SECONDS, Answer, Outgoing, Unreachable, may_reach
from tests.support.answering import answering

LOOPBACK = (ip_network("127.0.0.0/8"),)


def post(url: str, allowed: Sequence[IPv4Network | IPv6Network] = LOOPBACK, seconds: float = SECONDS) -> Answer:
    with closing(Outgoing(allowed, seconds)) as outgoing:
        return outgoing.post(url, b"", "text/plain")


def test_what_is_answered_comes_back_and_the_connection_is_kept() -> None:
    kind = {"Content-Type": "text/tea; charset=utf-8"}
    with answering(lambda asked: (418, kind, asked.body[::-1])) as there, closing(Outgoing(LOOPBACK)) as outgoing:
        for _ in range(2):
            assert outgoing.post(f"{there.url}/pot", b"abc", "text/cup") == Answer(418, "text/tea", b"cba")
    assert [(one.path, one.content_type) for one in there.asked] == [("/pot", "text/cup")] * 2
    assert there.asked[0].client_port == there.asked[1].client_port


def test_no_private_address_is_asked() -> None:
    with answering(lambda _: (200, {}, b"")) as there:
        for host in ("127.0.0.1", "localhost"):
            with pytest.raises(Unreachable, match="private address"):
                post(there.url.replace("127.0.0.1", host), ())
    assert there.asked == []


def test_a_name_is_looked_up_once_and_its_address_is_the_one_that_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that stands for a public address when it is looked at, and for a private one when it is connected to."""
    lookups = list[str]()
    right = socket.getaddrinfo

    def rebound(host: Any, port: Any, *given: Any, **named: Any) -> Any:
        if host != "rebound.example":
            return right(host, port, *given, **named)
        lookups.append(host)
        address = "192.0.2.1" if len(lookups) > 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", rebound)
    with answering(lambda _: (200, {}, b"here")) as there:
        url = there.url.replace("127.0.0.1", "rebound.example")
        assert post(url).body == b"here"
        lookups.clear()
        with pytest.raises(Unreachable, match="private address"):
            post(url, (ip_network("10.0.0.0/8"),))
    assert (len(there.asked), len(lookups)) == (1, 1)


def test_no_redirect_is_followed() -> None:
    with (
        answering(lambda _: (200, {}, b"")) as other,
        answering(lambda _: (307, {"Location": other.url}, b"")) as there,
    ):
        assert post(there.url).status == 307
        assert other.asked == []


def test_what_does_not_end_is_given_up() -> None:
    with answering(lambda _: (200, {}, b"x" * 1_000_001)) as there, pytest.raises(Unreachable, match="more than"):
        post(there.url)

    def slowly(_: object) -> tuple[int, dict[str, str], bytes]:
        time.sleep(1)
        return 200, {}, b""

    with answering(slowly) as there, pytest.raises(Unreachable, match="in time"):
        post(there.url, seconds=0.2)


def test_nobody_there_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(Unreachable, match="does not answer"):
        post(f"http://127.0.0.1:{port}/")
    with pytest.raises(Unreachable, match="does not answer"):
        post("http://nobody.invalid/")


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"),
        *("224.0.0.1", "255.255.255.255", "192.0.2.1", "::1", "::", "fe80::1", "fc00::1", "ff02::1", "2001:db8::1"),
        *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::"),
        "2001:0:c000:221:0:0:80ff:fffe",  # Teredo for 127.0.0.1
    ],
)
def test_addresses_that_are_not_public_are_not_reached(address: str) -> None:
    assert not may_reach(ip_address(address), ())


@pytest.mark.parametrize("address", ["1.1.1.1", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"])
def test_public_addresses_are_reached(address: str) -> None:
    assert may_reach(ip_address(address), ())


def test_a_network_that_is_allowed_is_reached() -> None:
    assert may_reach(ip_address("10.1.2.3"), (ip_network("10.1.0.0/16"),))
    assert may_reach(ip_address("::ffff:10.1.2.3"), (ip_network("10.1.0.0/16"),))
    assert not may_reach(ip_address("10.2.2.3"), (ip_network("10.1.0.0/16"),))
