"""Every command that the product has, so that tests can hold their own lists against it."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from typing import TypeVar

from minutebook import custody, deliver, organization
from minutebook.record import Command, PersonalCommand

C = TypeVar("C")


def all_commands() -> list[type[Command]]:
    """The commands of the product, by name; what tests derive from them is left out."""
    _import_all()
    return _of_the_product(Command.__subclasses__())


def personal_commands() -> list[type[PersonalCommand]]:
    """The same of those on a person."""
    _import_all()
    return _of_the_product(PersonalCommand.__subclasses__())


def _import_all() -> None:
    for room in (organization, deliver, custody):
        for module in pkgutil.iter_modules(room.__path__):
            import_module(f"{room.__name__}.{module.name}")


def _of_the_product(commands: list[type[C]]) -> list[type[C]]:
    own = [command for command in commands if command.__module__.startswith("minutebook.")]
    return sorted(own, key=lambda command: command.__name__)
