"""Second factors in the browser, from the first password to the last code."""

from __future__ import annotations

import base64

from playwright.sync_api import expect

from minutebook.model import Event
from minutebook.store import log
from tests.support.apps import code_of
from tests.support.deployment import PASSWORD
from tests.support.server import Site
from tests.support.visitor import Arrive, Visitor


def test_an_authenticator_app_without_script_and_by_keyboard(arrive: Arrive, site: Site) -> None:
    """Added by the secret that is shown beside the QR code, then asked for at the next sign-in; on a small screen."""
    visitor = arrive(script=False, width=360)
    person = site.company.member
    before = len(events_by(site, person.id))
    visitor.sign_in(person.email)
    visitor.go("/account/authenticator-app/new")
    enter(visitor, "Your password", PASSWORD)
    assert visitor.page.locator("svg.qr").bounding_box()
    secret = base64.b32decode(visitor.page.locator("#secret").inner_text().replace(" ", ""))
    enter(visitor, "Code that the app shows now", code_of(secret, site.clock()))
    assert visitor.heading == "Recovery codes"
    codes = visitor.page.locator("#codes").inner_text().split()
    assert len(codes) == 10

    visitor.open("members")
    visitor.page.get_by_role("link", name="Open navigation").click()
    visitor.sign_out()
    visitor.sign_in(person.email)
    assert (visitor.heading, visitor.focused()) == ("Second factor", "code")
    enter(visitor, "Code", "000000")
    assert visitor.field_error("Code") == "This code is wrong, or was used before."
    enter(visitor, "Code", code_of(secret, site.clock(), steps=1))
    assert visitor.heading == "Calder Robotics"

    again = arrive(script=False)
    again.sign_in(person.email)
    enter(again, "Code", codes[0].upper())
    assert again.heading == "Calder Robotics"
    told = [(event.action, event.details.get("second_factor")) for event in events_by(site, person.id)[before:]]
    assert told == [
        ("user.login", None),
        ("user.add_second_factor", None),
        ("user.logout", None),
        ("user.login", "totp"),
        ("user.logout", None),
        ("user.login_failed", None),
        ("user.login", "totp"),
        ("user.use_recovery_code", None),
        ("user.login", "recovery_code"),
    ]


def test_a_passkey_is_made_and_signs_in_with_and_without_the_password(arrive: Arrive, site: Site) -> None:
    """By Chromium's own authenticator, which stands in for a telephone."""
    visitor = arrive()
    here = site.base_url.replace("127.0.0.1", "localhost")  # an address has no passkeys
    devices = visitor.context.new_cdp_session(visitor.page)
    devices.send("WebAuthn.enable")
    kind = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
    options = kind | {"isUserVerified": True, "automaticPresenceSimulation": True}
    devices.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    person = site.company.auditor
    visitor.page.goto(f"{here}/sign-in?next=/account/passkeys/new")
    visitor.page.get_by_label("Email address").fill(person.email)
    enter(visitor, "Password", PASSWORD)
    enter(visitor, "Your password", PASSWORD)
    visitor.page.get_by_label("What you call it").fill("This laptop")
    visitor.press("Add passkey")
    assert visitor.heading == "Recovery codes"
    visitor.page.goto(f"{here}/account/second-factors")
    expect(visitor.page.get_by_role("row", name="Passkey This laptop")).to_contain_text("never used")

    before = len(events_by(site, person.id))
    for _ in range(2):
        visitor.context.clear_cookies()
        visitor.page.goto(f"{here}/sign-in")
        visitor.page.get_by_role("button", name="Sign in with a passkey").click()
        visitor.page.wait_for_url(f"{here}/o/**")
    visitor.context.clear_cookies()
    visitor.page.goto(f"{here}/sign-in")
    visitor.page.get_by_label("Email address").fill(person.email)
    enter(visitor, "Password", PASSWORD)
    visitor.page.get_by_role("button", name="Use a passkey").click()
    visitor.page.wait_for_url(f"{here}/o/**")
    told = [event.details for event in events_by(site, person.id)[before:] if event.action == "user.login"]
    assert [(one["method"], one.get("second_factor")) for one in told] == [
        *[("passkey", None)] * 2,
        ("password", "passkey"),
    ]
    visitor.page.goto(f"{here}/account/second-factors")
    row = visitor.page.get_by_role("row", name="Passkey This laptop")
    expect(row).to_contain_text("used just now")
    visitor.follow(row.get_by_role("link", name="Remove"))
    enter(visitor, "Your password", PASSWORD)
    visitor.told("Second factor removed")


def enter(visitor: Visitor, label: str, text: str) -> None:
    """Types into the field and presses Enter."""
    field = visitor.page.get_by_label(label, exact=True)
    field.fill(text)
    with visitor.page.expect_navigation():
        field.press("Enter")


def events_by(site: Site, user: str) -> list[Event]:
    with site.store.reading() as connection:
        return [event for event in log.events(connection, site.company.number) if event.actor.id == user]
