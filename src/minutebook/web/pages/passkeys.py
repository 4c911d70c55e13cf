"""Passkeys of whoever is signed in: they are added with a name, and removed."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from minutebook.errors import NotFound
from minutebook.model import SecondFactor
from minutebook.organization import ceremonies, passkeys, recovery_codes, sessions, wording
from minutebook.organization.ceremonies import Ceremony, Purpose
from minutebook.organization.passkeys import RelyingParty
from minutebook.organization.second_factors import AddPasskey, RemovePasskey
from minutebook.web.begun import Begun
from minutebook.web.forms import STAYS, Sent, form_after
from minutebook.web.pages.second_factors import PAGE, Step, act_on_viewer, ask, by_password, held, signed_in_anew
from minutebook.web.render import Said, go, show
from minutebook.web.session import Viewer, Viewing, known_id
from minutebook.web.views.page import Form

router = APIRouter()

CONFIRM = "/account/passkeys/confirm"
ADDING = Begun("adding-passkey", Purpose.ADD_PASSKEY, "strict")
ADD = Step(
    "/account/passkeys/new",
    "Add a passkey",
    "It is a second factor besides your password, and signs you in without one.",
    "Go on",
)


@router.get(ADD.path)
def ask_before_adding(request: Request, viewer: Viewing) -> Response:
    """Asks for the password."""
    _party(viewer)
    return ask(request, viewer, ADD, Form())


@router.post(ADD.path)
def begin_adding(request: Request, viewer: Viewing, sent: Sent) -> Response:
    """Makes what is to be signed, once the password is right, and leads to the page that asks for it."""
    _party(viewer)

    def begin() -> Response:
        site = viewer.site
        token = ceremonies.begin(site.store, Purpose.ADD_PASSKEY, viewer.user.id, sessions.BY_PASSWORD)
        return ADDING.keep(go(site, CONFIRM), site, token)

    return by_password(request, viewer, ADD, sent, begin)


@router.get(CONFIRM)
def ask_for_passkey(request: Request, viewer: Viewing) -> Response:
    """The page on which the browser makes the passkey."""
    begun = _begun(request, viewer)
    return _show(request, viewer, begun, Form()) if begun else go(viewer.site, ADD.path)


@router.post(CONFIRM)
def add_passkey(request: Request, viewer: Viewing, sent: Sent) -> Response:
    """Adds the passkey, and begins a session that was signed in with it."""
    begun = _begun(request, viewer)
    if begun is None:
        return ask(request, viewer, ADD, Form({}, {"": "That took too long. Begin again."}), 410)
    codes = () if held(viewer) else recovery_codes.new_codes(viewer.site.store.randomness)
    token, mails = ADDING.token(request), viewer.site.settings.sends_mail
    try:
        name = wording.name(sent.one("name"), "name", "The name")
        made = passkeys.made(_party(viewer), begun.secret, sent.one("credential"))
        act_on_viewer(viewer, AddPasskey(viewer.user.id, token, name, made, codes, mails))
    except STAYS as error:
        return _show(request, viewer, begun, form_after(sent, error, ["name"]), error.status)
    response = signed_in_anew(viewer, begun.method, SecondFactor.PASSKEY, codes)
    return ADDING.forget(response, viewer.site)


@router.get("/account/passkeys/{passkey}/remove")
def ask_before_removing(request: Request, viewer: Viewing, passkey: str) -> Response:
    """Asks for the password."""
    return ask(request, viewer, _removal(viewer, passkey), Form())


@router.post("/account/passkeys/{passkey}/remove")
def remove_passkey(request: Request, viewer: Viewing, sent: Sent, passkey: str) -> Response:
    """Removes one of the viewer's passkeys."""

    def remove() -> Response:
        act_on_viewer(viewer, RemovePasskey(viewer.user.id, passkey, viewer.site.settings.sends_mail))
        return go(viewer.site, PAGE, Said.FACTOR_REMOVED)

    return by_password(request, viewer, _removal(viewer, passkey), sent, remove)


def _removal(viewer: Viewer, passkey: str) -> Step:
    """Raises NotFound for a passkey that is none of the viewer's."""
    with viewer.site.store.reading() as connection:
        name = passkeys.name_of(connection, viewer.user.id, known_id(passkey))
    return Step(
        f"/account/passkeys/{passkey}/remove",
        f"Remove the passkey {name}",
        "It is not accepted any more. With your last second factor go the recovery codes.",
        "Remove passkey",
        "user.remove_second_factor",
        "danger",
    )


def _party(viewer: Viewer) -> RelyingParty:
    """Raises NotFound where browsers have no passkeys."""
    if viewer.site.party is None:
        raise NotFound
    return viewer.site.party


def _begun(request: Request, viewer: Viewer) -> Ceremony | None:
    """The passkey that this browser is adding for the viewer."""
    found = ADDING.find(request)
    return found if found and found.user == viewer.user.id else None


def _show(request: Request, viewer: Viewer, begun: Ceremony, form: Form, status: int = 200) -> Response:
    with viewer.site.store.reading() as connection:
        options = passkeys.creation_options(connection, _party(viewer), viewer.user, begun.secret)
    return show(request, "passkey.html", status=status, form=form, options=options, action=CONFIRM, back_href=PAGE)
