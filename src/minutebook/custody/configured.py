"""The anchors of a deployment, by its settings."""

from __future__ import annotations

from importlib.util import find_spec

from minutebook.config import Settings
from minutebook.custody import witnesses
from minutebook.custody.anchoring import Anchor
from minutebook.custody.head_files import HeadFiles
from minutebook.custody.head_mail import HeadMail
from minutebook.errors import BadSettings
from minutebook.outgoing import Outgoing
from minutebook.store.engine import Store


def anchors_of(settings: Settings, store: Store, outgoing: Outgoing) -> list[Anchor]:
    """Everybody that heads are shown to. Raises BadSettings."""
    found: list[Anchor] = [witnesses.parse(one, outgoing) for one in settings.witnesses]
    if settings.timestamp_url:
        from minutebook.custody import timestamps  # which few need, and takes its time to import

        found.append(timestamps.authority(settings.timestamp_url, settings.timestamp_certificate, outgoing))
    if settings.heads_directory:
        found.append(HeadFiles(settings.heads_directory))
    if settings.heads_store:
        if find_spec("obstore") is None:
            raise BadSettings(
                "heads_store is set, and its extra is not there. Run pip install minutebook[object-store]."
            )
        from minutebook.custody import head_objects

        found.append(head_objects.objects(settings.heads_store))
    if settings.smtp_host:
        found.append(HeadMail(store))
    return found
