"""Notices: what was done to how somebody signs in is mailed to them, in the same transaction.

Whoever did it: at a browser that was left open it may have been somebody else.
"""

from __future__ import annotations

from minutebook.model import from_micros
from minutebook.organization import outbox, people
from minutebook.organization.outbox import Mail
from minutebook.record import Act

SUBJECT = "How you sign in to Minutebook was changed"


def tell(act: Act, person: str, done: str) -> None:
    """Mails the person that somebody did this, such as “changed your password”."""
    address = people.user_by_id(act.connection, person).email
    when = f"on {from_micros(act.at):%Y-%m-%d at %H:%M} UTC"
    if act.by_operator:
        told = f"Whoever runs this Minutebook {done}, {when}.\n\nIf you did not expect this, ask them.\n"
    else:
        told = (
            f"Somebody, you perhaps, {done}, {when}, from {act.seat.context.ip or 'an unknown address'}.\n\n"
            "If it was you, there is nothing to do. If it was not, choose a new password, by the link for those who "
            "forgot theirs where one signs in: this also ends every session. Or ask whoever runs this Minutebook.\n"
        )
    outbox.put(act.connection, Mail(address, SUBJECT, told), act.at)
