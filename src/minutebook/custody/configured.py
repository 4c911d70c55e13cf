"""The anchors of a deployment, by its settings."""

from __future__ import annotations

from minutebook.config import Settings
from minutebook.custody import witnesses
from minutebook.custody.anchoring import Anchor
from minutebook.outgoing import Outgoing


def anchors_of(settings: Settings, outgoing: Outgoing) -> list[Anchor]:
    """Everybody that heads are shown to. Raises BadSettings."""
    return [witnesses.parse(one, outgoing) for one in settings.witnesses]
