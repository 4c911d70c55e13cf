"""What somebody who has a place in an organization was refused there: noted while a request lasts, and recorded in the
organization's log after it (`organization/denials.py`).

A place is a seat, an API token, an auditor link, or that of support staff who are let in. What others are refused is
told to the security log.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from typing import TypeAlias

from minutebook.errors import Forbidden, NotAllowed
from minutebook.model import Role, Seat
from minutebook.permissions import Permission, Support, TokenScope

Standing: TypeAlias = "Role | Support | tuple[TokenScope, ...] | None"
"""What somebody's place lets them do: the role of a seat, the scopes of a token, what support staff is let in for; None
for an auditor link."""


@dataclass(frozen=True, slots=True)
class Denied:
    """One refusal: to whom, as what, and which permission they would have needed, or the reason where it is another."""

    seat: Seat
    standing: Standing
    needed: Permission | None = None
    reason: str | None = None


NOTED: ContextVar[list[Denied] | None] = ContextVar("denied", default=None)
"""What was refused in the request at hand. A list of its own for each, which all threads of the request share."""


def lacking(
    seat: Seat, standing: Role | Support | tuple[TokenScope, ...], needed: Permission
) -> Forbidden | NotAllowed:
    """The error for whoever's role or scopes do not have the permission."""
    note(Denied(seat, standing, needed=needed))
    if isinstance(standing, Role):
        return Forbidden(role=standing.label.lower(), verb=needed.value)
    if isinstance(standing, Support):
        return NotAllowed(f"Support staff may not {needed.value} here.")
    return NotAllowed(f"This API token may not {needed.value}.")


def refused(seat: Seat, standing: Standing, reason: str) -> NotAllowed:
    """The error for whoever is refused for another reason. It is recorded, so it holds nothing that somebody typed."""
    note(Denied(seat, standing, reason=reason))
    return NotAllowed(reason)


def note(denied: Denied) -> None:
    """Notes a refusal, for the request at hand to be recorded when it is answered; without one it is nobody's."""
    noted = NOTED.get()
    if noted is not None:
        noted.append(denied)
