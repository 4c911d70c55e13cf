"""A command that does not say what it needs is none."""

from __future__ import annotations

from typing import Any

import pytest

from minutebook.permissions import Permission
from minutebook.record import ANYBODY, Command


@pytest.mark.parametrize("body", [{}, {"needs": None}, {"needs": "change seats"}])
def test_a_command_that_does_not_say_what_it_needs_fails_at_import(body: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="Forgetful: write `needs: ClassVar = Permission") as refused:
        type("Forgetful", (Command,), body)
    assert "ANYBODY" in str(refused.value)


@pytest.mark.parametrize("needs", [Permission.SEATS_WRITE, ANYBODY])
def test_what_a_command_needs_holds_for_what_is_derived_from_it(needs: object) -> None:
    command = type("Sound", (Command,), {"needs": needs})
    assert type("Derived", (command,), {}).needs is needs  # type: ignore[attr-defined]
