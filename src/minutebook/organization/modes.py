"""Modes: the custom ways of working that an organization gives its members."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import orjson
from sqlalchemy import ColumnElement, Connection, Row, delete, func, insert, select, update

from minutebook.actions.mode import ModeCreated, ModeDeleted, ModeUpdated
from minutebook.actions.values import Rewrite, SetChange, change
from minutebook.errors import Conflict, Invalid, NotFound
from minutebook.identifiers import new_id
from minutebook.organization import wording
from minutebook.permissions import Permission
from minutebook.record import NO_CHANGE, Act, Command, NoChange
from minutebook.store import schema

TOOLS = {
    "read": "Read files",
    "edit": "Change files",
    "terminal": "Run commands",
    "browser": "Use a browser",
    "mcp": "Use MCP servers",
}
MAX_MODES = 200


@dataclass(frozen=True, slots=True)
class Mode:
    """A custom mode. Times are UTC microseconds."""

    id: str
    name: str
    instructions: str
    tools: tuple[str, ...]
    created_by: str
    created_at: int
    updated_at: int


@dataclass(frozen=True)
class CreateMode(Command):
    """Makes a mode. Raises Invalid, naming the field; Conflict beyond 200 modes."""

    needs: ClassVar = Permission.MODES_WRITE

    name: str
    instructions: str
    tools: tuple[str, ...]

    def change(self, act: Act) -> ModeCreated:
        name, instructions, tools = _checked(act, self.name, self.instructions, self.tools, None)
        if len(all_modes(act.connection, act.organization)) >= MAX_MODES:
            raise Conflict(f"An organization has at most {MAX_MODES} modes. Delete one first.")
        mode = new_id("mod", act.randomness)
        act.connection.execute(
            insert(schema.mode).values(
                organization=act.organization,
                id=mode,
                created_by=act.seat.actor.called,
                created_at=act.at,
                **_columns(act, name, instructions, tools),
            )
        )
        return ModeCreated(mode=mode, name=name, instructions=instructions, tools=tools)


@dataclass(frozen=True)
class UpdateMode(Command):
    """Changes a mode. Raises NotFound; Invalid, naming the field; Conflict when the mode was changed since `seen`.

    `seen` is the `updated_at` of the mode that was shown for editing; None to change it whatever it is.
    """

    needs: ClassVar = Permission.MODES_WRITE

    mode: str
    name: str
    instructions: str
    tools: tuple[str, ...]
    seen: int | None = None

    def change(self, act: Act) -> ModeUpdated | NoChange:
        before = read_mode(act.connection, act.organization, self.mode)
        if self.seen not in (None, before.updated_at):
            raise Conflict(
                "Someone else changed this mode while you were editing. Nothing of yours was saved: open it in another "
                "window to see what is there now, or save again to put yours in its place."
            )
        name, instructions, tools = _checked(act, self.name, self.instructions, self.tools, self.mode)
        if (name, instructions, tools) == (before.name, before.instructions, before.tools):
            return NO_CHANGE
        values = _columns(act, name, instructions, tools)
        act.connection.execute(update(schema.mode).where(*_this(act, self.mode)).values(values))
        rewritten = before.instructions != instructions
        return ModeUpdated(
            mode=self.mode,
            current_name=name,
            name=change(before.name, name),
            instructions=Rewrite(before=before.instructions, after=instructions) if rewritten else None,
            tools=SetChange.between(before.tools, tools),
        )


@dataclass(frozen=True)
class DeleteMode(Command):
    """Deletes a mode. Raises NotFound."""

    needs: ClassVar = Permission.MODES_WRITE

    mode: str

    def change(self, act: Act) -> ModeDeleted:
        before = read_mode(act.connection, act.organization, self.mode)
        act.connection.execute(delete(schema.mode).where(*_this(act, self.mode)))
        return ModeDeleted(mode=self.mode, name=before.name)


def all_modes(connection: Connection, organization: int) -> list[Mode]:
    """The modes of an organization, by name."""
    table = schema.mode
    statement = select(table).where(table.c.organization == organization).order_by(func.lower(table.c.name))
    return [_mode(row) for row in connection.execute(statement)]


def read_mode(connection: Connection, organization: int, mode: str) -> Mode:
    """Raises NotFound."""
    table = schema.mode
    where = (table.c.organization == organization, table.c.id == mode)
    row = connection.execute(select(table).where(*where)).one_or_none()
    if row is None:
        raise NotFound
    return _mode(row)


def _checked(
    act: Act, name: str, instructions: str, tools: tuple[str, ...], mode: str | None
) -> tuple[str, str, tuple[str, ...]]:
    name = wording.name(name, "name", "The name", limit=60)
    instructions = wording.text(instructions, "instructions", "The instructions")
    tools = wording.choices(tools, TOOLS, "tools")
    table = schema.mode.c
    same_name = select(table.id).where(table.organization == act.organization, table.name_key == name.casefold())
    if act.connection.execute(same_name).scalar_one_or_none() not in (None, mode):
        raise Invalid.one("name", f"There is a mode called {name} already. Choose another name.")
    return name, instructions, tools


def _columns(act: Act, name: str, instructions: str, tools: tuple[str, ...]) -> dict[str, object]:
    return {
        "name": name,
        "name_key": name.casefold(),
        "instructions": instructions,
        "tools": orjson.dumps(tools).decode(),
        "updated_at": act.at,
    }


def _this(act: Act, mode: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return schema.mode.c.organization == act.organization, schema.mode.c.id == mode


def _mode(row: Row[tuple[object, ...]]) -> Mode:
    values = row._mapping
    return Mode(
        values["id"],
        values["name"],
        values["instructions"],
        tuple(orjson.loads(values["tools"])),
        values["created_by"],
        values["created_at"],
        values["updated_at"],
    )
