"""Invitations as they stand in a table that somebody pasted: one a row, an address and perhaps a role."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection
from dataclasses import dataclass, replace

from minutebook.email_address import normal_email
from minutebook.errors import Invalid, Problem, kept
from minutebook.model import Role
from minutebook.organization import wording

FIELD = "rows"
MOST_ROWS = 500
MOST_CHARACTERS = 100_000
DELIMITERS = ",;\t"
ADDRESS_NAMES = {"email", "e-mail", "mail", "email address", "address"}
"""What a column of addresses may be called in the first row."""


@dataclass(frozen=True, slots=True)
class PastedRow:
    """One row. `line` is where it stands, counted from 1; `typed` and `called` are the address and the role as they
    were typed; `role` is None for what is no role, `problem` why nobody can be invited by it, or nothing."""

    line: int
    typed: str
    called: str
    email: str
    role: Role | None
    problem: str = ""


def read_rows(text: str, default: Role, given: Collection[Role]) -> list[PastedRow]:
    """The rows of comma-, semicolon- or tab-separated values that are not blank; a first row with names is understood.

    `default` is the role where none is written, `given` are those that may be. Raises Invalid when the whole cannot be
    read.
    """
    if len(text) > MOST_CHARACTERS:
        raise Invalid.one(
            FIELD, f"This has {len(text):,} characters; at most {MOST_CHARACTERS:,} are read at once. Send it in parts."
        )
    lines = _lines(text.removeprefix("\ufeff"))
    if not lines:
        raise Invalid.one(FIELD, "Paste at least one row with an email address, such as ada@example.com,member.")
    address, role = 0, 1
    names = [cell.strip().casefold() for cell in lines[0][1]]
    if named := ADDRESS_NAMES.intersection(names):
        address = names.index(min(named))
        role = names.index("role") if "role" in names else len(names)
        lines = lines[1:]
    if len(lines) > MOST_ROWS:
        raise Invalid.one(FIELD, f"{len(lines):,} rows are too many; invite at most {MOST_ROWS} at once.")
    rows: list[PastedRow] = []
    first: dict[str, int] = {}
    for line, cells in lines:
        row = _row(line, _cell(cells, address), _cell(cells, role), default, given)
        if not row.problem and (before := first.setdefault(row.email, line)) != line:
            row = replace(row, problem=f"The same address is in line {before} already.")
        rows.append(row)
    return rows


def _lines(text: str) -> list[tuple[int, list[str]]]:
    """The rows that are not blank, each with the number of its line."""
    head = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(DELIMITERS, key=head.count)
    reader = csv.reader(io.StringIO(text), delimiter=delimiter, strict=True, skipinitialspace=True)
    try:
        return [(reader.line_num, cells) for cells in reader if any(cell.strip() for cell in cells)]
    except csv.Error as error:
        raise Invalid.one(FIELD, f"Line {reader.line_num} cannot be read: {error}. Look at its quotes.") from error


def _cell(cells: list[str], number: int) -> str:
    return cells[number].strip() if number < len(cells) else ""


def _row(line: int, typed: str, called: str, default: Role, given: Collection[Role]) -> PastedRow:
    problems: list[Problem] = []
    email = kept(problems, normal_email, typed) or ""
    role = _role(called) if called else default
    if role is None:
        names = ", ".join(role.label for role in given)
        problems.append(Problem("role", f"\u201c{wording.shortened(called)}\u201d is no role. Write one of: {names}."))
    elif role not in given:
        problems.append(Problem("role", f"You may not invite anybody as {role.label.lower()}."))
    return PastedRow(line, typed, called, email, role, " ".join(problem.message for problem in problems))


def _role(called: str) -> Role | None:
    """`billing_manager`, `Billing manager` and `billing-manager` are one role."""
    name = "_".join(called.casefold().replace("-", " ").replace("_", " ").split())
    return next((role for role in Role if role.value == name), None)
