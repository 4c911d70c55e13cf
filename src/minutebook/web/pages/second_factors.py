"""Second factors of whoever is signed in: an authenticator app comes and goes, and recovery codes are made.

Each begins with the password: whoever finds a browser open changes nothing of how its owner signs in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import segno
from fastapi import APIRouter, Request, Response
from markupsafe import Markup

from minutebook.errors import Conflict, NotFound, TooManyAttempts
from minutebook.model import SecondFactor
from minutebook.organization import passkeys, recovery_codes, second_factors, sessions, totp
from minutebook.organization.ceremonies import Ceremony, Purpose
from minutebook.organization.passkeys import Passkey
from minutebook.organization.second_factors import AddTotp, MakeRecoveryCodes, RemoveTotp
from minutebook.record import PersonalCommand, perform_everywhere
from minutebook.web import session, shown_once, times
from minutebook.web.begun import Begun
from minutebook.web.forms import STAYS, Sent, Typed, form_after
from minutebook.web.render import Said, go, show
from minutebook.web.session import Viewer, Viewing
from minutebook.web.views.page import Form, Moment

router = APIRouter()

PAGE = "/account/second-factors"
APP = "/account/authenticator-app"
CODES = "/account/recovery-codes"
ADDING = Begun("authenticator-app", Purpose.ADD_TOTP, "strict")
MADE = "recovery-codes"


@dataclass(frozen=True, slots=True)
class Step:
    """A page that asks for the password before something is done: what it says, and what the act is recorded as."""

    path: str
    title: str
    lead: str
    submit: str
    records: str = ""
    look: str = "main"


ADD = Step(
    f"{APP}/new",
    "Add an authenticator app",
    "From then on, signing in asks for a code of the app besides your password.",
    "Go on",
)
REMOVE = Step(
    f"{APP}/remove",
    "Remove the authenticator app",
    "Its codes are not accepted any more. With your last second factor go the recovery codes.",
    "Remove app",
    "user.remove_second_factor",
    "danger",
)
RENEW = Step(
    f"{CODES}/new",
    "Make new recovery codes",
    "You get ten codes. Those that you have now cannot be used any more.",
    "Make new codes",
    "user.make_recovery_codes",
)


@router.get(PAGE)
def show_second_factors(request: Request, viewer: Viewing) -> Response:
    """What the viewer proves besides the password, and how it is changed."""
    with viewer.site.store.reading() as connection:
        found = passkeys.passkeys_of(connection, viewer.user.id)
        added_at = second_factors.app_added_at(connection, viewer.user.id)
        left = recovery_codes.left(connection, viewer.user.id)
    return show(
        request,
        "second_factors.html",
        app_added=None if added_at is None else times.day_of(added_at, viewer.zone),
        codes_left=left,
        passkeys=[_row(viewer, passkey) for passkey in found],
        add_passkey_href="/account/passkeys/new" if viewer.site.party else None,
        add_app_href=ADD.path,
        remove_app_href=REMOVE.path,
        new_codes_href=RENEW.path,
    )


@dataclass(frozen=True, slots=True)
class PasskeyRow:
    """One of the viewer's passkeys."""

    name: str
    added: Moment
    used: str
    remove_href: str


def _row(viewer: Viewer, passkey: Passkey) -> PasskeyRow:
    used = "never used" if passkey.used_at is None else f"used {times.ago(passkey.used_at, viewer.at) or 'just now'}"
    href = f"/account/passkeys/{passkey.id}/remove"
    return PasskeyRow(passkey.name, times.day_of(passkey.added_at, viewer.zone), used, href)


@router.get(ADD.path)
def ask_before_adding(request: Request, viewer: Viewing) -> Response:
    """Asks for the password."""
    return ask(request, viewer, ADD, Form())


@router.post(ADD.path)
def begin_adding(request: Request, viewer: Viewing, sent: Sent) -> Response:
    """Makes a secret, once the password is right, and leads to the page that shows it."""

    def begin() -> Response:
        if SecondFactor.TOTP in held(viewer):
            raise Conflict("You have an authenticator app already. Remove it before you add another.")
        site = viewer.site
        token = second_factors.begin_totp(site.store, site.factor_key, viewer.user.id, sessions.BY_PASSWORD)
        return ADDING.keep(go(site, f"{APP}/confirm"), site, token)

    return by_password(request, viewer, ADD, sent, begin)


@router.get(f"{APP}/confirm")
def show_secret(request: Request, viewer: Viewing) -> Response:
    """The QR code, and a field for what the app makes of it."""
    begun = _begun(request, viewer)
    return _show_secret(request, viewer, begun, Form()) if begun else go(viewer.site, ADD.path)


@router.post(f"{APP}/confirm")
def confirm_app(request: Request, viewer: Viewing, sent: Sent) -> Response:
    """Adds the app, once a code of it is right, and begins a session that was signed in with it."""
    begun = _begun(request, viewer)
    if begun is None:
        return ask(request, viewer, ADD, Form({}, {"": "That took too long. Begin again."}), 410)
    codes = () if held(viewer) else recovery_codes.new_codes(viewer.site.store.randomness)
    token, mails = ADDING.token(request), viewer.site.settings.sends_mail
    try:
        act_on_viewer(viewer, AddTotp(viewer.user.id, token, sent.one("code"), codes, viewer.site.factor_key, mails))
    except STAYS as error:
        return _show_secret(request, viewer, begun, form_after(sent, error, ["code"]), error.status)
    response = signed_in_anew(viewer, begun.method, SecondFactor.TOTP, codes)
    return ADDING.forget(response, viewer.site)


@router.get(REMOVE.path)
def ask_before_removing(request: Request, viewer: Viewing) -> Response:
    """Asks for the password."""
    return ask(request, viewer, REMOVE, Form())


@router.post(REMOVE.path)
def remove_app(request: Request, viewer: Viewing, sent: Sent) -> Response:
    """Removes the app."""

    def remove() -> Response:
        try:
            act_on_viewer(viewer, RemoveTotp(viewer.user.id, viewer.site.settings.sends_mail))
        except NotFound:
            return go(viewer.site, PAGE, Said.NOTHING_TO_CHANGE)
        return go(viewer.site, PAGE, Said.FACTOR_REMOVED)

    return by_password(request, viewer, REMOVE, sent, remove)


@router.get(RENEW.path)
def ask_before_renewing(request: Request, viewer: Viewing) -> Response:
    """Asks for the password."""
    return ask(request, viewer, RENEW, Form())


@router.post(RENEW.path)
def make_codes(request: Request, viewer: Viewing, sent: Sent) -> Response:
    """Makes new codes and leads to the page that shows them once."""

    def make() -> Response:
        codes = recovery_codes.new_codes(viewer.site.store.randomness)
        act_on_viewer(viewer, MakeRecoveryCodes(viewer.user.id, codes, viewer.site.settings.sends_mail))
        return shown_once.send(viewer, MADE, " ".join(codes), CODES)

    return by_password(request, viewer, RENEW, sent, make)


@router.get(CODES)
def show_codes(request: Request, viewer: Viewing) -> Response:
    """The codes that were just made, once."""
    codes = shown_once.sent(request, viewer, MADE).split()
    if not codes:
        return go(viewer.site, PAGE)
    page = show(request, "recovery_codes.html", codes=codes, back_href=PAGE)
    return shown_once.forget(page, viewer, MADE)


def signed_in_anew(viewer: Viewer, method: str, factor: SecondFactor, codes: tuple[str, ...]) -> Response:
    """A new session in the place of the viewer's, which was signed in with the factor they have just proven to have;
    shows the codes that came with it."""
    site = viewer.site
    sessions.sign_out(site.store, viewer.session, viewer.context)
    context = replace(viewer.context, session_id=None)
    token, begun = sessions.start_session(site.store, viewer.user, method, context, factor)
    if codes:
        response = shown_once.send(replace(viewer, session=begun), MADE, " ".join(codes), CODES)
    else:
        response = go(site, PAGE, Said.FACTOR_ADDED)
    session.begin(response, site, token)
    return response


def by_password(request: Request, viewer: Viewer, step: Step, sent: Typed, act: Callable[[], Response]) -> Response:
    """What `act` answers, once the password is right; else the page that asks for it, with what is wrong."""
    try:
        viewer.site.sign_ins.confirm(viewer.user, sent.one("password"), viewer.context)
        return act()
    except (*STAYS, TooManyAttempts) as error:
        return ask(request, viewer, step, form_after(sent, error, ["password"]), error.status)


def act_on_viewer(viewer: Viewer, command: PersonalCommand) -> None:
    """Raises as `perform_everywhere` does."""
    perform_everywhere(viewer.site.store, viewer.user.actor(), viewer.context, command)


def held(viewer: Viewer) -> tuple[SecondFactor, ...]:
    """The kinds of second factors that the viewer has."""
    with viewer.site.store.reading() as connection:
        return second_factors.held(connection, viewer.user.id)


def _begun(request: Request, viewer: Viewer) -> Ceremony | None:
    """The app that this browser is adding for the viewer."""
    found = ADDING.find(request)
    return found if found and found.user == viewer.user.id else None


def ask(request: Request, viewer: Viewer, step: Step, form: Form, status: int = 200) -> Response:
    """The page that asks for the password."""
    form = Form({}, form.errors)  # what was typed as a password is never shown
    return show(
        request,
        "confirm_by_password.html",
        status=status,
        form=form,
        step=step,
        email=viewer.user.email,
        back_href=PAGE,
    )


def _show_secret(request: Request, viewer: Viewer, begun: Ceremony, form: Form, status: int = 200) -> Response:
    secret = viewer.site.factor_key.unseal(viewer.user.id, begun.secret)
    link = totp.link(secret, viewer.user.email)
    drawn = segno.make(link, error="m").svg_inline(border=4, dark="#000", light="#fff", omitsize=True, svgclass="qr")
    written = totp.written(secret)
    return show(
        request,
        "authenticator_app.html",
        status=status,
        form=form,
        qr=Markup(drawn),  # noqa: S704 - segno draws squares, and writes none of what is in them
        link=link,
        secret=" ".join(written[at : at + 4] for at in range(0, len(written), 4)),
        action=f"{APP}/confirm",
        back_href=PAGE,
    )
