"""Server-sent events are the same messages however their bytes arrive, and never half a message."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from minutebook.cli.messages import Message, messages_of

STREAM = (
    "retry: 2000\nid: -1\n\n"
    'id: 0\ndata: {"seq":0,"name":"a: b\u2028"}\n\n'
    ":\n\n"
    "id: 7\n\n"
    'event: ended\ndata: {"status":403}\n\n'
).encode()
TOLD = [
    Message(-1, "message", None, 2.0),
    Message(0, "message", '{"seq":0,"name":"a: b\u2028"}'.encode(), None),
    Message(7, "message", None, None),
    Message(None, "ended", b'{"status":403}', None),
]


@given(st.lists(st.integers(0, len(STREAM)), max_size=20), st.integers(0, len(STREAM)))
def test_messages_are_given_once_when_they_are_whole(cuts: list[int], end: int) -> None:
    edges = sorted({0, *(cut for cut in cuts if cut < end), end})
    chunks = [STREAM[start:stop] for start, stop in itertools.pairwise(edges)]
    batches = list(messages_of(chunks))
    assert all(batches)
    given_ = [message for batch in batches for message in batch]
    whole = STREAM[:end].count(b"\n\n") - (STREAM[:end].count(b":\n\n"))
    assert given_ == TOLD[:whole]
