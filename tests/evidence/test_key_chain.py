"""Statements about keys: each follows from those before it, and none else is believed."""

from __future__ import annotations

import pytest

from minutebook.evidence.key_chain import (
    ADD,
    REVOKE,
    BrokenChain,
    Standing,
    Statement,
    Verb,
    follow,
    name_of,
    parse_time,
    write_time,
)
from minutebook.evidence.note import NotANote, Note, PrivateKey, sign

HOST = "minutebook.example"
A, B, C = (PrivateKey(bytes([number]) * 32) for number in (1, 2, 3))
T = 1_793_923_200


def stated(number: int, verb: Verb, about: PrivateKey, *signers: PrivateKey, at: int = T, host: str = HOST) -> str:
    text = Statement(host, number, verb, about.public, at).text()
    return str(Note(text, tuple(sign(text, name_of(host), signer) for signer in signers)))


FIRST = stated(0, ADD, A, A)
SECOND = stated(1, ADD, B, A, B)


def test_a_statement_is_three_lines() -> None:
    text = Statement(HOST, 1, REVOKE, A.public, T).text()
    assert text == (
        "minutebook.example/keys\n1\nrevoke iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w= cut-off 2026-11-06T00:00:00Z\n"
    )
    assert Statement.parse(text) == Statement(HOST, 1, REVOKE, A.public, T)
    assert parse_time(write_time(T)) == T


def test_who_trusts_one_key_learns_the_others() -> None:
    assert follow([]) == {}
    assert follow([FIRST]) == {A.public: Standing(A.public, T)}
    chain = [FIRST, SECOND, stated(2, REVOKE, A, B, at=T + 9), stated(3, ADD, C, C, B, at=T + 10)]
    assert list(follow(chain).values()) == [
        Standing(A.public, T, T + 9),
        Standing(B.public, T),
        Standing(C.public, T + 10),
    ]
    assert [one.counts for one in follow(chain).values()] == [False, True, True]


BROKEN = {
    "the first is not signed": [stated(0, ADD, A, B)],
    "it begins in the middle": [SECOND],
    "a number is left out": [FIRST, stated(2, ADD, B, A, B)],
    "another host": [FIRST, stated(1, ADD, B, A, B, host="other.example")],
    "the new key has not signed": [FIRST, stated(1, ADD, B, A)],
    "no old key has signed": [FIRST, stated(1, ADD, B, B)],
    "a stranger has signed": [FIRST, stated(1, ADD, B, C, B)],
    "a key is added twice": [FIRST, SECOND, stated(2, ADD, A, A, B)],
    "a key revokes itself": [FIRST, SECOND, stated(2, REVOKE, A, A)],
    "the only key is revoked": [FIRST, stated(1, REVOKE, A, A)],
    "an unknown key is revoked": [FIRST, SECOND, stated(2, REVOKE, C, A)],
    "it is revoked twice": [FIRST, SECOND, stated(2, REVOKE, A, B), stated(3, REVOKE, A, B)],
    "a revoked key adds one": [FIRST, SECOND, stated(2, REVOKE, A, B), stated(3, ADD, C, A, C)],
    "no note": [FIRST, "no note"],
}


@pytest.mark.parametrize("why", BROKEN)
def test_what_does_not_follow_is_not_believed(why: str) -> None:
    with pytest.raises(BrokenChain, match="statement"):
        follow(BROKEN[why])


TEXT = Statement(HOST, 1, ADD, A.public, T).text()


@pytest.mark.parametrize(
    "text",
    [
        TEXT[:-1],
        TEXT + "more\n",
        TEXT.replace("/keys", "/kegs"),
        TEXT.replace("\n1\n", "\n01\n"),
        TEXT.replace("add", "use"),
        TEXT.replace("since", "cut-off"),
        TEXT.replace("00Z", "00.0Z"),
        TEXT.replace("T00:00:00Z", "T0:00:00Z"),
        TEXT.replace("11-06", "13-06"),
        TEXT.replace("iojj", ""),
    ],
)
def test_what_is_no_statement_is_refused(text: str) -> None:
    with pytest.raises(NotANote):
        Statement.parse(text)
