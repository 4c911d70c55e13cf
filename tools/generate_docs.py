"""Writes the derived pages of docs/ from the program; with --check it only says whether they are stale."""

from __future__ import annotations

import argparse
import difflib
import sys
from functools import partial
from pathlib import Path

from minutebook.cli.api_reference import api_markdown
from minutebook.cli.export_reference import export_markdown
from minutebook.cli.reference import (
    actions_markdown,
    cli_markdown,
    filters_markdown,
    security_markdown,
    settings_markdown,
)
from minutebook.web.guide import ORDER, PICTURES, START, source

DOCS = Path(__file__).resolve().parent.parent / "docs"
ASSETS = "../../src/minutebook/web/static/"


def guide_markdown(name: str) -> str:
    """A page of the guide, which is packed with the code, to be read here."""
    text = source(name).replace(f"]({PICTURES}", f"]({ASSETS}").replace(f"]({START}.md", "](README.md")
    return f"<!-- From src/minutebook/web/guide/{name}.md by tools/generate_docs.py; change it there. -->\n\n{text}"


PAGES = {
    "actions.md": actions_markdown,
    "filters.md": filters_markdown,
    "api.md": api_markdown,
    "export.md": export_markdown,
    "settings.md": settings_markdown,
    "cli.md": cli_markdown,
    "security-log.md": security_markdown,
} | {f"guide/{'README' if name == START else name}.md": partial(guide_markdown, name) for name in ORDER}


def main(arguments: list[str] | None = None) -> int:
    """The exit status: 1 when --check finds a page that is not what would be written."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a page is stale")
    parser.add_argument("--directory", type=Path, default=DOCS, help="where the pages are (docs)")
    options = parser.parse_args(arguments)
    stale = False
    for name, markdown in PAGES.items():
        path, wanted = options.directory / name, markdown()
        found = path.read_text(encoding="utf-8") if path.exists() else ""
        if found == wanted:
            continue
        if options.check:
            stale = True
            sys.stderr.writelines(_difference(name, found, wanted))
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(wanted, encoding="utf-8")
            print(f"{path} written")
    if stale:
        print("The documentation is stale. Run: python tools/generate_docs.py", file=sys.stderr)
    return int(stale)


def _difference(name: str, found: str, wanted: str) -> list[str]:
    before, after = found.splitlines(keepends=True), wanted.splitlines(keepends=True)
    return list(difflib.unified_diff(before, after, f"docs/{name} as it is", f"docs/{name} as it should be"))


if __name__ == "__main__":
    sys.exit(main())
