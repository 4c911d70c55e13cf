"""A forgotten password: the link by mail, and what is not said to whom."""

from __future__ import annotations

from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from minutebook.model import HOUR, SECOND, Role
from minutebook.organization import outbox, people
from minutebook.web.site import WebSettings
from tests.support.check_log import check_log
from tests.support.dashboard import Calder, Dashboard, errors, heading, told
from tests.web.test_links import opened

ORIGIN = "https://log.calder.example"
ADA = {"email": " ADA@calder.example"}


@pytest.fixture
def mailing(calder_sqlite: Calder) -> Dashboard:
    """A dashboard that sends mail."""
    return Dashboard.of(calder_sqlite, WebSettings(ORIGIN, sends_mail=True))


def link_in_mail(dashboard: Dashboard) -> str:
    """The path of the link in the last mail."""
    return outbox.due(dashboard.store)[-1].mail.body.partition(ORIGIN)[2].partition("\n")[0]


def test_a_link_by_mail_chooses_a_password_once(mailing: Dashboard) -> None:
    intruder, somebody = mailing.signed_in(Role.OWNER), mailing.anybody()
    assert 'href="/forgot"' in somebody.get("/sign-in").text
    assert heading(somebody.get("/forgot")) == "Forgot your password?"
    before = mailing.recorded()
    with capture_logs() as logs:
        assert heading(somebody.post("/forgot", ADA)) == "Look at your mail"
    assert mailing.recorded() == before
    asked = next(log for log in logs if log["event"] == "reset_asked_for")
    assert (asked["user"], asked["ip"]) == (mailing.people[Role.OWNER].id, "203.0.113.9")
    (waiting,) = outbox.due(mailing.store)
    assert waiting.mail.to == "ada@calder.example"
    link = link_in_mail(mailing)
    assert link not in str(logs)
    assert intruder.get("/account").status_code == 200  # asking alone does nothing
    page = opened(somebody, link)
    assert page == "/password"
    answer = somebody.post(page, {"password": "a new one for ada"})
    assert "Your new password is set" in told(somebody.follow(somebody.follow(answer)))
    changed = next(event for event in reversed(mailing.events()) if event.action == "user.password_change")
    assert changed.details["method"] == "a single-use link"
    assert intruder.get("/account").status_code == 303
    again = mailing.anybody()
    assert again.get(opened(again, link)).status_code == 410
    check_log(mailing.store)


def test_a_link_by_mail_expires_after_an_hour(mailing: Dashboard) -> None:
    somebody = mailing.anybody()
    somebody.post("/forgot", ADA)
    mailing.deployment.clock.go_on(HOUR)
    over = somebody.get(opened(somebody, link_in_mail(mailing)))
    assert (over.status_code, "Ask for a new one" in told(over)) == (410, True)


def test_nobody_learns_who_has_an_account(mailing: Dashboard) -> None:
    """The same words after the same time."""
    clock = mailing.deployment.clock
    clock.step = SECOND // 100
    ends: list[int] = []

    async def sleep(seconds: float) -> None:
        ends.append(clock.now + round(seconds * SECOND))

    mailing.app.state.site = replace(mailing.app.state.site, sleep=sleep)
    answers, took = [], []
    for email in ("ada@calder.example", "nobody@calder.example"):
        asked = clock.now
        answers.append(mailing.anybody().post("/forgot", {"email": email}))
        took.append(ends.pop() - asked)
    assert answers[0].text.replace("ada@", "nobody@") == answers[1].text
    assert took[0] == took[1] >= SECOND // 2
    assert len(outbox.due(mailing.store)) == 1


def test_an_account_that_is_deleted_in_this_moment_is_answered_like_any(
    mailing: Dashboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = people.new_user("gone@calder.example", "Gone", mailing.store.randomness)
    monkeypatch.setattr(people, "find_user", lambda *_: gone)
    assert heading(mailing.anybody().post("/forgot", {"email": gone.email})) == "Look at your mail"
    assert outbox.due(mailing.store) == []


def test_links_are_asked_for_only_so_often(mailing: Dashboard) -> None:
    for email in ("ada@calder.example", "nobody@calder.example"):
        statuses = [mailing.anybody().post("/forgot", {"email": email}).status_code for _ in range(4)]
        assert statuses == [200, 200, 200, 429]
    assert len(outbox.due(mailing.store)) == 3
    statuses = [mailing.anybody().post("/forgot", {"email": f"a{n}@x.example"}).status_code for n in range(30)]
    assert (statuses[0], statuses[-1]) == (200, 429)
    wrong = mailing.anybody().post("/forgot", {"email": "ada"})
    assert errors(wrong).keys() == {"email"}


def test_without_mail_the_page_says_whom_to_ask(light_dashboard: Dashboard) -> None:
    somebody = light_dashboard.anybody()
    assert "ask whoever runs Minutebook" in told(somebody.get("/forgot"))
    assert somebody.post("/forgot", ADA).status_code == 403
    assert not outbox.due(light_dashboard.store)
