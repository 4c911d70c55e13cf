"""Checkpoints: one text for each, and none without the signature of its own log."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minutebook.evidence.checkpoint import Checkpoint, NotACheckpoint
from minutebook.evidence.note import NotANote, Note, NotSigned, PrivateKey, VerifierKey, cosign, sign

# The example of C2SP tlog-checkpoint and tlog-cosignature: read and written, as its keys are not published.
TEXT = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
SIGNED = f"""{TEXT}
— example.com/behind-the-sofa \
Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
— witness.example.com/w1 \
jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==
"""
ROOT = base64.b64decode("CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=")
SIGNER = PrivateKey(bytes(range(32)))
LOG = VerifierKey("minutebook.example/o/log_1", SIGNER.public)


def test_the_example_of_the_specification() -> None:
    note = Note.parse(SIGNED.encode())
    assert str(note) == SIGNED
    checkpoint = Checkpoint.parse(note.text)
    assert checkpoint == Checkpoint("example.com/behind-the-sofa", 20_852_163, ROOT)
    assert checkpoint.text() == TEXT


@given(st.integers(0, 2**63 - 1), st.binary(min_size=32, max_size=32))
def test_a_checkpoint_is_opened_as_it_was_signed(size: int, root: bytes) -> None:
    checkpoint = Checkpoint(LOG.name, size, root)
    note = Note(checkpoint.text(), (sign(checkpoint.text(), LOG.name, SIGNER),))
    assert Checkpoint.open(str(note).encode(), [LOG]) == checkpoint


@given(st.text() | st.from_regex(r"a\n[0-9]{1,3}\n[A-Za-z0-9+/=]{40,44}\n?\n?", fullmatch=True))
def test_a_checkpoint_is_one_text_and_no_other(text: str) -> None:
    try:
        checkpoint = Checkpoint.parse(text)
    except NotANote:
        return
    assert checkpoint.text() == text


@pytest.mark.parametrize(
    "text",
    [
        TEXT[:-1],
        TEXT + "extension\n",
        TEXT + "\n",
        TEXT.replace("example.com/behind-the-sofa", ""),
        TEXT.replace("behind-the", "behind the"),
        TEXT.replace("20852163", "020852163"),
        TEXT.replace("20852163", "-1"),
        TEXT.replace("20852163", "+20852163"),
        TEXT.replace("20852163", "20_852_163"),
        TEXT.replace("20852163", "٣"),
        TEXT.replace("20852163", str(2**63)),
        TEXT.replace("20852163", ""),
        TEXT.replace("CsUYapGGPo4d", "CsUYapGG"),
        TEXT.replace("q2I=", "q2J="),
    ],
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(NotANote):
        Checkpoint.parse(text)


def test_only_the_key_of_the_log_itself_signs_for_it() -> None:
    text = Checkpoint("minutebook.example/o/log_2", 7, ROOT).text()
    with pytest.raises(NotSigned, match="another log"):
        Checkpoint.open(str(Note(text, (sign(text, LOG.name, SIGNER),))).encode(), [LOG])
    # nor does a witness, by itself
    witness = VerifierKey("witness.example", SIGNER.public, 4)
    with pytest.raises(NotSigned, match="another log"):
        Checkpoint.open(str(Note(text, (cosign(text, witness.name, SIGNER, 1),))).encode(), [witness])


def test_a_signed_text_that_is_no_checkpoint_is_refused() -> None:
    text = f"{LOG.name}\nno size\n"
    with pytest.raises(NotACheckpoint):
        Checkpoint.open(str(Note(text, (sign(text, LOG.name, SIGNER),))).encode(), [LOG])
