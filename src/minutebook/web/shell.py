"""The frame of a page inside an organization: the switcher, and the pages that the viewer may open."""

from __future__ import annotations

from collections.abc import Iterator

from minutebook.organization.held_seats import HeldSeat
from minutebook.organization.support import Grant
from minutebook.permissions import Permission
from minutebook.web import times
from minutebook.web.session import Place
from minutebook.web.views.page import NavGroup, NavItem, OrganizationLink, Shell, SupportNote, Viewer

MOST_IN_SWITCHER = 50
"""Organizations that every page lists; a page of its own has all of them."""

OVERVIEW = ""
NOWHERE = "-"
"""Of a page that no entry of the navigation leads to, such as an error."""
MEMBERS = "members"
INVITATIONS = "members#invitations"
INVITATIONS_OVER = "members#invitations-over"
MODELS = "models"
MODES = "modes"
CREDITS = "credits"
SSO = "sso"
TOKENS = "tokens"
SETTINGS = "settings"
AUDIT_LOGS = "audit-logs"
INTEGRITY = "integrity"
AUDITOR_LINKS = "auditor-links"
RETENTION = "retention"

NAVIGATION: tuple[tuple[str, tuple[tuple[str, str, str, Permission], ...]], ...] = (
    (
        "Organization",
        (
            ("Overview", "home", OVERVIEW, Permission.SEATS_READ),
            ("Settings", "settings", SETTINGS, Permission.SETTINGS_READ),
        ),
    ),
    (
        "People",
        (
            ("Members", "members", MEMBERS, Permission.SEATS_READ),
            ("Invitations", "invites", INVITATIONS, Permission.SEATS_WRITE),
        ),
    ),
    (
        "AI",
        (
            ("Models & Providers", "models", MODELS, Permission.SETTINGS_READ),
            ("Modes", "modes", MODES, Permission.SETTINGS_READ),
            ("Credits", "credits", CREDITS, Permission.CREDITS_READ),
        ),
    ),
    (
        "Access",
        (
            ("SSO", "sso", SSO, Permission.SSO_READ),
            ("API tokens", "key", TOKENS, Permission.TOKENS_WRITE),
        ),
    ),
    (
        "Record",
        (
            ("Audit Logs", "log", AUDIT_LOGS, Permission.LOG_READ),
            ("Integrity", "shield", INTEGRITY, Permission.LOG_READ),
            ("Auditor links", "link", AUDITOR_LINKS, Permission.LINKS_WRITE),
            ("Retention & erasure", "calendar", RETENTION, Permission.RETENTION_WRITE),
        ),
    ),
)
"""Label, icon, path below the organization, and who may open it."""


def shell_of(place: Place, current: str) -> Shell:
    """The frame, with the entry whose path is `current` marked."""
    user = place.viewer.user
    return Shell(
        viewer=Viewer(user.name, user.email, place.role.label),
        organization=place.organization.name,
        plan=place.organization.plan.value.capitalize(),
        organizations=tuple(
            OrganizationLink(
                name=held.organization.name,
                role=held.role.label,
                href=f"/o/{held.organization.id}",
                current=held.organization == place.organization,
            )
            for held in _switcher(place)
        ),
        nav=tuple(group for group in _groups(place, current) if group.items),
        more_organizations_href="/organizations" if len(place.held) > MOST_IN_SWITCHER else None,
        new_organization_href="/organizations/new" if place.site.settings.anybody_founds else None,
        deleted_on=times.day_of(place.deletion.due_at, place.viewer.zone) if place.deletion else None,
        deletion_href=place.path("deletion") if place.deletion and place.may(Permission.OWNERSHIP) else None,
        support=tuple(_note(place, grant) for grant in place.grants),
    )


def _note(place: Place, grant: Grant) -> SupportNote:
    own = place.entry == grant
    may_end = own or (place.entry is None and place.may(Permission.SUPPORT_END))
    return SupportNote(
        grant.person.name,
        grant.person.email,
        grant.reason,
        times.minute_time(grant.expires_at, place.viewer.zone),
        place.path("support", grant.id, "end") if may_end else None,
        "Leave" if own else "End access",
    )


def _switcher(place: Place) -> Iterator[HeldSeat]:
    """The organizations to switch to: the first of them by name, and where the viewer is."""
    for number, held in enumerate(place.held):
        if number < MOST_IN_SWITCHER or held.organization == place.organization:
            yield held


def _groups(place: Place, current: str) -> list[NavGroup]:
    counts = {MEMBERS: place.members, INVITATIONS: place.invitations}
    return [
        NavGroup(
            label,
            tuple(
                NavItem(title, icon, place.path(path), counts.get(path), current=path == current)
                for title, icon, path, permission in entries
                if place.may(permission)
            ),
        )
        for label, entries in NAVIGATION
    ]
