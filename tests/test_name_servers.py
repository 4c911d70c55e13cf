"""What name servers say, and what they do not say."""

from __future__ import annotations

import pytest

from minutebook.ip_address import server_of
from minutebook.name_servers import NameServers, Unanswered
from tests.support.name_server import Zone

NAME = "_minutebook.calder.example"


def test_every_text_of_a_name_is_read_whole(dns: Zone) -> None:
    dns.texts[NAME] = ("one", 'two" "parts', "ünseen")
    assert NameServers([dns.address]).texts(NAME) == {"one", "twoparts", "ünseen"}


def test_no_record_is_an_answer_and_silence_is_none(dns: Zone) -> None:
    servers = NameServers([dns.address], seconds=0.5)
    assert servers.texts(NAME) == frozenset()
    dns.texts[NAME] = ()
    assert servers.texts(NAME) == frozenset(), "the name exists, without such a record"
    dns.fails = True
    with pytest.raises(Unanswered):
        servers.texts(NAME)
    with pytest.raises(Unanswered):
        NameServers(["127.0.0.1:9"], seconds=0.5).texts(NAME)


@pytest.mark.parametrize("name", ["a" * 64 + ".example", ".".join(["abcdefg"] * 40), "a..example"])
def test_a_name_that_cannot_be_asked_for_is_not_answered(dns: Zone, name: str) -> None:
    with pytest.raises(Unanswered):
        NameServers([dns.address]).texts(name)


@pytest.mark.parametrize(
    ("text", "server"),
    [
        ("192.0.2.53", ("192.0.2.53", 53)),
        ("192.0.2.53:5353", ("192.0.2.53", 5353)),
        ("[2001:db8::53]", ("2001:db8::53", 53)),
    ],
)
def test_a_server_is_an_address_perhaps_with_a_port(text: str, server: tuple[str, int]) -> None:
    assert server_of(text) == server


@pytest.mark.parametrize(
    "text", ["", "ns.example", "192.0.2.300", "192.0.2.53:70000", "192.0.2.53:0", "[x]", "2001:db8::53:"]
)
def test_anything_else_is_no_server(text: str) -> None:
    with pytest.raises(ValueError, match="each is an IPv4 address"):
        server_of(text)
