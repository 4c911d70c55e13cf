"""Heads in an object store: each put there once, and only if nothing is there; over real HTTP for S3."""

from __future__ import annotations

from pathlib import Path

import pytest

from minutebook.custody.anchoring import Rounds
from minutebook.custody.head_objects import HeadObjects, objects
from minutebook.custody.high_water import Custody
from minutebook.errors import BadSettings
from minutebook.store import checkpoints
from minutebook.store.schema import ANCHOR
from tests.custody.test_anchoring import said, sign
from tests.support.answering import Asked, answering
from tests.support.deployment import Deployment


@pytest.fixture
def custody(tmp_path: Path) -> Custody:
    return Custody(tmp_path / "custody")


def show(deployment: Deployment, anchor: HeadObjects) -> str | None:
    """Shows it the head as if for the first time; what went wrong."""
    with deployment.store.housekeeping() as connection:
        connection.exec_driver_sql("DELETE FROM anchor")
    Rounds(deployment.store, [anchor]).go()
    (one,) = said(deployment, ANCHOR)
    return one.error


def test_a_head_is_put_once_into_a_bucket(
    filled_sqlite: Deployment, custody: Custody, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign(filled_sqlite, custody)
    with filled_sqlite.store.reading() as connection:
        head = str(checkpoints.latest(connection, ANCHOR)).encode()
    there = dict[str, bytes]()

    def bucket(asked: Asked) -> tuple[int, dict[str, str], bytes]:
        dated = {"ETag": '"1"', "Last-Modified": "Fri, 06 Nov 2026 00:00:00 GMT"}
        if asked.method == "GET":
            return 200, dated, there[asked.path]
        if not asked.only_new:
            return 400, {}, b""
        if asked.path in there:
            return 412, {}, b""
        if "down" in there:
            return 500, {}, b""
        there[asked.path] = asked.body
        return 200, dated, b""

    with answering(bucket) as server:
        for name, value in (
            ("AWS_ENDPOINT", server.url),
            ("AWS_ALLOW_HTTP", "true"),
            ("AWS_REGION", "eu"),
            ("AWS_ACCESS_KEY_ID", "id"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
        ):
            monkeypatch.setenv(name, value)
        anchor = objects("s3://bucket/heads")
        assert show(filled_sqlite, anchor) is None
        ((path, content),) = there.items()
        assert (path, content) == ("/bucket/heads/2026-11-06/2.note", head)
        assert show(filled_sqlite, anchor) is None  # it is there already, and the same
        there[path] = b"another head"
        assert show(filled_sqlite, anchor) == "have another head of this size already, which is left as it is"
        assert there == {path: b"another head"}
        there = {"down": b""}
        assert "are not taken by the object store" in (show(filled_sqlite, anchor) or "")


def test_a_store_that_nobody_knows_is_no_setting() -> None:
    with pytest.raises(BadSettings, match="heads_store"):
        objects("nothing://bucket")
