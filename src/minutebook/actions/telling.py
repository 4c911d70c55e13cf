"""How what an act did to the log is told: fields by what people call them, events by their numbers."""

from __future__ import annotations

from collections.abc import Collection

PATH_TITLES = {
    "actor.*": "Actors",
    "actor.email": "Actor's address",
    "actor.name": "Actor's name",
    "actor.on_behalf_of": "On behalf of",
    "actor.credential": "Credential",
    "context.*": "Context",
    "context.ip": "IP address",
    "context.user_agent": "Browser",
    "context.request_id": "Request",
    "context.session_id": "Session",
    "context.client": "Client",
    "details.*": "Details",
}


def path_title(path: str) -> str:
    """What people call a field of an event, by its path; `targets` stands for any of them."""
    group, _, name = path.partition(".")
    if group == "targets":
        return "Targets" if name == "*" else "Target"
    return PATH_TITLES.get(path) or f"Details: {name.replace('_', ' ')}"


MOST_RANGES = 12
"""In one text; all of them are in the event's JSON."""


def told_numbers(numbers: Collection[int]) -> str:
    """`12, 15 to 17`: numbers in ascending order."""
    found: list[tuple[int, int]] = []
    for number in numbers:
        if found and found[-1][1] == number - 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return told_ranges(found)


def told_ranges(ranges: Collection[tuple[int, int]]) -> str:
    """The same of runs of numbers, each with its first and its last."""
    told = [f"{first:,}" if first == last else f"{first:,} to {last:,}" for first, last in [*ranges][:MOST_RANGES]]
    return ", ".join(told) + (" and more: all are in the raw JSON" if len(ranges) > MOST_RANGES else "")
