"""A password that is forgotten: a link to choose another is mailed to its owner.

Whoever asks learns nothing of who has an account: the answer is the same and comes at the same time.
"""

from __future__ import annotations

from contextlib import suppress

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool

from minutebook import security
from minutebook.email_address import normal_email
from minutebook.errors import NotAllowed, NotFound, TooManyLinks
from minutebook.model import MINUTE, SECOND
from minutebook.organization import links, people
from minutebook.security import neighbourhood
from minutebook.web.forms import STAYS, Sent, Typed, form_after
from minutebook.web.render import show
from minutebook.web.site import site_of
from minutebook.web.views.page import Form

router = APIRouter()

LINK_LIFETIME = 60 * MINUTE
ANSWERED_AFTER = SECOND // 2
"""Writing a mail takes time that must not tell that there is an account."""


@router.get("/forgot")
def ask_for_address(request: Request) -> Response:
    """The form that asks for the address; or whom to ask, where no mail is sent."""
    return show(request, "forgot.html", form=Form(), sends_mail=site_of(request).settings.sends_mail, asked="")


@router.post("/forgot")
async def mail_link(request: Request, sent: Sent) -> Response:
    """Mails the link, if anybody has the address, and answers the same if nobody has, after half a second at least."""
    site = site_of(request)
    began = site.store.clock()
    response = await run_in_threadpool(_mail_link, request, sent)
    if response.status_code == 200:
        left = ANSWERED_AFTER - (site.store.clock() - began)
        await site.sleep(min(max(left, 0), ANSWERED_AFTER) / SECOND)  # whatever a clock that was set meanwhile says
    return response


def _mail_link(request: Request, sent: Typed) -> Response:
    site = site_of(request)
    try:
        if not site.settings.sends_mail:
            raise NotAllowed("No mail is sent from here.")
        address = normal_email(sent.one("email"))
        site.forgotten_from.check(neighbourhood(request.state.ip), TooManyLinks)
        site.forgotten.check(address, TooManyLinks)
        with site.store.reading() as connection:
            user = people.find_user(connection, address)
        if user:
            with suppress(NotFound):  # the account was deleted in this moment: there is nobody to tell
                links.mail_reset(site.store, user, site.link("/password/"), LINK_LIFETIME)
    except (*STAYS, TooManyLinks) as error:
        form = form_after(sent, error, ("email",))
        return show(
            request, "forgot.html", status=error.status, form=form, sends_mail=site.settings.sends_mail, asked=""
        )
    security.tell("reset_asked_for", user=user.id if user else None, email=address, ip=request.state.ip)
    return show(request, "forgot.html", form=Form(), sends_mail=True, asked=address)
