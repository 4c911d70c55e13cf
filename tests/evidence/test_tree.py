"""The tree: RFC 6962's hashes, and a compact range that grows into the same root as building it from scratch."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minutebook.evidence.tree import EMPTY_ROOT, CompactRange, leaf_hash, node_hash, root_of
from tests.support import stored

# The inputs and roots that implementations of Certificate Transparency test with (google/certificate-transparency,
# merkle_tree_test; transparency-dev/merkle, testonly).
INPUTS = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def test_the_empty_tree_hashes_nothing() -> None:
    assert root_of([]) == EMPTY_ROOT == hashlib.sha256(b"").digest() == CompactRange().root()


@pytest.mark.parametrize("size", range(1, 9))
def test_known_roots(size: int) -> None:
    assert root_of(map(leaf_hash, INPUTS[:size])).hex() == ROOTS[size - 1]


def test_leaves_and_nodes_are_hashed_apart() -> None:
    left, right = leaf_hash(b"left"), leaf_hash(b"right")
    assert node_hash(left, right) != leaf_hash(left + right)
    assert leaf_hash(b"") != EMPTY_ROOT


@given(st.lists(st.binary(min_size=32, max_size=32), max_size=70))
def test_the_range_grows_into_the_root_by_definition(hashes: list[bytes]) -> None:
    tree = CompactRange()
    for hashed in hashes:
        tree = CompactRange.from_bytes(tree.size, tree.to_bytes()).append(hashed)
    assert tree.size == len(hashes)
    assert tree.root() == root_of(hashes) == stored.root(hashes)
    assert tree.to_bytes() == stored.peaks(hashes)
    assert len(tree.peaks) == len(hashes).bit_count()


@pytest.mark.parametrize(("size", "stored_bytes"), [(0, 32), (1, 0), (3, 32), (3, 96), (4, 31), (7, 97)])
def test_peaks_that_do_not_fit_the_size_are_refused(size: int, stored_bytes: int) -> None:
    with pytest.raises(ValueError, match="peaks"):
        CompactRange.from_bytes(size, b"x" * stored_bytes)
