"""Proofs: those of RFC 6962 by its definition, public vectors, and no changed one accepted."""

from __future__ import annotations

import base64
import json
import random
from pathlib import Path as File

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minutebook.evidence.note import NotANote
from minutebook.evidence.proof import (
    LogProof,
    Path,
    parse_path,
    prove_consistency,
    prove_inclusion,
    root_at,
    verify_consistency,
    verify_inclusion,
    write_path,
)
from tests.evidence.test_checkpoint import SIGNED
from tests.evidence.test_tree import INPUTS, ROOTS
from tests.support import stored, trees
from tests.support.full import FULL

MUTATIONS = 1_000_000 if FULL else 20_000
SHARED = File(__file__).parents[2].parent / "shared" / "data" / "merkle"
VECTORS = sorted(SHARED.glob("inclusion/**/*.json"))
TREE = list(map(stored.leaf_hash, INPUTS))
# What implementations of Certificate Transparency expect of the tree of `INPUTS` (transparency-dev/merkle, testonly).
INCLUSION = {
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
    (0, 1): [],
}
CONSISTENCY = {
    (1, 8): INCLUSION[0, 8],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
    (1, 1): [],
}


def hexes(path: Path) -> list[str]:
    return [hashed.hex() for hashed in path]


@pytest.mark.parametrize(("index", "size"), INCLUSION)
def test_known_paths(index: int, size: int) -> None:
    path = prove_inclusion(trees.read(TREE), index, size)
    assert hexes(path) == INCLUSION[index, size]
    assert verify_inclusion(TREE[index], index, size, bytes.fromhex(ROOTS[size - 1]), path)


@pytest.mark.parametrize(("old", "new"), CONSISTENCY)
def test_known_proofs_of_consistency(old: int, new: int) -> None:
    path = prove_consistency(trees.read(TREE), old, new)
    assert hexes(path) == CONSISTENCY[old, new]
    assert verify_consistency(old, bytes.fromhex(ROOTS[old - 1]), new, bytes.fromhex(ROOTS[new - 1]), path)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the public vectors are not beside this folder")
@pytest.mark.parametrize(
    "file", sorted(SHARED.glob("inclusion/**/*.json")), ids=lambda file: str(file.relative_to(SHARED))
)
def test_public_vectors(file: File) -> None:
    vector = json.loads(file.read_bytes())
    hashed, root = (base64.b64decode(vector[name] or "") for name in ("leafHash", "root"))
    path = [base64.b64decode(beside) for beside in vector["proof"] or ()]
    held = verify_inclusion(hashed, vector["leafIdx"], vector["treeSize"], root, path)
    assert held is not vector["wantErr"], vector["desc"]


@given(st.integers(1, 70), st.data())
def test_proofs_are_those_of_the_definition(size: int, data: st.DataObject) -> None:
    hashes = trees.leaf_hashes(size + data.draw(st.integers(0, 9)))  # others come after them
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(0, size))
    read, tree = trees.read(hashes), hashes[:size]
    root, old_root = stored.root(tree), stored.root(tree[:old])
    assert root_at(read, size) == root
    path = prove_inclusion(read, index, size)
    assert list(path) == trees.inclusion(index, tree)
    assert verify_inclusion(tree[index], index, size, root, path)
    grown = prove_consistency(read, old, size)
    assert list(grown) == (trees.consistency(old, tree) if old else [])
    assert verify_consistency(old, old_root, size, root, grown)
    assert parse_path(write_path(path).split("\n")[:-1]) == path


def test_every_pair_of_sizes_up_to_130() -> None:
    hashes = trees.leaf_hashes(130)
    read = trees.read(hashes)
    roots = [stored.root(hashes[:size]) for size in range(131)]
    for new in range(131):
        for old in range(new + 1):
            assert verify_consistency(old, roots[old], new, roots[new], prove_consistency(read, old, new))
            if old < new:
                assert verify_inclusion(hashes[old], old, new, roots[new], prove_inclusion(read, old, new))


def mutated(random: random.Random, path: Path, others: list[bytes]) -> Path:
    """Another path: a bit of it, one hash more or less, two of them swapped, or one of the tree's in its place."""
    changed = list(path)
    at = random.randrange(len(changed) + 1)
    kind = random.randrange(6)
    if kind == 0 and changed:
        place = random.randrange(len(changed))
        byte = random.randrange(32)
        raw = bytearray(changed[place])
        raw[byte] ^= 1 << random.randrange(8)
        changed[place] = bytes(raw)
    elif kind == 1 and changed:
        del changed[min(at, len(changed) - 1)]
    elif kind == 2 and len(changed) > 1:
        one, other = random.sample(range(len(changed)), 2)
        changed[one], changed[other] = changed[other], changed[one]
    elif kind == 3 and changed:
        changed[min(at, len(changed) - 1)] = random.choice(others)
    elif kind == 4 and changed:
        place = min(at, len(changed) - 1)
        changed[place] = changed[place][:-1]
    else:
        changed.insert(at, random.choice(others))
    return tuple(changed)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_no_mutated_proof_is_accepted() -> None:
    """Size and root are those of the checkpoint; path, index and leaf are whatever somebody shows."""
    chance = random.Random(20261126)
    hashes = trees.leaf_hashes(300)
    read = trees.read(hashes)
    tried = 0
    while tried < MUTATIONS:
        size = chance.randrange(1, 301)
        index, old = chance.randrange(size), chance.randrange(1, size + 1)
        root, old_root = root_at(read, size), root_at(read, old)
        path, grown = prove_inclusion(read, index, size), prove_consistency(read, old, size)
        for _ in range(200):
            other = mutated(chance, path, hashes)
            if other != path:
                assert not verify_inclusion(hashes[index], index, size, root, other)
            elsewhere = chance.randrange(300)
            if elsewhere != index:
                assert not verify_inclusion(hashes[index], elsewhere, size, root, path)
                assert not verify_inclusion(hashes[elsewhere], index, size, root, path)
            other = mutated(chance, grown, hashes)
            if other != grown:
                assert not verify_consistency(old, old_root, size, root, other)
            assert not verify_consistency(old, hashes[elsewhere] if old > 1 else hashes[1], size, root, grown)
            tried += 5


def test_one_path_fits_more_than_one_size() -> None:
    """Why the size comes from the checkpoint: the path of the first leaf says nothing of how many there are."""
    hashes = trees.leaf_hashes(8)
    path = prove_inclusion(trees.read(hashes), 0, 8)
    assert all(verify_inclusion(hashes[0], 0, size, stored.root(hashes), path) for size in range(5, 9))


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0)])
def test_there_is_no_path_from_outside(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="no leaf"):
        prove_inclusion(trees.read(TREE), index, size)
    assert not verify_inclusion(TREE[0], index, size, TREE[0], ())


def test_nothing_grew_out_of_what_is_larger() -> None:
    with pytest.raises(ValueError, match="grown"):
        prove_consistency(trees.read(TREE), 4, 3)
    assert not verify_consistency(4, stored.root(TREE[:4]), 3, stored.root(TREE[:3]), ())


@given(
    st.integers(0, 2**63 - 1),
    st.lists(st.binary(min_size=32, max_size=32), max_size=63),
    st.none() | st.binary(max_size=40),
)
def test_a_log_proof_is_read_as_it_was_written(index: int, path: list[bytes], extra: bytes | None) -> None:
    proof = LogProof(index, tuple(path), SIGNED, extra)
    assert LogProof.parse(str(proof)) == proof


WRITTEN = str(LogProof(3, (TREE[0], TREE[1]), SIGNED, b"more"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        WRITTEN.replace("@v1", "@v2"),
        WRITTEN.replace("index 3", "index 03"),
        WRITTEN.replace("index 3", "index -3"),
        WRITTEN.replace("index 3\n", ""),
        WRITTEN.replace("extra ", "extra"),
        WRITTEN.replace("\n\n", "\n"),
        WRITTEN.replace("index 3\n", "index 3\nAAAA\n"),
        "c2sp.org/tlog-proof@v1\n\n" + SIGNED,
        "c2sp.org/tlog-proof@v1\nextra AAAA\n\n" + SIGNED,
        str(LogProof(3, (TREE[0],) * 64, SIGNED)),
    ],
)
def test_what_is_no_log_proof_is_refused(text: str) -> None:
    with pytest.raises(NotANote):
        LogProof.parse(text)
