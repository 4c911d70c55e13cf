"""Tiles: every proof at every size is that of the definition, however far they follow, and wrong ones are found."""

from __future__ import annotations

import pytest

from minutebook.evidence.proof import verify_consistency, verify_inclusion
from minutebook.store import index, log, tiles
from minutebook.store import text as text_index
from minutebook.store.check_index import check_index
from tests.store.test_query import fill
from tests.support import stored, trees
from tests.support.deployment import Deployment
from tests.support.tampering import tamper
from tests.support.walk import FILLED, OTHER

WIDE = 4
"""Hashes in a tile here, so that a short log has several levels of them."""


@pytest.fixture
def tiled(filled: Deployment, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    """Two organizations, the larger one of which has whole tiles on three levels."""
    monkeypatch.setattr(tiles, "BITS", 2)
    monkeypatch.setattr(text_index, "STEP", 1)
    monkeypatch.setattr(index, "BATCH", 7)
    fill(filled, 75)
    return filled


def leaf_hashes(deployment: Deployment) -> list[bytes]:
    with deployment.store.reading() as connection:
        return [bytes(event.leaf_hash) for event in stored.events(connection, FILLED)]


def rows(deployment: Deployment) -> list[tuple[int, int, bytes]]:
    with deployment.store.reading() as connection:
        return list(tiles.stored(connection, FILLED))


def problems(deployment: Deployment, organization: int = FILLED) -> list[str]:
    with deployment.store.reading() as connection:
        return [found.problem for found in check_index(connection, organization) if "proofs" in found.problem]


@pytest.mark.parametrize("followed", [True, False])
def test_every_proof_at_every_size_is_that_of_the_definition(tiled: Deployment, followed: bool) -> None:
    if followed:
        index.follow_all(tiled.store)
        fill(tiled, 11)  # behind what is followed
    hashes = leaf_hashes(tiled)
    assert bool(rows(tiled)) is followed
    with tiled.store.reading() as connection:
        for size in {1, 2, 3, 4, 5, 15, 16, 17, 63, 64, 65, 80, 81, len(hashes) - 1, len(hashes)}:
            tree = hashes[:size]
            assert tiles.root(connection, FILLED, size) == stored.root(tree)
            for seq in {0, size // 3, size // 2, size - 1}:
                path = tiles.inclusion(connection, FILLED, seq, size)
                assert list(path) == trees.inclusion(seq, tree)
                assert verify_inclusion(tree[seq], seq, size, stored.root(tree), path)
            for old in {1, size // 4 or 1, size // 2 or 1, size}:
                grown = tiles.consistency(connection, FILLED, old, size)
                assert list(grown) == trees.consistency(old, tree)
                assert verify_consistency(old, stored.root(tree[:old]), size, stored.root(tree), grown)


def test_tiles_are_those_of_c2sp_whatever_the_batches_were(tiled: Deployment) -> None:
    for more in (0, 1, 2, 3, 30, 0):
        fill(tiled, more)
        index.follow_all(tiled.store)
        level, above, expected = 1, leaf_hashes(tiled), []
        while len(above) >= WIDE:
            above = [stored.root(above[at : at + WIDE]) for at in range(0, len(above) - WIDE + 1, WIDE)]
            cut = [above[at : at + WIDE] for at in range(0, len(above), WIDE)]
            expected += [(level, number, b"".join(tile)) for number, tile in enumerate(cut)]
            level += 1
        assert rows(tiled) == expected
        assert level > 3
    before = rows(tiled)
    index.rebuild(tiled.store)
    assert rows(tiled) == before
    assert problems(tiled) == problems(tiled, OTHER) == []


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM tile WHERE level = 1 AND number = 2",
        "DELETE FROM tile WHERE level = 2",
        "DELETE FROM tile",
        "UPDATE tile SET level = 9 WHERE level = 3",
        "UPDATE tile SET number = 99 WHERE level = 1 AND number = 1",
        "UPDATE tile SET hashes = (SELECT hashes FROM tile AS other WHERE other.organization = tile.organization AND "
        "other.level = 1 AND other.number = 0) WHERE level = 1 AND number = 1",
        "INSERT INTO tile SELECT organization, 7, number, hashes FROM tile WHERE level = 1 AND number = 1",
    ],
)
def test_tiles_that_are_not_the_log_s_are_found_and_made_anew(tiled: Deployment, change: str) -> None:
    index.follow_all(tiled.store)
    tamper(tiled.store, f"{change} {'AND' if 'WHERE' in change else 'WHERE'} organization = {FILLED}")
    assert len(problems(tiled)) == 1
    assert problems(tiled, OTHER) == []
    index.rebuild(tiled.store)
    assert problems(tiled) == []


@pytest.mark.parametrize("change", ["DELETE FROM tile", "UPDATE tile SET hashes = substr(hashes, 1, 33)"])
def test_tiles_that_are_gone_or_unreadable_keep_no_proof_from_being_made(tiled: Deployment, change: str) -> None:
    index.follow_all(tiled.store)
    hashes = leaf_hashes(tiled)
    tamper(tiled.store, change)
    with tiled.store.reading() as connection:
        path = tiles.inclusion(connection, FILLED, 20, len(hashes))
    assert list(path) == trees.inclusion(20, hashes)


def test_a_log_with_a_hole_is_followed_and_proves_nothing_there(tiled: Deployment) -> None:
    hashes = leaf_hashes(tiled)
    tamper(tiled.store, f"DELETE FROM event WHERE position = {log.position(FILLED, 21)}")
    index.rebuild(tiled.store)
    with tiled.store.reading() as connection:
        path = tiles.inclusion(connection, FILLED, 20, len(hashes))
    assert not verify_inclusion(hashes[20], 20, len(hashes), stored.root(hashes), path)


def test_a_proof_reads_few_rows(filled_sqlite: Deployment) -> None:
    """At full width: of each level the tile of the event and the last one, whatever the log's size."""
    fill(filled_sqlite, 700)
    index.follow_all(filled_sqlite.store)
    size = filled_sqlite.size(FILLED)
    seen: list[str] = []
    with filled_sqlite.store.reading() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.set_trace_callback(seen.append)
        tiles.inclusion(connection, FILLED, 5, size)
        driver.set_trace_callback(None)
    assert 2 <= len(seen) <= 4
