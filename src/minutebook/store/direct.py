"""Statements that every search runs, given to the driver as they are.

What SQLAlchemy does for each execution takes longer than SQLite needs for a whole page. It still makes the statements,
once for each dialect, and the errors.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import orjson
from sqlalchemy import BindParameter, ColumnElement, Connection, Select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler


class Direct:
    """A statement without results or parameters that the driver does not know. A parameter can be a list of integers
    where the statement asks for what `Among` it is."""

    def __init__(self, statement: Select[Any]) -> None:
        self.statement = statement
        self._texts: dict[str, _Text] = {}

    def rows(self, connection: Connection, **parameters: int | str | list[int]) -> list[tuple[Any, ...]]:
        """All rows, as the driver makes them. Raises what SQLAlchemy would."""
        dialect = connection.dialect
        text = self._texts.get(dialect.name) or self._text(connection)
        given: Any = parameters
        if text.order is not None:
            given = [parameters[name] for name in text.order]
            given = [orjson.dumps(value).decode() if isinstance(value, list) else value for value in given]
        driver: Any = connection.connection.driver_connection
        try:
            found: list[tuple[Any, ...]] = driver.execute(text.statement, given).fetchall()
        except dialect.loaded_dbapi.Error as error:
            known = DBAPIError.instance(
                text.statement, None, error, dialect.loaded_dbapi.Error, hide_parameters=True, dialect=dialect
            )
            raise known from error
        return found

    def _text(self, connection: Connection) -> _Text:
        compiled = self.statement.compile(dialect=connection.dialect)
        assert isinstance(compiled, SQLCompiler)
        text = self._texts[connection.dialect.name] = _Text(str(compiled), compiled.positiontup)
        return text


class _Text(NamedTuple):
    """A statement of one dialect; `order` names the parameters in their order where they are given by place."""

    statement: str
    order: list[str] | None


class Among(ColumnElement[bool]):
    """Whether a column is among the integers of a parameter, of which there may be any number."""

    inherit_cache = False

    def __init__(self, column: ColumnElement[int], name: str) -> None:
        self.column = column
        self.integers: BindParameter[Any] = BindParameter(name)


@compiles(Among)
def _any(element: Among, compiler: SQLCompiler, **options: Any) -> str:
    column, integers = (compiler.process(part, **options) for part in (element.column, element.integers))
    return f"{column} = ANY({integers})"


@compiles(Among, "sqlite")
def _in_json(element: Among, compiler: SQLCompiler, **options: Any) -> str:
    column, integers = (compiler.process(part, **options) for part in (element.column, element.integers))
    return f"{column} IN (SELECT value FROM json_each({integers}))"  # noqa: S608 - both are made by the compiler
