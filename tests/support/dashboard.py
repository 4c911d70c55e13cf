"""The dashboard without a browser: the real application over the real store, and people who read and send its forms."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from urllib.parse import urlencode

from fastapi.routing import APIRoute
from httpx2 import Response
from starlette.testclient import TestClient

from minutebook.filters import Seal
from minutebook.model import Context, Event, Role
from minutebook.organization import people, sessions, tokens
from minutebook.organization.denials import Denials
from minutebook.organization.organizations import Organization, all_organizations, read_organization
from minutebook.organization.people import User
from minutebook.store import schema
from minutebook.store.engine import Store
from minutebook.web import api, pages
from minutebook.web.app import WebSettings, create_app
from tests.support.deployment import PASSWORD, Deployment
from tests.support.name_server import Zone

ADDRESS = ("203.0.113.9", 40_000)
"""Where everybody asks from."""

Fields = Mapping[str, str | Iterable[str]]


class Somebody:
    """A person with cookies of their own. Redirects are not followed: where they lead is part of the answer."""

    def __init__(self, dashboard: Dashboard, user: User | None) -> None:
        self.user = user
        site = dashboard.app.state.site
        self.client = TestClient(
            dashboard.app,
            base_url=site.settings.public_url,
            client=ADDRESS,
            follow_redirects=False,
            raise_server_exceptions=False,
        )
        self._cookie: str = site.cookie("session")
        if user:
            self.token = sessions.start_session(dashboard.store, user, "password", Context(ip=ADDRESS[0]))[0]

    @property
    def token(self) -> str:
        """The token of the session that the browser keeps; nothing without one."""
        return self.client.cookies.get(self._cookie) or ""

    @token.setter
    def token(self, token: str) -> None:
        self.client.cookies.set(self._cookie, token, domain=self.client.base_url.host)

    def get(self, path: str, **headers: str) -> Response:
        return self.client.get(path, headers=_dashed(headers))

    def post(self, path: str, fields: Fields | None = None, **headers: str) -> Response:
        """Sends a form, as a page of the same site does."""
        sent = {name: value if isinstance(value, str) else list(value) for name, value in (fields or {}).items()}
        return self.client.post(path, data=sent, headers={"Sec-Fetch-Site": "same-origin"} | _dashed(headers))

    def ask(self, path: str, *pairs: tuple[str, str], token: str | None = None, **query: object) -> Response:
        """Asks the API, with a token or else with the cookies; the parameters as pairs or by name."""
        headers = {} if token is None else {b"Authorization": f"Bearer {token}".encode()}
        params = urlencode([*pairs, *query.items()])
        return self.client.get(path, params=params, headers=headers)

    def follow(self, response: Response) -> Response:
        """Where a redirect leads, in one step."""
        assert response.status_code == 303, (response.status_code, told(response))
        return self.get(response.headers["location"])


class Dashboard:
    """Calder Robotics with somebody in every role, and the pages that show it."""

    def __init__(self, deployment: Deployment, settings: WebSettings | None = None) -> None:
        self.deployment = deployment
        self.store = deployment.store
        settings = settings or WebSettings()
        custody = settings.custody or deployment.ledger.directory
        self.app = create_app(deployment.store, replace(settings, custody=custody))
        self.app.state.site.tails.stop()  # clients here wait for the end of an answer: live tails have one batch
        self.number = 0
        self.people: dict[Role, User] = {}
        self.zone = Zone()
        """What the name server answers from, if there is one."""

    @classmethod
    def of(cls, calder: Calder, settings: WebSettings | None = None) -> Dashboard:
        """The pages of an organization that is there already."""
        dashboard = cls(calder.deployment, settings)
        dashboard.number, dashboard.people = calder.number, dict(calder.people)
        return dashboard

    def person(self, email: str, name: str) -> User:
        """A user who can sign in with PASSWORD."""
        return _person(self.store, email, name)

    def anybody(self) -> Somebody:
        """Somebody who is not signed in."""
        return Somebody(self, None)

    def signed_in(self, who: User | Role) -> Somebody:
        return Somebody(self, self.people[who] if isinstance(who, Role) else who)

    @property
    def seal(self) -> Seal:
        """What its cursors are sealed with."""
        seal: Seal = self.app.state.site.seal
        return seal

    @property
    def organization(self) -> Organization:
        with self.store.reading() as connection:
            return read_organization(connection, self.number)

    def move_to(self, name: str) -> None:
        """Turns to another organization."""
        with self.store.reading() as connection:
            [self.number] = [one.number for one in all_organizations(connection) if one.name == name]

    def api(self, *parts: str, organization: str = "") -> str:
        """`/api/v1/organizations/org_…/events/count` for `count`."""
        return "/".join(("/api/v1/organizations", organization or self.organization.id, "events", *parts))

    def token(self, *scopes: str, name: str = "SIEM", days: int = 30) -> str:
        """The secret of a new API token of the organization, made by its owner."""
        secret = tokens.new_secret(self.store.randomness)
        owner = self.people[Role.OWNER]
        self.deployment.act(owner, self.number, tokens.CreateToken(name, scopes or ("log.read",), days, secret))
        return secret

    def path(self, *parts: str) -> str:
        return "/".join(("/o", self.organization.id, *parts))

    def events(self) -> list[Event]:
        """The log of the organization, oldest first."""
        return self.deployment.events(self.number)

    def last(self) -> Event:
        return self.events()[-1]

    def recorded(self) -> int:
        """How many events there are in all logs together."""
        with self.store.reading() as connection:
            return sum(self.deployment.size(one.number) for one in all_organizations(connection))

    def denied(self) -> list[Event]:
        """What was refused since this was asked last, recorded in the log of the organization."""
        before = len(self.events())
        self.app.state.site.denials.round()
        events = self.events()[before:]
        assert {event.action for event in events} <= {"access.denied"}
        self.app.state.site = replace(self.app.state.site, denials=Denials(self.store))
        return events

    def sessions(self) -> int:
        with self.store.reading() as connection:
            return len(connection.execute(schema.session.select()).all())


@dataclass(frozen=True)
class Calder:
    """Calder Robotics in a deployment, with one person in each role."""

    deployment: Deployment
    number: int
    people: Mapping[Role, User]


def staff(deployment: Deployment) -> Calder:
    """Founds it; `ada@calder.example` is its owner. All of them can sign in with PASSWORD."""
    owner = _person(deployment.store, "ada@calder.example", "Ada Okafor")
    number = deployment.found(owner, "Calder Robotics")
    people_ = {Role.OWNER: owner}
    for role in Role:
        if role is not Role.OWNER:
            user = _person(deployment.store, f"{role.value.partition('_')[0]}@calder.example", f"Some {role.label}")
            people_[role] = deployment.join(number, owner, role, user)
    return Calder(deployment, number, people_)


def _person(store: Store, email: str, name: str) -> User:
    return people.create_user(store, email, name, None, hashed=_hashed())


@cache
def _hashed() -> str:
    return people.hash_password(PASSWORD)


def _dashed(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


def all_routes() -> list[tuple[str, frozenset[str]]]:
    """The path of every route of every page and of the API, and its methods."""
    routes = [route for router in (*pages.ROUTERS, *api.ROUTERS) for route in router.routes]
    return [(route.path, frozenset(route.methods or ())) for route in routes if isinstance(route, APIRoute)]


def told(response: Response) -> str:
    """All that a person reads on the page, blanks folded; what is not meant for reading is left out."""
    body = re.sub(r"<(head|svg|script|template)\b.*?</\1>", " ", response.text, flags=re.DOTALL)
    body = re.sub(r"</?(a|bdi|code|span|strong)\b[^>]*>", "", body)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", body)).split())


def heading(response: Response) -> str:
    """The title of the page."""
    [inner] = re.findall(r"<h1\b[^>]*>(.*?)</h1>", response.text, re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", "", inner)).split())


def errors(response: Response) -> dict[str, str]:
    """What is said to be wrong, by the id of what it is said of."""
    found = re.findall(r'<p class="error" id="([^"]*)-error">(.*?)</p>', response.text, re.DOTALL)
    return {name: " ".join(html.unescape(re.sub(r"<[^>]*>", "", text)).split()) for name, text in found}


def value(response: Response, field: str) -> str:
    """What stands in a field of the form."""
    area = re.search(rf'<textarea[^>]*\bname="{field}"[^>]*>\n?(.*?)</textarea>', response.text, re.DOTALL)
    if area:
        return html.unescape(area[1])
    tag = re.search(rf'<input[^>]*\bname="{field}"[^>]*>', response.text)
    assert tag, f"no field is called {field}"
    found = re.search(r'\bvalue="([^"]*)"', tag[0])
    return html.unescape(found[1]) if found else ""


def ticked(response: Response, field: str) -> list[str]:
    """The boxes and radio buttons of a name that are chosen."""
    tags = re.findall(rf'<input[^>]*\bname="{field}"[^>]*>', response.text)
    return [html.unescape(re.findall(r'value="([^"]*)"', tag)[0]) for tag in tags if re.search(r"\bchecked\b", tag)]


def focused(response: Response) -> str:
    """The name of the field that has the focus."""
    [tag] = re.findall(r"<[^>]*\bautofocus\b[^>]*>", response.text)
    name = re.search(r'\bname="([^"]*)"', tag)
    return name[1] if name else ""
