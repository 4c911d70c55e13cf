"""Every command that the product has, so that tests can hold their own lists against it."""

from __future__ import annotations

import pkgutil
from importlib import import_module

from minutebook import custody, deliver, organization
from minutebook.record import Command


def all_commands() -> list[type[Command]]:
    """The commands of the product, by name; what tests derive from them is left out."""
    for room in (organization, deliver, custody):
        for module in pkgutil.iter_modules(room.__path__):
            import_module(f"{room.__name__}.{module.name}")
    own = [command for command in Command.__subclasses__() if command.__module__.startswith("minutebook.")]
    return sorted(own, key=lambda command: command.__name__)
