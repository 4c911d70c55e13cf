"""What was shipped of the catalogue stays: no action or field is removed or retyped."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable

import pytest

from minutebook import __version__
from minutebook.actions import CATALOGUE
from tests.golden import actions as golden
from tests.golden.actions import Shipped

SHIPPED: Shipped = json.loads(golden.FILE.read_text())
CHANGES = golden.CHANGELOG.read_text()


def test_the_catalogue_keeps_what_was_shipped() -> None:
    assert golden.contradictions(golden.shipped_of(SHIPPED, CHANGES), golden.declared()) == []


def test_what_is_new_was_added_to_the_file() -> None:
    assert golden.declared() == SHIPPED, "run python -m tests.golden, and look at what it adds"


def test_since_is_a_release_or_the_version_in_preparation() -> None:
    versions = {*golden.releases(CHANGES), golden.version_of(__version__)}
    for action in CATALOGUE.values():
        there = golden.version_of(action.since) in versions
        assert there, f'{action.name}: there is no version {action.since}; write since="{__version__}"'


def test_an_action_is_shipped_from_the_release_of_its_version_on() -> None:
    actions: Shipped = {"mode.create": {"since": "0.1"}, "mode.copy": {"since": "0.2.1"}}
    unreleased = "# Changelog\n\n## Unreleased (0.3.0)\n"
    assert golden.shipped_of(actions, unreleased) == {}
    assert golden.shipped_of(actions, f"{unreleased}\n## 0.1.0\n").keys() == {"mode.create"}
    assert golden.shipped_of(actions, f"{unreleased}\n## [0.2.0] - 2027-01-01\n\n## 0.1.0\n").keys() == {"mode.create"}
    assert golden.shipped_of(actions, f"{unreleased}\n## [0.2.1] - 2027-01-01\n").keys() == actions.keys()


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


def _ship_later(now: Shipped) -> None:
    now["mode.delete"]["since"] = "9.9"


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
        _ship_later,
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
