"""log.*: what is done with the log itself."""

from __future__ import annotations

from minutebook.actions.catalogue import Details, Severity, action


@action("log.view", title="Audit log read", severity=Severity.LOW, says="Opened the audit log", since="0.1")
class LogViewed(Details):
    """Someone began to read the audit log; what they read in the next 30 minutes belongs to it."""
