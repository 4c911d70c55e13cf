"""What neither an erasure nor a policy takes out of a log: what explains the log itself."""

from __future__ import annotations

from minutebook.actions.log_custody import (
    ClockConfirmed,
    ClockStepped,
    FieldsErased,
    HoldChanged,
    LogPruned,
    LogRestored,
    RetentionChanged,
)
from minutebook.actions.organization import OrganizationCreated

KEPT_ACTIONS = frozenset(
    details.action.name
    for details in (FieldsErased, LogPruned, LogRestored, RetentionChanged, ClockStepped, ClockConfirmed)
)
"""Without the details of these nobody could tell why something is missing."""
NEVER_PRUNED = KEPT_ACTIONS | {OrganizationCreated.action.name, HoldChanged.action.name}
