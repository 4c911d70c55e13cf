"""Signed notes: the worked example, what is refused, and that a note is one text and no other."""

from __future__ import annotations

import base64

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from minutebook.evidence.note import (
    COSIGNATURE,
    MOST_SIGNATURES,
    NotANote,
    Note,
    NotSigned,
    PrivateKey,
    Signature,
    VerifierKey,
    cosign,
    cosigned_at,
    sign,
)

# The example of golang.org/x/mod/sumdb/note, whose format C2SP signed-note is.
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
LINE = "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
PRIVATE = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
PUBLIC = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
# The example in the text of C2SP signed-note; its key is not published, so it is only read and written.
EXAMPLE = """Ognuno sta solo sul cuor della terra
trafitto da un raggio di sole:

ed è subito sera.

— quasimodo.example/salvatore \
NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=
"""
NOTE = f"{TEXT}\n{LINE}"
KEY = VerifierKey.parse(PUBLIC)
seeds = st.binary(min_size=32, max_size=32)
names = st.text(st.characters(codec="utf-8", exclude_categories=["Z", "C"], exclude_characters="+"), min_size=1)
texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"], include_characters="\n")).map("{}\n".format)


def test_the_worked_example() -> None:
    name, private = PrivateKey.parse(PRIVATE)
    assert (name, VerifierKey(name, private.public)) == ("PeterNeumann", KEY)
    assert private.to_text(name) == PRIVATE
    assert str(KEY) == PUBLIC
    assert str(Note(TEXT, (sign(TEXT, name, private),))) == NOTE
    assert Note.parse(NOTE.encode()).signed_by([KEY]) == (KEY,)


def test_the_example_of_the_specification_is_read() -> None:
    note = Note.parse(EXAMPLE.encode())
    assert note.text.endswith(":\n\ned è subito sera.\n")
    assert [(one.name, one.key_id.hex(), len(one.signed)) for one in note.signatures] == [
        ("quasimodo.example/salvatore", "367ba04b", 64)
    ]
    assert str(note) == EXAMPLE


@given(texts, st.lists(st.tuples(names, seeds), min_size=1, max_size=4, unique_by=lambda pair: pair))
def test_a_note_is_read_as_it_was_signed(text: str, signers: list[tuple[str, bytes]]) -> None:
    keys = [(name, PrivateKey(seed)) for name, seed in signers]
    note = Note(text, tuple(sign(text, name, key) for name, key in keys))
    read = Note.parse(str(note).encode())
    assert read == note
    known = [VerifierKey(name, key.public) for name, key in keys]
    assert read.signed_by(known) == tuple(known)
    for key in known:
        assert VerifierKey.parse(str(key)) == key
        assert read.signed_by([key]) == (key,)


@example(b"text\n\n!\n")
@given(st.binary(max_size=200) | st.binary(max_size=80).map(lambda more: NOTE.encode() + more))
def test_what_is_read_is_one_text_and_no_other(note: bytes) -> None:
    try:
        read = Note.parse(note)
    except NotANote:
        return
    assert str(read).encode() == note


def test_no_changed_bit_of_a_note_is_accepted() -> None:
    whole = NOTE.encode()
    for at in range(len(whole)):
        for bit in range(8):
            changed = bytearray(whole)
            changed[at] ^= 1 << bit
            with pytest.raises((NotANote, NotSigned)):
                Note.parse(bytes(changed)).signed_by([KEY])


REFUSED = {
    "no signature": f"{TEXT}\n",
    "no empty line": f"{TEXT}{LINE}",
    "no last line feed": NOTE[:-1],
    "an empty line at the end": f"{NOTE}\n",
    "a tab": NOTE.replace("think ", "think\t"),
    "carriage returns": NOTE.replace("\n", "\r\n"),
    "a hyphen for the dash": NOTE.replace("—", "-"),
    "a dash without its space": NOTE.replace("— ", "—"),
    "two spaces": NOTE.replace("PeterNeumann ", "PeterNeumann  "),
    "a name with a plus": NOTE.replace("PeterNeumann", "Peter+Neumann"),
    "a name with a space of Unicode": NOTE.replace("PeterNeumann", "Peter\u2003Neumann"),
    "no name": NOTE.replace("PeterNeumann", ""),
    "base64 of the URL": NOTE.replace("/", "_"),
    "base64 without its padding": NOTE.replace("=", ""),
    "base64 with other last bits": NOTE.replace("nAM=", "nAN="),
    "an id without a signature": f"{TEXT}\n— PeterNeumann {base64.b64encode(KEY.key_id).decode()}\n",
    "too many signatures": f"{TEXT}\n{LINE * (MOST_SIGNATURES + 1)}",
    "too many bytes": f"{'x' * 1_000_000}\n\n{LINE}",
}


@pytest.mark.parametrize("why", REFUSED)
def test_what_is_no_note_is_refused(why: str) -> None:
    with pytest.raises(NotANote):
        Note.parse(REFUSED[why].encode())


def test_what_is_not_utf_8_is_refused() -> None:
    with pytest.raises(NotANote, match="UTF-8"):
        Note.parse(NOTE.encode().replace(b"think", b"th\xffnk"))


def test_signatures_of_strangers_count_for_nothing() -> None:
    _, private = PrivateKey.parse(PRIVATE)
    stranger = PrivateKey(b"s" * 32)
    strange = sign(TEXT, "stranger.example", stranger)
    broken = Signature("stranger.example", b"\0\0\0\0", b"no signature")
    note = Note(TEXT, (strange, broken, sign(TEXT, "PeterNeumann", private)))
    assert note.signed_by([KEY]) == (KEY,)
    with pytest.raises(NotSigned, match="no known key"):
        Note(TEXT, (strange, broken)).signed_by([KEY])
    # the same key under another name is another key
    with pytest.raises(NotSigned, match="no known key"):
        Note(TEXT, (sign(TEXT, "EnochRoot", private),)).signed_by([KEY])


def test_a_wrong_signature_in_the_name_of_a_known_key_ruins_the_note() -> None:
    _, private = PrivateKey.parse(PRIVATE)
    right, wrong = sign(TEXT, "PeterNeumann", private), sign("another\n", "PeterNeumann", private)
    with pytest.raises(NotSigned, match="not by its key"):
        Note(TEXT, (right, wrong)).signed_by([KEY])


@given(seeds, texts, st.integers(0, 2**63 - 1))
def test_a_cosignature_holds_its_time(seed: bytes, text: str, at: int) -> None:
    witness = PrivateKey(seed)
    key = VerifierKey("witness.example/w1", witness.public, COSIGNATURE)
    assert VerifierKey.parse(str(key)) == key
    note = Note.parse(str(Note(text, (cosign(text, key.name, witness, at),))).encode())
    assert note.signed_by([key]) == (key,)
    assert cosigned_at(note.signatures[0]) == at
    signed = note.signatures[0].signed
    later = Signature(key.name, key.key_id, (at ^ 1).to_bytes(8, "big") + signed[8:])
    for other in (later, Signature(key.name, key.key_id, signed[8:]), Signature(key.name, key.key_id, signed + b"\0")):
        with pytest.raises(NotSigned):
            Note(text, (other,)).signed_by([key])
    # a signature of the text itself is no cosignature, nor the other way around
    assert not key.has_signed(text, sign(text, key.name, witness))
    assert not VerifierKey(key.name, key.public).has_signed(text, note.signatures[0])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "PeterNeumann",
        "PeterNeumann+c74f20a3",
        PUBLIC.replace("c74f20a3", "c74f20a4"),
        PUBLIC.replace("c74f20a3", "C74F20A3"),
        PUBLIC.replace("PeterNeumann", ""),
        PUBLIC.replace("+AR", "+Ah"),
        PUBLIC + "A===",
        PUBLIC + "\n",
        PRIVATE,
    ],
)
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(NotANote):
        VerifierKey.parse(text)


@pytest.mark.parametrize("text", ["", PUBLIC, PRIVATE[:-4], PRIVATE.replace("c74f20a3", "00000000"), PRIVATE + "\n"])
def test_a_private_key_that_is_none_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(NotANote) as refused:
        PrivateKey.parse(text)
    assert "AYEKFALV" not in str(refused.value)
