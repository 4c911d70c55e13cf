"""The generated documentation is complete, and stale pages are noticed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from minutebook.actions import CATALOGUE
from minutebook.actions.log import Format
from minutebook.cli.api_reference import STANDS, api_markdown
from minutebook.cli.export_reference import export_markdown
from minutebook.cli.reference import actions_markdown, cli_markdown, filters_markdown, settings_markdown
from minutebook.config import Settings, variable_of
from minutebook.deliver.formats import Trailer
from minutebook.deliver.formats.columns import COLUMNS
from minutebook.filters import FIELDS
from minutebook.web.api import OPENAPI
from tools.generate_docs import DOCS, main


def test_the_committed_pages_are_what_would_be_written() -> None:
    assert (DOCS / "actions.md").read_text(encoding="utf-8") == actions_markdown()
    assert (DOCS / "filters.md").read_text(encoding="utf-8") == filters_markdown()
    assert (DOCS / "export.md").read_text(encoding="utf-8") == export_markdown()
    assert (DOCS / "settings.md").read_text(encoding="utf-8") == settings_markdown()
    assert (DOCS / "api.md").read_text(encoding="utf-8") == api_markdown()
    assert (DOCS / "cli.md").read_text(encoding="utf-8") == cli_markdown()


def test_every_setting_and_every_command_is_documented() -> None:
    settings, commands = settings_markdown(), cli_markdown()
    assert all(f"`{name}`" in settings and variable_of(name) in settings for name in Settings.model_fields)
    for command in (
        "serve",
        "demo",
        "init",
        "search",
        "tail",
        "export",
        "doctor",
        "backup",
        "user create",
        "user link",
    ):
        assert f"## `minutebook {command}`" in commands
    for command in ("create", "list", "plan", "show"):
        assert f"## `minutebook org {command}`" in commands
    assert "[bold]" not in commands


def test_every_action_and_each_of_its_fields_is_documented() -> None:
    page = actions_markdown()
    sections = dict(re.findall(r"^### `([a-z._]+)`\n(.*?)(?=^##|\Z)", page, re.MULTILINE | re.DOTALL))
    assert set(sections) == set(CATALOGUE)
    for name, action in CATALOGUE.items():
        assert action.says in sections[name]
        assert set(re.findall(r"^\| `([a-z_]+)`", sections[name], re.MULTILINE)) == set(action.details.model_fields)


def test_every_link_has_its_heading() -> None:
    page = actions_markdown()
    headings = {re.sub(r"[^a-z0-9_-]", "", line.lower()) for line in re.findall(r"^###? (.*)$", page, re.MULTILINE)}
    assert set(re.findall(r"\]\(#([^)]*)\)", page)) <= headings


def test_every_filter_is_documented() -> None:
    page = filters_markdown()
    for field in FIELDS:
        assert f"\n## `{field.key}`\n" in page
        assert field.help in page.replace("\n", " ")


def test_every_operation_parameter_and_answer_of_the_api_is_documented() -> None:
    page = api_markdown()
    for path, operations in OPENAPI["paths"].items():
        section = page.partition(f"`GET {path}`")[2].partition("\n## ")[0]
        for parameter in operations["get"]["parameters"]:
            assert f"| `{parameter['name']}`{STANDS[parameter['in']]} |" in section
        for status in operations["get"]["responses"]:
            assert f"| {status} |" in (section if status == "200" else page.partition("## Errors")[2])
    for link in re.findall(r"\]\(#([a-z]+)\)", page):
        assert link in {heading.lower() for heading in re.findall(r"^### (.*)$", page, re.MULTILINE)}


def test_every_format_column_and_action_of_an_export_is_documented() -> None:
    page = export_markdown()
    for word in (*Format, *(column.name for column in COLUMNS), *CATALOGUE, *Trailer.__dataclass_fields__):
        assert f"\n| `{word}` |" in page


def test_a_stale_page_is_shown_and_mended(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = ["--directory", str(tmp_path)]
    assert main(["--check", *where]) == 1
    assert main(where) == 0
    assert main(["--check", *where]) == 0
    page = tmp_path / "filters.md"
    page.write_text(page.read_text(encoding="utf-8").replace("# Filters", "# Sieves"), encoding="utf-8")
    capsys.readouterr()
    assert main(["--check", *where]) == 1
    shown = capsys.readouterr().err
    assert "-# Sieves" in shown
    assert "+# Filters" in shown
    assert "python tools/generate_docs.py" in shown
    assert main(where) == 0
    assert page.read_text(encoding="utf-8") == filters_markdown()
