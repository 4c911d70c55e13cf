"""An organization that requires a second factor: who gets in, and who says so."""

from __future__ import annotations

import pytest

from minutebook.errors import Conflict, Invalid, SecondFactorRequired
from minutebook.model import Context, Event, Role, SecondFactor
from minutebook.organization import recovery_codes, second_factor_rule
from minutebook.organization.people import User
from minutebook.organization.second_factor_rule import ChangeSecondFactor
from minutebook.organization.second_factors import MakeRecoveryCodes, RemovePasskey, RemoveTotp, TakeSecondFactors
from minutebook.organization.sessions import enter, start_session
from minutebook.record import NO_CHANGE
from tests.support.check_log import check_log
from tests.support.deployment import Deployment
from tests.support.passkeys import Authenticator, add_passkey


def signed_in(deployment: Deployment, user: User, factor: SecondFactor | None) -> str:
    """A session, which enters wherever it may."""
    return start_session(deployment.store, user, "password", Context(), factor)[1].id


def test_whoever_requires_one_has_signed_in_with_one(deployment: Deployment) -> None:
    ada = deployment.person()
    number = deployment.found(ada)
    weak, strong = (signed_in(deployment, ada, factor) for factor in (None, SecondFactor.TOTP))
    for session in (weak, None, "ses_of_nobody"):
        with pytest.raises(Invalid, match="lock yourself out") as refused:
            deployment.act(ada, number, ChangeSecondFactor("required"), session)
        assert [problem.field for problem in refused.value.problems] == ["second_factor"]
    with pytest.raises(Invalid, match="is not one of: optional, required"):
        deployment.act(ada, number, ChangeSecondFactor("always"), strong)
    event = deployment.act(ada, number, ChangeSecondFactor("required"), strong)
    assert event.details == {
        "v": 1,
        "section": "Second factor",
        "second_factor": {"before": "optional", "after": "required"},
    }
    assert deployment.attempt(ada, number, ChangeSecondFactor("required"), strong) is NO_CHANGE
    deployment.act(ada, number, ChangeSecondFactor("optional"), weak)  # who is inside may lift it
    check_log(deployment.store)


def test_it_holds_for_who_is_inside_and_for_who_comes(deployment: Deployment) -> None:
    ada, other = deployment.person(), deployment.person()
    number, elsewhere = deployment.found(ada), deployment.found(other)
    bob = deployment.join(number, ada, Role.MEMBER)
    deployment.join(elsewhere, other, Role.MEMBER, bob)
    inside = signed_in(deployment, bob, None)
    deployment.act(None, number, ChangeSecondFactor("required"))
    with deployment.store.reading() as connection:
        assert second_factor_rule.bars(connection, number, inside)
        assert not second_factor_rule.bars(connection, elsewhere, inside)
        assert second_factor_rule.without(connection, number) == {ada.id, bob.id}
    entered = [len(_logins(deployment, place)) for place in (number, elsewhere)]
    _, session = start_session(deployment.store, bob, "password", Context())
    with pytest.raises(SecondFactorRequired):
        enter(deployment.store, session, number, Context())
    assert [len(_logins(deployment, place)) for place in (number, elsewhere)] == [entered[0], entered[1] + 1]
    proven = signed_in(deployment, bob, SecondFactor.RECOVERY_CODE)
    with deployment.store.reading() as connection:
        assert not second_factor_rule.bars(connection, number, proven)
    assert _logins(deployment, number)[-1].context.session_id == proven


def test_the_last_one_stays_where_it_is_required(deployment: Deployment) -> None:
    ada = deployment.person()
    number = deployment.found(ada, "Calder")
    deployment.add_app(ada)
    with deployment.store.reading() as connection:
        assert second_factor_rule.without(connection, number) == set()
    for name in ("Zeta", "Alpha"):
        deployment.act(None, deployment.found(ada, name), ChangeSecondFactor("required"))
    deployment.act(None, number, ChangeSecondFactor("required"))
    deployment.act(None, deployment.found(deployment.person(), "Of others"), ChangeSecondFactor("required"))
    with deployment.store.reading() as connection:
        assert second_factor_rule.requiring(connection, ada.id) == ["Alpha", "Calder", "Zeta"]
    with pytest.raises(Conflict, match=r"^Alpha requires a second factor"):
        deployment.act_everywhere(ada, RemoveTotp(ada.id))
    assert deployment.act_everywhere(None, TakeSecondFactors(ada.id))  # who has lost it is helped all the same
    device = Authenticator()
    passkey = add_passkey(deployment, ada, device)
    with pytest.raises(Conflict, match=r"^Alpha requires a second factor, and this is your last one\."):
        deployment.act_everywhere(ada, RemovePasskey(ada.id, passkey))
    deployment.act_everywhere(ada, MakeRecoveryCodes(ada.id, ("one code",)))
    for each in (1, 2, 3):
        deployment.act(None, each, ChangeSecondFactor("optional"))
    deployment.act_everywhere(ada, RemovePasskey(ada.id, passkey))
    with deployment.store.reading() as connection:
        assert recovery_codes.left(connection, ada.id) == 0, "they only stand in for one"
    check_log(deployment.store)


def _logins(deployment: Deployment, number: int) -> list[Event]:
    return [event for event in deployment.events(number) if event.action == "user.login"]
