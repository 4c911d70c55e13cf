"""What any page is filled with: the frame around it, a form, and what stands in lists.

Every page gets `frame`; a page inside an organization also gets `shell`. Forms are shown from a `Form`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

Theme = Literal["auto", "light", "dark"]


@dataclass(frozen=True, slots=True)
class Frame:
    """What every page needs. `zone` is the IANA name of the zone its times are written in."""

    theme: Theme = "auto"
    keys: bool = True
    """Whether single keys (`j`, `k`, `/` …) are on."""
    zone: str = "UTC"
    said: str = ""
    """One line that says what was just done, shown once."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """The person who is signed in."""

    name: str
    email: str
    role: str = ""
    """The title of the role in this organization, as people read it."""

    @property
    def domain(self) -> str:
        """That of their address: where there is little room, the addresses of others are shown without it."""
        return self.email.rpartition("@")[2]


@dataclass(frozen=True, slots=True)
class OrganizationLink:
    """One organization in the switcher. `role` is the title of the viewer's role there."""

    name: str
    role: str
    href: str
    current: bool = False


@dataclass(frozen=True, slots=True)
class NavItem:
    """A page of the dashboard. `icon` is the name of a symbol in `_icons.html`."""

    label: str
    icon: str
    href: str
    count: int | None = None
    current: bool = False


@dataclass(frozen=True, slots=True)
class NavGroup:
    """Pages that belong together. The server leaves out what the viewer may not open."""

    label: str
    items: tuple[NavItem, ...]


@dataclass(frozen=True, slots=True)
class SupportNote:
    """Somebody of support staff who is let in, as everybody in the organization is told."""

    name: str
    email: str
    reason: str
    until: Moment
    end_href: str | None = None
    """Where their access is ended, for those who may."""
    end: str = "End access"


@dataclass(frozen=True, slots=True)
class Shell:
    """The frame of a page inside an organization."""

    viewer: Viewer
    organization: str
    plan: str
    """The title of the plan: `Enterprise` or `Teams`."""
    organizations: tuple[OrganizationLink, ...]
    nav: tuple[NavGroup, ...]
    more_organizations_href: str | None = None
    """Where all of them are, if there are more than `organizations`."""
    new_organization_href: str | None = None
    support: tuple[SupportNote, ...] = ()
    sign_out_href: str = "/sign-out"
    deleted_on: Moment | None = None
    """When the organization is deleted, if that was asked for."""
    deletion_href: str | None = None
    """Where the viewer can take that back."""


@dataclass(frozen=True, slots=True)
class Form:
    """What was typed and what is wrong with it, by the name of the field.

    `errors` is in the order of the fields: the first one takes the focus. A sequence is what a group of boxes holds.
    """

    values: Mapping[str, str | Sequence[str]] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)

    def value(self, name: str, default: str = "") -> str:
        """What stands in the field `name`."""
        value = self.values.get(name, default)
        return value if isinstance(value, str) else " ".join(value)

    def holds(self, name: str, option: str) -> bool:
        """Whether the group of boxes `name` has `option` ticked."""
        value = self.values.get(name, ())
        return option == value if isinstance(value, str) else option in value

    def error(self, name: str) -> str:
        """What is wrong with the field `name`, or nothing."""
        return self.errors.get(name, "")

    def first_wrong(self, name: str) -> bool:
        """Whether `name` is the first field with an error."""
        return next(iter(self.errors), None) == name


@dataclass(frozen=True, slots=True)
class Choice:
    """One entry of a select, a list of radio buttons or a list of boxes."""

    value: str
    label: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class ChoiceGroup:
    """Choices under one heading, such as the models of a provider."""

    label: str
    choices: tuple[Choice, ...]


NEWEST_FIRST = ("Newer", "Older")
"""What leads to the page before and to the one after it in a list with its newest entries first."""


@dataclass(frozen=True, slots=True)
class Pager:
    """The way to the neighbouring pages. `text` says where this one is: "1–50 of 1,284, newest first"."""

    text: str
    before_href: str | None = None
    after_href: str | None = None
    labels: tuple[str, str] = NEWEST_FIRST


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant. `utc` is RFC 3339 in UTC for machines; `text` and `exact` are in the zone of the page."""

    utc: str
    text: str
    exact: str
