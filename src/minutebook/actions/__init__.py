"""The catalogue: every action that can be recorded, declared once. Importing this package declares them all."""

from minutebook.actions import (
    access,
    credits,
    link,
    log,
    member,
    mode,
    ocsf,
    organization,
    search,
    settings,
    sso,
    support,
    token,
    user,
)
from minutebook.actions.catalogue import CATALOGUE, NOUNS, Action, Details, Severity, describe, read_details

__all__ = [
    "CATALOGUE",
    "NOUNS",
    "Action",
    "Details",
    "Severity",
    "access",
    "credits",
    "describe",
    "link",
    "log",
    "member",
    "mode",
    "ocsf",
    "organization",
    "read_details",
    "search",
    "settings",
    "sso",
    "support",
    "token",
    "user",
]
