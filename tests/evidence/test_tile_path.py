"""How tiles are named: the examples of C2SP, and one path for each."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minutebook.evidence.tile_path import NotATile, TilePath


@pytest.mark.parametrize(
    ("path", "tile"),
    [
        ("0/x001/x234/067", TilePath(0, 1_234_067)),
        ("0/000", TilePath(0, 0)),
        ("63/255.p/1", TilePath(63, 255, 1)),
        ("entries/x001/000.p/255", TilePath(None, 1_000, 255)),
    ],
)
def test_paths(path: str, tile: TilePath) -> None:
    assert TilePath.parse(path) == tile
    assert str(tile) == path


@given(st.none() | st.integers(0, 63), st.integers(0, 10**15 - 1), st.integers(1, 256))
def test_a_path_is_read_as_it_was_written(level: int | None, number: int, width: int) -> None:
    tile = TilePath(level, number, width)
    assert TilePath.parse(str(tile)) == tile


@pytest.mark.parametrize(
    "path",
    [
        "",
        "0",
        "0/",
        "0/0",
        "0/0000",
        "0/x000/000",
        "0/001/000",
        "0/x001",
        "0/x1/000",
        "00/000",
        "64/000",
        "-1/000",
        "entry/000",
        "0/000.p/0",
        "0/000.p/256",
        "0/000.p/01",
        "0/000.p",
        "0/000/",
        "/0/000",
        "0/٠٠٠",
        "0/" + "x001/" * 5 + "000",
    ],
)
def test_what_names_no_tile(path: str) -> None:
    with pytest.raises(NotATile):
        TilePath.parse(path)


def test_how_many_events_a_tile_needs() -> None:
    """The example of C2SP: a tree of 70,000."""
    assert TilePath(0, 273, 112).events == 70_000
    assert TilePath(1, 1, 17).events == 273 * 256
    assert TilePath(2, 0, 1).events == 65_536
    assert TilePath(None, 273, 112).events == 70_000
