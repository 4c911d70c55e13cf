"""Whatever is done to how somebody signs in is mailed to them, and nothing when it is not done."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from minutebook.errors import MinutebookError
from minutebook.model import HOUR
from minutebook.organization import links, notices, outbox, people
from minutebook.organization.passwords import ChangePassword, ChoosePassword, TakePassword
from minutebook.organization.people import User
from minutebook.organization.second_factors import (
    AddPasskey,
    AddTotp,
    MakeRecoveryCodes,
    RemovePasskey,
    RemoveTotp,
    TakeSecondFactors,
)
from minutebook.record import PersonalCommand
from tests.support.apps import begin_app
from tests.support.deployment import Deployment
from tests.support.passkeys import Authenticator, add_passkey, make_passkey
from tests.support.sentences import check_mail

Makes = Callable[[Deployment, User, bool], PersonalCommand]
"""What makes the command possible, and then the command, which mails or does not."""
MAILS = True


def change(deployment: Deployment, ada: User, mails: bool) -> PersonalCommand:
    del deployment
    return ChangePassword(ada.id, "old", "new", mails)


def choose(deployment: Deployment, ada: User, mails: bool) -> PersonalCommand:
    token = links.new_link(deployment.store, links.RESET, lifetime=HOUR, user=ada.id)
    return ChoosePassword(ada.id, token, "new", mails)


def add_app(deployment: Deployment, ada: User, mails: bool) -> PersonalCommand:
    token, secret = begin_app(deployment.store, deployment.factor_key, ada)
    return AddTotp(ada.id, token, deployment.code(secret), (), deployment.factor_key, mails)


def remove_app(deployment: Deployment, ada: User, mails: bool) -> PersonalCommand:
    deployment.add_app(ada)
    return RemoveTotp(ada.id, mails)


def make_codes(deployment: Deployment, ada: User, mails: bool) -> PersonalCommand:
    deployment.add_app(ada)
    return MakeRecoveryCodes(ada.id, ("one", "two"), mails)


def add_key(deployment: Deployment, ada: User, mails: bool) -> PersonalCommand:
    made = make_passkey(deployment.store, ada, Authenticator(credential=ada.id.encode()))
    return AddPasskey(ada.id, made.token, "Phone", made.made, (), mails)


def remove_key(deployment: Deployment, ada: User, mails: bool) -> PersonalCommand:
    return RemovePasskey(ada.id, add_passkey(deployment, ada, Authenticator()), mails)


def take_password(deployment: Deployment, ada: User, mails: bool) -> PersonalCommand:
    del deployment
    return TakePassword(ada.id, mails)


def take_factors(deployment: Deployment, ada: User, mails: bool) -> PersonalCommand:
    deployment.add_app(ada)
    return TakeSecondFactors(ada.id, mails)


@pytest.mark.parametrize(
    ("make", "done"),
    [
        (change, "Somebody, you perhaps, changed your password, on 2026-"),
        (choose, "Somebody, you perhaps, chose your password anew, by a link that works once, on "),
        (add_app, "Somebody, you perhaps, added an authenticator app to your account, on "),
        (remove_app, "Somebody, you perhaps, removed the authenticator app from your account, on "),
        (make_codes, "Somebody, you perhaps, made new recovery codes for your account in the place of the old ones, "),
        (add_key, "Somebody, you perhaps, added a passkey to your account, on "),
        (remove_key, "Somebody, you perhaps, removed a passkey from your account, on "),
        (take_password, "Whoever runs this Minutebook took your password and ended your sessions, on 2026-"),
        (take_factors, "Whoever runs this Minutebook took your second factors and recovery codes, on 2026-"),
    ],
)
def test_it_is_told_by_mail_once_where_mail_is_sent(sqlite_deployment: Deployment, make: Makes, done: str) -> None:
    deployment = sqlite_deployment
    ada, ben = (
        people.create_user(deployment.store, f"{name}@calder.example", name, None, hashed="old")
        for name in ("ada", "b")
    )
    deployment.found(ada)
    deployment.found(ada)  # once all the same
    deployment.act_everywhere(None if "Whoever" in done else ben, make(deployment, ben, not MAILS))
    assert outbox.due(deployment.store) == []
    command, who = make(deployment, ada, MAILS), None if "Whoever" in done else ada
    with pytest.raises(MinutebookError):
        deployment.act_everywhere(ben, command)
    assert outbox.due(deployment.store) == []
    deployment.act_everywhere(who, command)
    (waiting,) = outbox.due(deployment.store)
    assert (waiting.mail.to, waiting.mail.subject) == (ada.email, notices.SUBJECT)
    assert waiting.mail.body.startswith(done)
    check_mail(waiting.mail.subject, waiting.mail.body)
    assert ("from 192.0.2.7.\n" in waiting.mail.body) == (who is not None)
    deployment.check()
