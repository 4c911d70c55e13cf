"""What was shipped of the catalogue stays: no action or field is removed or retyped."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable

import pytest

from tests.golden import actions as golden
from tests.golden.actions import Shipped

SHIPPED: Shipped = json.loads(golden.FILE.read_text())


def test_the_catalogue_keeps_what_was_shipped() -> None:
    assert golden.contradictions(SHIPPED, golden.declared()) == []


def test_what_is_new_was_added_to_the_file() -> None:
    assert golden.declared() == SHIPPED, "run python -m tests.golden, and look at what it adds"


def _drop_action(now: Shipped) -> None:
    del now["mode.delete"]


def _drop_field(now: Shipped) -> None:
    del now["mode.delete"]["fields"]["name"]


def _retype_field(now: Shipped) -> None:
    now["user.login_failed"]["fields"]["attempt"] = {"type": "string"}


def _drop_choice(now: Shipped) -> None:
    now["member.remove"]["fields"]["role"]["enum"].remove("auditor")


def _drop_part(now: Shipped) -> None:
    del now["member.remove"]["fields"]["member"]["properties"]["email"]


def _retype_part(now: Shipped) -> None:
    now["credits.purchase"]["fields"]["amount"]["properties"]["cents"] = {"type": "number"}


def _require_field(now: Shipped) -> None:
    now["settings.change"]["required"].append("models")


def _require_part(now: Shipped) -> None:
    now["member.remove"]["fields"]["member"]["required"].append("phone")


def _add_required_field(now: Shipped) -> None:
    now["mode.delete"]["fields"]["why"] = {"type": "string"}
    now["mode.delete"]["required"].append("why")


def _version_back(now: Shipped) -> None:
    now["mode.delete"]["version"] = 0


def _reword(now: Shipped) -> None:
    now["mode.delete"]["sentence"] = "Removed the mode Réview"


def _reorder(now: Shipped) -> None:
    now["mode.create"]["fields"] = dict(reversed(now["mode.create"]["fields"].items()))


@pytest.mark.parametrize(
    "change",
    [
        _drop_action,
        _drop_field,
        _retype_field,
        _drop_choice,
        _drop_part,
        _retype_part,
        _require_field,
        _require_part,
        _add_required_field,
        _version_back,
        _reword,
        _reorder,
    ],
)
def test_a_broken_promise_is_found(change: Callable[[Shipped], None]) -> None:
    now = copy.deepcopy(SHIPPED)
    change(now)
    assert len(golden.contradictions(SHIPPED, now)) == 1


def test_additions_are_allowed() -> None:
    now = copy.deepcopy(SHIPPED)
    now["mode.copy"] = copy.deepcopy(now["mode.create"])
    now["mode.delete"]["fields"]["why"] = {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None}
    now["member.remove"]["fields"]["role"]["enum"].append("guest")
    now["mode.delete"]["version"] = 2
    assert golden.contradictions(SHIPPED, now) == []
