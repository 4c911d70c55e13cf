"""Ids and numbers that people may see, and tokens that only their holder knows."""

from __future__ import annotations

import base64
import hashlib
import re

from minutebook.model import Randomness

TOKEN_BYTES = 32
ID = re.compile(r"[a-z]{3}_[a-z0-9]{12}")
"""What `new_id` makes."""
MOST_SEQ = (1 << 40) - 1
"""The largest number that an event can have."""


def new_id(prefix: str, randomness: Randomness) -> str:
    """`prefix_` and 12 lower-case letters and digits (60 random bits)."""
    return f"{prefix}_{base64.b32encode(randomness(8)).decode().lower()[:12]}"


def event_number(text: str) -> int | None:
    """The number of an event that a text is; None for what is none."""
    is_one = text.isascii() and text.isdigit() and len(text) <= len(str(MOST_SEQ)) and int(text) <= MOST_SEQ
    return int(text) if is_one else None


def new_token(randomness: Randomness) -> str:
    """A URL-safe secret of 256 random bits, shown once and stored only as its hash."""
    return base64.urlsafe_b64encode(randomness(TOKEN_BYTES)).decode().rstrip("=")


def token_hash(token: str) -> bytes:
    """What is stored of a token: SHA-256. A fast hash is enough, since nobody can guess 256 random bits."""
    return hashlib.sha256(token.encode(errors="surrogatepass")).digest()
