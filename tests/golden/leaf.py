"""The events whose leaves are frozen in leaf.json. `python -m tests.golden.leaf` prints what the program makes of them.

leaf.json was written once. A leaf that comes out differently is a broken promise to everyone who holds a head: never
write the file anew. To add events, add them at the end, and lay the file beside what is printed.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from minutebook.evidence import leaf as leaves
from minutebook.evidence import tree
from minutebook.model import Actor, ActorKind, Context, Json, Target

FILE = Path(__file__).with_name("leaf.json")
ADA = Actor(ActorKind.USER, "usr_aaaaaaaaaaaa", "ada@calder.example", "Ada Okafor", credential="session")
HERE = Context("192.0.2.7", "Mozilla/5.0 (X11; Linux x86_64)", "req_1", "ses_1", "web")
LARGEST = 2**53 - 1

EVENTS: tuple[tuple[str, str, Actor, tuple[Target, ...], Context, dict[str, Json]], ...] = (
    # null fields are disclosed too
    ("log.view", "success", Actor(ActorKind.SYSTEM, "cli"), (), Context(), {"v": 1}),
    (
        "member.change_role",
        "success",
        ADA,
        (Target("user", "usr_bbbbbbbbbbbb", "bob@calder.example"),),
        HERE,
        {
            "v": 1,
            "member": {"id": "usr_bbbbbbbbbbbb", "email": "bob@calder.example", "name": "Bob"},
            "role": {"before": "admin", "after": "member"},
        },
    ),
    # non-ASCII, combining marks, beyond the basic plane, and everything that JSON escapes
    (
        "mode.create",
        "success",
        Actor(ActorKind.USER, "usr_cccccccccccc", "chloe@calder.example", "Chloé Ødegård-Łukasz 渡辺"),
        (Target("mode", "mod_1", "Cafe\u0301 🦊"), Target("mode", "mod_1", "")),
        Context(ip="2001:db8::7", user_agent='"\\/\b\f\n\r\t\0\x1b\x7f\u2028\u202e'),
        {
            "v": 1,
            "name": "",
            "instructions": "α\nβ\tγ",
            "tools": [],
            "deep": {"b": [1, None, True, {"": False}], "a": {}},
        },
    ),
    # integers at both ends
    ("credits.purchase", "success", ADA, (), HERE, {"v": 1, "most": LARGEST, "least": -LARGEST, "zero": 0, "one": -1}),
    # more targets than one digit can number; a path sorts as text
    (
        "user.login_failed",
        "failure",
        ADA,
        tuple(Target("user", f"usr_{number}", f"person{number}") for number in range(12)),
        HERE,
        {"v": 1, "reason": "Wrong password", "attempt": 3},
    ),
    # paths as they are left when values were erased: nothing about a value shows in the leaf
    ("user.login", "denied", Actor(ActorKind.USER, "", "", ""), (Target("", "", ""),), HERE, {"v": 1, "method": ""}),
)


def computed() -> dict[str, Any]:
    """What the program makes of the events now, as leaf.json has it."""
    made = [_made(number) for number in range(len(EVENTS))]
    hashes = [tree.leaf_hash(b"leaf %d" % number) for number in range(20)]
    roots = [tree.root_of(hashes[:size]).hex() for size in range(21)]
    return {"events": made, "roots_of_leaf_0_to_19": roots}


def secret(number: int) -> bytes:
    """The secret of one event, which only a golden file may know."""
    return hashlib.sha256(b"golden secret %d" % number).digest()


def facts(number: int) -> leaves.Facts:
    """What the leaf of one event says openly."""
    action, outcome = EVENTS[number][:2]
    at = 1_793_923_200_000_000 + number
    return leaves.Facts("log_00112233", number, f"0190d6a8-0000-7000-8000-00000000000{number}", at, at, action, outcome)


def _made(number: int) -> dict[str, Any]:
    _, _, actor, targets, context, details = EVENTS[number]
    disclosures = leaves.disclose(actor, targets, context, details)
    committed = leaves.commitments(secret(number), disclosures)
    leaf = leaves.leaf_of(facts(number), secret(number), disclosures)
    return {
        "secret": secret(number).hex(),
        "disclosures": {path: text.decode() for path, text in disclosures.items()},
        "nonce": leaves.nonce(secret(number)).hex(),
        "commitments": {path: value.hex() for path, value in committed.items()},
        "leaf": leaf.hex(),
        "leaf_hash": tree.leaf_hash(leaf).hex(),
    }


if __name__ == "__main__":
    print(json.dumps(computed(), indent=1))
