"""Settings: a save records exactly what it changed, once, and never overwrites what its author has not seen."""

from __future__ import annotations

import pytest

from minutebook.errors import Conflict, Invalid
from minutebook.model import Role
from minutebook.organization import outbox, settings
from minutebook.organization.credits import BuyCredits
from minutebook.organization.settings import (
    FIRST,
    ChangeDataCollection,
    ChangeModels,
    ChangeSessionLifetime,
    Settings,
)
from minutebook.organization.spending import ChangeSpending
from minutebook.record import NO_CHANGE
from tests.support.deployment import Deployment
from tests.support.sentences import check_mail


def now(deployment: Deployment, organization: int = 1) -> Settings:
    with deployment.store.reading() as connection:
        return settings.read_settings(connection, organization)


def save(before: Settings, **changed: tuple[str, ...] | str) -> ChangeModels:
    values = {"models": before.models, "providers": before.providers, "default_model": before.default_model}
    return ChangeModels(**{**values, **changed})  # type: ignore[arg-type]


def test_a_save_records_exactly_what_it_changed(deployment: Deployment) -> None:
    ada = deployment.person()
    deployment.found(ada)
    assert now(deployment) == FIRST
    models = (*FIRST.models[2:], "new/model", "another/model")
    event = deployment.act(ada, 1, save(FIRST, models=models, default_model="new/model"))
    assert event.details == {
        "v": 1,
        "section": "Models & Providers",
        "models": {
            "added": ["another/model", "new/model"],
            "removed": list(FIRST.models[:2]),
            "before": len(FIRST.models),
            "after": len(FIRST.models),
        },
        "default_model": {"before": FIRST.default_model, "after": "new/model"},
    }
    assert [target.id for target in event.targets] == ["models-providers"]
    event = deployment.act(ada, 1, save(now(deployment), providers=("openai",)))
    assert event.details.keys() == {"v", "section", "providers"}
    event = deployment.act(ada, 1, ChangeDataCollection("allow"))
    assert event.details == {
        "v": 1,
        "section": "Data collection",
        "data_collection": {"before": "forbid", "after": "allow"},
    }
    assert now(deployment) == Settings(tuple(sorted(models)), ("openai",), "new/model", "allow")
    deployment.check()


def test_what_changes_nothing_records_nothing(deployment: Deployment) -> None:
    ada = deployment.person()
    deployment.found(ada)
    size = deployment.size(1)
    shuffled = tuple(f" {name.upper()} " for name in reversed(FIRST.models)) + FIRST.models[:3] + ("", "  ")
    for command in (save(FIRST), save(FIRST, models=shuffled), ChangeDataCollection("forbid")):
        assert deployment.attempt(ada, 1, command) is NO_CHANGE
    assert deployment.size(1) == size
    deployment.check()


def test_nothing_is_overwritten_unseen(deployment: Deployment) -> None:
    ada = deployment.person()
    deployment.found(ada)
    seen = now(deployment).seen()
    mine = ChangeModels(("a/b",), ("openai",), "a/b", seen)
    theirs = ChangeDataCollection("allow", seen)
    deployment.act(ada, 1, mine)
    with pytest.raises(Conflict, match="Someone else saved other settings"):
        deployment.act(ada, 1, theirs)
    with pytest.raises(Conflict):  # not even to save the same again
        deployment.act(ada, 1, mine)
    assert now(deployment).data_collection == "forbid"
    deployment.act(ada, 1, ChangeDataCollection("allow", now(deployment).seen()))
    deployment.check()


def test_the_default_model_is_one_of_the_allowed(deployment: Deployment) -> None:
    ada = deployment.person()
    deployment.found(ada)
    for default in ("a/b", "", FIRST.models[0] + "x", "\0" * 100):
        with pytest.raises(Invalid) as caught:
            deployment.act(ada, 1, save(FIRST, default_model=default))
        assert [problem.field for problem in caught.value.problems] == ["default_model"]
    with pytest.raises(
        Invalid, match=r"^No model is not among the allowed models\. Allow it, or choose a default model"
    ):
        deployment.act(ada, 1, save(FIRST, default_model=" "))
    with pytest.raises(Invalid, match=r"^a/b is not among the allowed models"):
        deployment.act(ada, 1, save(FIRST, default_model="a/b"))
    with pytest.raises(Invalid, match="not among the allowed models"):
        deployment.act(ada, 1, save(FIRST, models=("a/b",)))
    deployment.check()


HOSTILE = ["model", "a/b/c", "a b/c", "a/b\0", "a/\u202eb", "<b>/x", "é/x", "a/" + "b" * 81, "-/x", "/x", "a/", "а/b"]


def test_a_name_that_is_too_long_is_called_so(deployment: Deployment) -> None:
    ada = deployment.person()
    deployment.found(ada)
    most = "too long: at most 40 characters before the slash and 80 after it are accepted"
    for model in ("acme/" + "b" * 90, "a" * 41 + "/b"):
        with pytest.raises(Invalid, match=most):
            deployment.act(ada, 1, save(FIRST, models=(*FIRST.models, model)))
    with pytest.raises(Invalid, match="too long: at most 40 characters are accepted"):
        deployment.act(ada, 1, save(FIRST, providers=("p" * 41,)))
    deployment.act(ada, 1, save(FIRST, models=(*FIRST.models, "a" * 40 + "/" + "b" * 80), providers=("p" * 40,)))
    deployment.check()


def test_names_are_checked(deployment: Deployment) -> None:
    ada = deployment.person()
    deployment.found(ada)
    for name in HOSTILE:
        with pytest.raises(Invalid) as caught:
            deployment.act(ada, 1, save(FIRST, models=(*FIRST.models, name)))
        (problem,) = caught.value.problems
        assert problem.field == "models"
        assert all(character.isprintable() for character in problem.message)
    for field, values, said in (
        ("models", ("gpt-5",), "“gpt-5” is not a model id, such as openai/gpt-5."),
        ("providers", ("Open AI",), "“open ai” is not a provider, such as openai."),
        ("models", (), "Allow at least one."),
    ):
        with pytest.raises(Invalid, match=rf"^{said}$") as caught:
            deployment.act(ada, 1, save(FIRST, **{field: values}))
        assert [problem.field for problem in caught.value.problems] == [field]
    deployment.act(ada, 1, save(FIRST, providers=tuple(f"p{number}" for number in range(500))))
    with pytest.raises(Invalid, match=r"^501 names are too many; at most 500 are accepted\.$"):
        deployment.act(ada, 1, save(FIRST, providers=tuple(f"p{number}" for number in range(501))))
    for policy in ("", "maybe", "Allow", "allow\0"):
        with pytest.raises(Invalid, match="is not one of: forbid, allow"):
            deployment.act(ada, 1, ChangeDataCollection(policy))
    deployment.check()


def test_each_organization_has_its_own(deployment: Deployment) -> None:
    ada, ben = deployment.person(), deployment.person()
    deployment.found(ada)
    deployment.found(ben)
    deployment.act(ada, 1, ChangeDataCollection("allow"))
    assert now(deployment, 2) == FIRST
    deployment.check()


def mails(deployment: Deployment) -> list[tuple[str, str]]:
    """To whom mails go since the last look, and about what."""
    waiting = outbox.due(deployment.store)
    for mail in waiting:
        check_mail(mail.mail.subject, mail.mail.body)
        outbox.sent(deployment.store, mail)
    return [(one.mail.to, one.mail.subject) for one in waiting]


def test_amounts_and_times_are_recorded_as_they_were_and_are(deployment: Deployment) -> None:
    ada = deployment.person()
    deployment.found(ada)
    event = deployment.act(ada, 1, ChangeSpending(5_000, None))
    assert event.details == {"v": 1, "section": "Spending", "daily_limit": {"before": None, "after": {"cents": 5_000}}}
    event = deployment.act(ada, 1, ChangeSpending(0, 100))
    assert event.details["daily_limit"] == {"before": {"cents": 5_000}, "after": {"cents": 0}}
    assert event.details["balance_alert"] == {"before": None, "after": {"cents": 100}}
    assert deployment.attempt(ada, 1, ChangeSpending(0, 100)) is NO_CHANGE
    event = deployment.act(ada, 1, ChangeSessionLifetime(12))
    assert event.details == {"v": 1, "section": "Sessions", "session_hours": {"before": None, "after": 12}}
    for hours in (None, 1, 168):
        deployment.act(ada, 1, ChangeSessionLifetime(hours))
    for command, field in (
        (ChangeSpending(-1, None), "daily_limit"),
        (ChangeSpending(None, 10**9), "balance_alert"),
        (ChangeSessionLifetime(0), "session_hours"),
        (ChangeSessionLifetime(169), "session_hours"),
    ):
        with pytest.raises(Invalid) as caught:
            deployment.act(ada, 1, command)
        assert [problem.field for problem in caught.value.problems] == [field]
    with pytest.raises(Conflict):
        deployment.act(ada, 1, ChangeSpending(7, None, FIRST.seen()))
    deployment.check()


def test_a_balance_that_crosses_the_alert_is_told_once_to_those_who_pay(deployment: Deployment) -> None:
    ada = deployment.person("ada@calder.example")
    deployment.found(ada)
    cleo = deployment.join(1, ada, Role.BILLING_MANAGER, deployment.person("cleo@calder.example"))
    deployment.join(1, ada, Role.ADMIN)
    deployment.act(ada, 1, BuyCredits(10_000, "inv-1", mails=True))
    assert mails(deployment) == []
    deployment.act(ada, 1, ChangeSpending(None, 20_000, mails=True))
    low = "Credits of Calder: below $200.00"
    assert mails(deployment) == [(ada.email, low), (cleo.email, low)]
    deployment.act(ada, 1, BuyCredits(9_999, "inv-2", mails=True))
    assert mails(deployment) == []
    deployment.act(ada, 1, BuyCredits(1, "inv-3", mails=True))
    assert {subject for _, subject in mails(deployment)} == {"Credits of Calder: no longer below $200.00"}
    deployment.act(ada, 1, ChangeSpending(None, 30_000, mails=True))
    assert {subject for _, subject in mails(deployment)} == {"Credits of Calder: below $300.00"}
    deployment.act(ada, 1, ChangeSpending(None, 40_000, mails=True))
    assert mails(deployment) == [], "it was low before"
    deployment.act(ada, 1, ChangeSpending(None, 50_000))  # without a mail server nothing waits for one
    assert mails(deployment) == []
    deployment.check()
