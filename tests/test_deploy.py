"""What is in deploy/ fits the program that it starts."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

from minutebook.config import Settings, variable_of
from minutebook.serve import STOP_SECONDS

DEPLOY = Path(__file__).parent.parent / "deploy"
VARIABLES = {variable_of(name) for name in Settings.model_fields} | {"MINUTEBOOK_CONFIG"}


def service() -> dict[str, list[str]]:
    """The section Service, the values of each name in their order."""
    found: dict[str, list[str]] = {}
    section = (DEPLOY / "minutebook.service").read_text().partition("[Service]\n")[2].partition("\n[Install]")[0]
    for line in section.splitlines():
        if line and not line.startswith("#"):
            name, _, value = line.partition("=")
            found.setdefault(name, []).append(value)
    return found


def test_the_service_starts_the_server_with_settings_that_are_there() -> None:
    unit = service()
    assert shlex.split(unit["ExecStart"][0])[1:] == ["serve"]
    assert {assigned.partition("=")[0] for assigned in unit["Environment"]} <= VARIABLES
    assert int(unit["TimeoutStopSec"][0]) > STOP_SECONDS, "it would be killed while it stops"


def test_the_settings_of_the_example_are_accepted() -> None:
    values = tomllib.loads((DEPLOY / "minutebook.toml").read_text())
    assert Settings(**values).public_url == "https://minutebook.example.com"


def test_the_container_copies_what_is_there_and_sets_what_is_known() -> None:
    text = (DEPLOY / "Containerfile").read_text()
    for copied in re.findall(r"^COPY (.+) \S+$", text, re.MULTILINE):
        for name in copied.split():
            assert (DEPLOY.parent / name).exists(), name
    assert set(re.findall(r"MINUTEBOOK_[A-Z_]+(?==)", text)) <= VARIABLES
