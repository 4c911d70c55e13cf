"""What belongs to others is not there, and takes the same way to be told so (R7: in answer and in time).

Time is compared by what takes it: the statements that are sent to the database, one after another.
"""

from __future__ import annotations

import re

import pytest
from httpx2 import Response

from minutebook.model import Role
from minutebook.organization.modes import CreateMode
from minutebook.organization.saved_searches import SaveSearch
from tests.support.dashboard import Calder, Dashboard, Somebody, told
from tests.support.sent import statements
from tests.web.api.test_principals import MISSING, OF_ORGANIZATION, Two
from tests.web.test_auditing import Audit
from tests.web.test_refusals import filled_in, routes
from tests.web.test_routes import DRIVES

ID = re.compile(r"\b([a-z]{3})_[a-z0-9]{12}\b")
NAMES = re.compile(rf"{ID.pattern}|[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}|[\d,]+")
"""Ids and numbers, which tell of what was asked for."""
WITH_AN_ID, FORMS_WITH_AN_ID = (
    sorted(path for path in routes(method) if len(re.findall(r"{(?!seq|size|family)", path)) > 1)
    for method in ("GET", "POST")
)
"""Pages and forms of something in an organization, by its id."""

ONLY_LEADS_ON = {"/o/{org}/members/{user}/role", "/o/{org}/support/{grant}/end"}
"""Their form is on another page, to which they lead whatever the id is."""


def asked(somebody: Somebody, address: str, **headers: str) -> tuple[Response, list[str]]:
    """The answer, redirects followed, and the way to it."""
    with statements() as sent:
        answer = somebody.get(address, **headers)
        while answer.status_code == 303:
            answer = somebody.follow(answer)
    return answer, [statement for statement, _ in sent]


def said(answer: Response) -> str:
    """The answer, without the ids that were asked for, and its own."""
    return NAMES.sub("", answer.text)


def assert_same(somebody: Somebody, theirs: str, missing: str, status: int = 404, **headers: str) -> None:
    """Neither answer nor way tells what belongs to others from what is not there."""
    asked(somebody, missing, **headers)  # once, so that a session or token that is seen again is noted before
    (one, way), (other, other_way) = (asked(somebody, address, **headers) for address in (theirs, missing))
    assert one.status_code == other.status_code == status, (theirs, one.text, other.text)
    assert said(one) == said(other), theirs
    assert way == other_way, theirs
    assert way, "nothing was looked up, so nothing is compared"


@pytest.fixture
def two(calder: Calder) -> Two:
    return Two(calder)


def missing_in(address: str) -> str:
    """The same address with an id that nothing has."""
    return ID.sub(lambda id_: f"{id_[1]}_aaaaaaaaaaaa", address)


def test_an_organization_of_others_takes_as_long_as_none(two: Two) -> None:
    strangers = dict(two.strangers())
    two.there.deployment.clock.step = 1  # by seconds, a session would be noted to be in use at one of the requests
    for path in sorted({*routes("GET"), *OF_ORGANIZATION}):
        theirs = filled_in(two.there, path)
        missing = theirs.replace(two.there.organization.id, MISSING)
        for who in ("without a seat", "owner elsewhere", "member elsewhere"):
            assert_same(strangers[who].somebody, theirs, missing)
        if path in OF_ORGANIZATION:
            token = f"Bearer {strangers['token elsewhere'].token}"
            assert_same(two.anybody(), theirs, missing, authorization=token)


@pytest.mark.parametrize("path", WITH_AN_ID)
def test_what_others_have_takes_as_long_as_what_nobody_has(two: Two, path: str) -> None:
    """Asked for in an organization of one's own, where the role allows all."""
    theirs = filled_in(two.there, path).replace(two.there.organization.id, two.here.organization.id)
    missing = missing_in(theirs).replace(MISSING, two.here.organization.id)
    assert theirs != missing
    assert_same(two.here.signed_in(Role.OWNER), theirs, missing, status=200 if path in ONLY_LEADS_ON else 404)


@pytest.mark.parametrize("path", FORMS_WITH_AN_ID)
def test_no_form_changes_what_another_organization_has(calder_sqlite: Calder, path: str) -> None:
    """What its owner would do there is done by nobody from the organization that they are in."""
    two = Two(calder_sqlite)
    theirs, fields = DRIVES[path](two.there, two.there.signed_in(Role.OWNER))
    address, before = theirs.replace(two.there.organization.id, two.here.organization.id), two.there.events()
    answer = two.here.signed_in(Role.OWNER).post(address, fields)
    assert answer.status_code == 404, told(answer)
    assert "Calder" not in answer.text
    assert two.there.events() == before


def test_what_another_keeps_for_themselves_takes_as_long_as_nothing(two: Two) -> None:
    """A private search of a colleague."""
    admin, saved = two.here.people[Role.ADMIN], SaveSearch("Mine", "-outcome:success", shared=False)
    search = str(two.here.deployment.act(admin, two.here.number, saved).details["search"])
    for last in ("", "/delete"):
        theirs = two.here.path("audit-logs", "saved", search + last)
        missing = theirs.replace(search, "sav_aaaaaaaaaaaa")
        assert_same(two.here.signed_in(Role.OWNER), theirs, missing)


def test_an_event_of_others_takes_as_long_as_none(two: Two) -> None:
    """By a number that only their log has, and by its id, on the page and in the API."""
    for name in "abcdef":
        two.there.deployment.act(two.there.people[Role.OWNER], two.there.number, CreateMode(name, "", ()))
    ada, event_ = two.here.signed_in(Role.OWNER), two.there.last()
    assert event_.seq > two.here.last().seq + 2, "the reading of one's own log is recorded meanwhile"
    two.there.deployment.clock.step = 0  # a histogram until now is then the same histogram
    for path in (two.here.path("audit-logs", "{}.json"), two.here.path("audit-logs", "{}"), two.here.api("{}")):
        assert_same(ada, path.format(event_.seq), path.format(1_000_000))
    for path in (two.here.path("audit-logs") + "?query=id:{}", two.here.api() + "?q=id:{}"):
        assert_same(ada, path.format(event_.id), path.format("019372a4-5c6e-7a10-8b3f-2f1e0d9c8b7a"), status=200)


def test_what_a_link_leaves_out_takes_as_long_as_what_never_was(calder: Calder) -> None:
    audit = Audit(Dashboard.of(calder))
    audit.open()
    calder.deployment.clock.step = 0
    for path in (f"{audit.path}/{{}}.json", f"{audit.path}/{{}}", f"{audit.path}?event={{}}"):
        assert_same(audit.browser, path.format(audit.hidden()), path.format(1_000_000))
