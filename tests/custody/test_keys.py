"""Keys: rotated, revoked, behind a command; and what a verifier that pins the first one learns."""

from __future__ import annotations

import os
import sys
import textwrap
from pathlib import Path

import pytest

from minutebook.custody import keys
from minutebook.custody.high_water import Custody
from minutebook.errors import Conflict, CustodyBroken, NoKey
from minutebook.evidence.key_chain import follow
from minutebook.evidence.note import PrivateKey, VerifierKey, to_base64
from minutebook.model import SECOND

AT = 1_793_923_200 * SECOND
HOST = "minutebook.example"


@pytest.fixture
def custody(tmp_path: Path) -> Custody:
    """With one key."""
    made = Custody(tmp_path / "custody")
    with made.changing() as held:
        keys.add(made, held, keys.new_key(os.urandom), HOST, AT)
    return made


def publics(custody: Custody) -> list[bytes]:
    with custody.reading() as held:
        return list(keys.standings(held))


def signing(custody: Custody) -> bytes:
    """The public key that signs now."""
    with custody.changing() as held:
        key = keys.current(custody, held)
    assert VerifierKey("a", key.signer.public).has_signed("text\n", key.sign("text\n", "a"))
    return key.signer.public


def test_a_new_key_signs_and_the_old_one_vouches_for_it(custody: Custody) -> None:
    (first,) = publics(custody)
    assert signing(custody) == first
    with custody.changing() as held:
        keys.add(custody, held, keys.new_key(os.urandom), "ignored.example", AT)
        assert held.host() == HOST
        statements = held.statements()
    assert publics(custody)[0] == first
    assert signing(custody) == publics(custody)[1]
    assert list(follow(statements)) == publics(custody)


def test_a_revoked_key_signs_no_more(custody: Custody) -> None:
    (first,) = publics(custody)
    with custody.changing() as held, pytest.raises(Conflict, match="only key"):
        keys.revoke(custody, held, first, AT // SECOND, AT)
    with custody.changing() as held:
        keys.add(custody, held, keys.new_key(os.urandom), HOST, AT)
    second = publics(custody)[1]
    with custody.changing() as held:
        keys.revoke(custody, held, second, AT // SECOND + 5, AT + 9 * SECOND)
    assert signing(custody) == first
    with custody.changing() as held, pytest.raises(Conflict, match="no such key"):
        keys.revoke(custody, held, second, AT // SECOND, AT)
    with custody.reading() as held:
        assert keys.standings(held)[second].cut_off == AT // SECOND + 5


@pytest.mark.parametrize("cut_off", [AT // SECOND - 1, AT // SECOND + 10])
def test_a_cut_off_lies_in_the_life_of_the_key(custody: Custody, cut_off: int) -> None:
    with custody.changing() as held:
        keys.add(custody, held, keys.new_key(os.urandom), HOST, AT)
    with custody.changing() as held, pytest.raises(Conflict, match="cut-off"):
        keys.revoke(custody, held, publics(custody)[0], cut_off, AT + 9 * SECOND)


def test_a_key_that_cannot_vouch_adds_none(custody: Custody) -> None:
    (file,) = custody.keys.iterdir()
    file.rename(file.with_suffix(".away"))
    with pytest.raises(NoKey), custody.changing() as held:
        keys.add(custody, held, keys.new_key(os.urandom), HOST, AT)
    assert len(publics(custody)) == 1


@pytest.mark.parametrize("text", ["", "PRIVATE+KEY+a+00000000+AAAA", PrivateKey(b"x" * 32).to_text(f"{HOST}/keys")])
def test_a_file_that_holds_another_key_signs_nothing(custody: Custody, text: str) -> None:
    (file,) = custody.keys.iterdir()
    file.write_text(text)
    with pytest.raises(NoKey) as refused:
        signing(custody)
    assert "eHh4" not in refused.value.message


def test_statements_that_were_changed_are_noticed(custody: Custody) -> None:
    with custody.changing() as held:
        held.state(held.statements()[0])
    with pytest.raises(CustodyBroken, match="statement 1"):
        signing(custody)


# ── Behind a command ─────────────────────────────────────────────────────────────────────────────────────────────────

SEED = b"k" * 32


def program(folder: Path, body: str) -> tuple[str, ...]:
    """A key store of another kind: signs what it is given."""
    file = folder / "sign it.py"
    file.write_text(
        textwrap.dedent(f"""
        import base64, sys
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        key = Ed25519PrivateKey.from_private_bytes({SEED!r})
        """)
        + textwrap.dedent(body)
    )
    return (sys.executable, str(file), 'with "quotes" and \\')


RIGHT = "sys.stdout.write(base64.b64encode(key.sign(sys.stdin.buffer.read())).decode() + '\\n')"


def test_a_command_signs(custody: Custody, tmp_path: Path) -> None:
    public = PrivateKey(SEED).public
    with custody.changing() as held:
        keys.add(custody, held, keys.command_key(public, program(tmp_path, RIGHT)), HOST, AT)
    assert signing(custody) == public
    assert [file.suffix for file in sorted(custody.keys.iterdir())].count(".toml") == 1
    assert to_base64(SEED) not in "".join(file.read_text() for file in custody.keys.glob("*.toml"))


@pytest.mark.parametrize(
    "body",
    [
        "sys.exit('no card in the reader')",
        "print('no base64!')",
        "print(base64.b64encode(key.sign(b'something else')).decode())",
        "print()",
    ],
)
def test_a_command_that_does_not_sign_is_no_key(custody: Custody, tmp_path: Path, body: str) -> None:
    signer = keys.command_key(PrivateKey(SEED).public, program(tmp_path, body))
    with pytest.raises(NoKey), custody.changing() as held:
        keys.add(custody, held, signer, HOST, AT)
    assert len(publics(custody)) == 1


def test_a_command_that_is_not_there_is_named() -> None:
    with pytest.raises(Conflict, match="no program no-such-signer"):
        keys.command_key(b"k" * 32, ["no-such-signer"])


def test_a_key_is_added_once(custody: Custody, tmp_path: Path) -> None:
    signer = keys.command_key(PrivateKey(SEED).public, program(tmp_path, RIGHT))
    with custody.changing() as held:
        keys.add(custody, held, signer, HOST, AT)
    with pytest.raises(Conflict, match="added before"), custody.changing() as held:
        keys.add(custody, held, signer, HOST, AT)


@pytest.mark.parametrize(
    ("url", "host"),
    [(None, "minutebook.local"), ("https://minutebook.example.com", "minutebook.example.com"), ("http://a:80", "a:80")],
)
def test_names_begin_with_the_public_address(url: str | None, host: str) -> None:
    assert keys.host_of(url) == host


def test_a_file_that_is_only_just_being_made_is_not_read(tmp_path: Path) -> None:
    made = Custody(tmp_path / "custody")
    made.directory.mkdir()
    made.file.touch()
    with made.reading() as held:
        assert held is None
