"""Heads as objects in an object store that keeps what it was given: each is put there only if it is not there yet.

What the store needs to be reached is where its own programs look for it, such as AWS_ACCESS_KEY_ID. It is an extra:
`pip install minutebook[object-store]`.
"""

from __future__ import annotations

from dataclasses import dataclass

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import ObjectStore, from_url

from minutebook.custody.anchoring import Asked, Refused
from minutebook.errors import BadSettings
from minutebook.model import from_micros
from minutebook.outgoing import Unreachable
from minutebook.store.anchors import AnchorKind
from minutebook.store.schema import ANCHOR


@dataclass(frozen=True, slots=True)
class HeadObjects:
    """An object store: an Anchor for the anchor log."""

    store: ObjectStore
    kind = AnchorKind.OBJECT_STORE
    name = "heads"
    every = 0

    def takes(self, organization: int) -> bool:
        return organization == ANCHOR

    def ask(self, asked: Asked) -> None:
        """Puts `<day>/<size>.note`."""
        path = f"{from_micros(asked.head.signed_at):%Y-%m-%d}/{asked.head.size}.note"
        content = str(asked.head).encode()
        try:
            obstore.put(self.store, path, content, mode="create", use_multipart=False)
        except AlreadyExistsError:
            self._compare(path, content)
        except BaseError as error:
            raise Unreachable(f"are not taken by the object store ({type(error).__name__})") from error

    def _compare(self, path: str, content: bytes) -> None:
        """Raises Refused when what is there is another head: as good as done otherwise, perhaps before a crash."""
        try:
            there = bytes(obstore.get(self.store, path).bytes())
        except BaseError as error:
            raise Unreachable(f"cannot be read from the object store ({type(error).__name__})") from error
        if there != content:
            raise Refused("have another head of this size already, which is left as it is")


def objects(url: str) -> HeadObjects:
    """The object store of a URL, such as `s3://bucket/heads`. Raises BadSettings."""
    try:
        found = from_url(url, retry_config={"max_retries": 0})
    except (BaseError, ValueError) as error:
        raise BadSettings(f"heads_store: {url} is not accepted ({type(error).__name__}).") from None
    return HeadObjects(found)
