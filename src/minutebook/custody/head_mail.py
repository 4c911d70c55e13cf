"""Heads in the mailboxes of owners, where whoever runs Minutebook does not reach them: once a week, if the log grew."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from textwrap import dedent

from minutebook.custody.anchoring import Asked
from minutebook.evidence.note import to_base64
from minutebook.model import DAY, Role, from_micros
from minutebook.organization import outbox
from minutebook.organization.outbox import Mail
from minutebook.store.anchors import AnchorKind
from minutebook.store.checkpoints import Signed
from minutebook.store.engine import Store
from minutebook.store.schema import ANCHOR


@dataclass(frozen=True, slots=True)
class HeadMail:
    """The owners of an organization: an Anchor for its log."""

    store: Store
    kind = AnchorKind.MAIL
    name = "owners"
    every = 7 * DAY

    def takes(self, organization: int) -> bool:
        return organization != ANCHOR

    def ask(self, asked: Asked) -> None:
        """Puts a mail to each owner into the outbox."""
        with self.store.housekeeping() as connection:
            mail = partial(mail_of, head=asked.head)
            outbox.put_for_each(connection, asked.organization, [Role.OWNER], mail, self.store.clock())


def mail_of(to: str, organization: str, head: Signed) -> Mail:
    """What an owner is sent."""
    signed = f"{from_micros(head.signed_at):%Y-%m-%d %H:%M:%S}"
    text = """\
        This is the head of the audit log of {organization}, as it was signed on {signed} UTC:

        Log     {origin}
        Events  {size:,}
        Root    {root}

        Keep this mail. As long as you have it, nobody can change, remove, reorder or add anything among these
        {size:,} events without it being noticed, not even whoever runs Minutebook.

        To compare, save the lines between BEGIN HEAD and END HEAD as a file head.txt, with the empty one among them,
        export the log as evidence (Audit Logs, Export), and run

            minutebook verify evidence.zip --key KEY --head head.txt

        KEY is the key of the log. Keep it from the beginning, outside Minutebook, too. The program is also in
        evidence.zip, as one file that needs nothing but Python.

        -----BEGIN HEAD-----
        {note}-----END HEAD-----
        """
    body = dedent(text).format(
        organization=organization,
        signed=signed,
        origin=head.checkpoint.origin,
        size=head.size,
        root=to_base64(head.checkpoint.root),
        note=head,
    )
    return Mail(to, f"Head of the audit log of {organization}: {head.size:,} events", body)
