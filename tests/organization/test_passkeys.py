"""Passkeys: who makes them, what they sign, and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from webauthn.helpers import base64url_to_bytes

from minutebook.errors import Conflict, Invalid, NotAllowed, NotFound
from minutebook.model import Context, SecondFactor
from minutebook.organization import ceremonies, passkeys
from minutebook.organization.ceremonies import Purpose
from minutebook.organization.passkeys import REFUSED, RelyingParty
from minutebook.organization.second_factors import RemovePasskey, TakeSecondFactors
from minutebook.organization.sessions import Session
from minutebook.organization.sign_in import SecondFactorNeeded, SignIns
from tests.support.check_log import check_log
from tests.support.deployment import Deployment
from tests.support.passkeys import PARTY, Authenticator, add_passkey, make_passkey

HERE = Context(ip="192.0.2.7")


def options_of(deployment: Deployment, purpose: Purpose, token: str) -> str:
    with deployment.store.reading() as connection:
        waiting = ceremonies.find(connection, purpose, token, deployment.clock.now)
        assert waiting
        return passkeys.request_options(connection, PARTY, waiting.user, waiting.secret)


def signs_of(deployment: Deployment) -> SignIns:
    return SignIns(deployment.store, deployment.factor_key, PARTY)


def alone(deployment: Deployment, signs: SignIns, device: Authenticator) -> Session:
    """A sign-in by the passkey of a device, and nothing else."""
    token = ceremonies.begin(deployment.store, Purpose.PASSKEY, "", "passkey")
    answer = device.sign(options_of(deployment, Purpose.PASSKEY, token))
    session = signs.sign_in_by_passkey(token, answer, HERE)[1]
    with pytest.raises(NotFound):  # what was signed is over
        signs.sign_in_by_passkey(token, answer, HERE)
    return session


def test_a_passkey_signs_in_alone_and_besides_a_password(deployment: Deployment) -> None:
    ada, device = deployment.person(), Authenticator()
    deployment.found(ada)
    add_passkey(deployment, ada, device)
    signs = signs_of(deployment)
    session = alone(deployment, signs, device)
    assert (session.user, session.method, session.second_factor) == (ada, "passkey", SecondFactor.PASSKEY)
    with pytest.raises(SecondFactorNeeded) as needed:
        signs.go_on(ada, "password", HERE)
    answer = device.sign(options_of(deployment, Purpose.SIGN_IN, needed.value.token))
    assert signs.finish_by_passkey(needed.value.token, answer, HERE)[1].method == "password"
    told = [(event.action, dict(event.details)) for event in deployment.events(1)[1:]]
    assert told == [
        ("user.add_second_factor", {"v": 1, "factor": "passkey", "name": "Phone"}),
        ("user.login", {"v": 1, "method": "passkey"}),
        ("user.login", {"v": 1, "method": "password", "second_factor": "passkey"}),
    ]
    with deployment.store.reading() as connection:
        [kept] = passkeys.passkeys_of(connection, ada.id)
    assert (kept.name, kept.used_at is not None) == ("Phone", True)
    check_log(deployment.store)


def test_what_is_not_signed_as_asked_is_refused_and_recorded(deployment: Deployment) -> None:
    ada, device = deployment.person(), Authenticator()
    deployment.found(ada)
    add_passkey(deployment, ada, device)
    copy = replace(device, signed=0)
    alone(deployment, signs_of(deployment), device)
    wrong = {
        "another site": replace(device, origin="https://evil.example"),
        "another host": replace(device, host="evil.example"),
        "nobody verified": replace(device, verifies=False),
        "another key": Authenticator(),
        "a copy of the key": copy,
    }
    for what, other in wrong.items():
        before = deployment.size(1)
        with pytest.raises(NotAllowed):
            alone(deployment, signs_of(deployment), other)
        assert deployment.size(1) == before + 1, what
        last = deployment.events(1)[-1]
        assert (last.action, last.details["reason"]) == ("user.login_failed", "Wrong passkey")
    signs, before = signs_of(deployment), deployment.size(1)
    token = ceremonies.begin(deployment.store, Purpose.PASSKEY, "", "passkey")
    other_token = ceremonies.begin(deployment.store, Purpose.PASSKEY, "", "passkey")
    answers = [device.sign(options_of(deployment, Purpose.PASSKEY, other_token)), "", "[]", "{}", '{"rawId": 7}', "\0"]
    answers.append("[" * 100_000)
    for answer in answers:
        with pytest.raises(NotAllowed):
            signs.sign_in_by_passkey(token, answer, HERE)
    assert deployment.size(1) == before + 1  # one was of hers; of the others nobody knows whose they are
    check_log(deployment.store)


def test_the_passkey_of_another_is_nobody_s_second_factor_but_theirs(sqlite_deployment: Deployment) -> None:
    """And the browser is asked for those of the person alone; for none in particular where nobody is known yet."""
    deployment = sqlite_deployment
    ada, bob = deployment.person(), deployment.person()
    deployment.found(ada)
    device, other = Authenticator(), Authenticator(credential=b"another credential id")
    for person, own in ((ada, device), (bob, other)):
        add_passkey(deployment, person, own)
    signs = signs_of(deployment)
    with pytest.raises(SecondFactorNeeded) as needed:
        signs.go_on(ada, "password", HERE)
    options = options_of(deployment, Purpose.SIGN_IN, needed.value.token)
    with pytest.raises(NotAllowed, match=f"^{REFUSED}$"):
        signs.finish_by_passkey(needed.value.token, other.sign(options), HERE)
    assert deployment.events(1)[-1].details == {"v": 1, "reason": "Wrong passkey", "attempt": 1}
    alone_for = options_of(deployment, Purpose.PASSKEY, ceremonies.begin(deployment.store, Purpose.PASSKEY, "", ""))
    assert [credentials_of(one, "allowCredentials") for one in (options, alone_for)] == [[device.credential], []]
    with deployment.store.reading() as connection:
        for_more = passkeys.creation_options(connection, PARTY, ada, b"a challenge")
    assert credentials_of(for_more, "excludeCredentials") == [device.credential]
    asked = json.loads(for_more)
    assert asked["rp"] == {"name": "Minutebook", "id": "localhost"}
    assert base64url_to_bytes(asked["user"].pop("id")) == ada.id.encode()
    assert asked["user"] == {"name": ada.email, "displayName": ada.name}
    assert {json.loads(one)["userVerification"] for one in (options, alone_for)} == {"required"}
    assert signs.finish_by_passkey(needed.value.token, device.sign(options), HERE)
    check_log(deployment.store)


def credentials_of(options: str, name: str) -> list[bytes]:
    return [base64url_to_bytes(one["id"]) for one in json.loads(options).get(name, [])]


def test_what_is_made_is_checked_and_belongs_to_one(deployment: Deployment) -> None:
    ada, bob, device = deployment.person(), deployment.person(), Authenticator()
    deployment.found(ada)
    too_long = replace(device, credential=b"c" * 1_024)
    for wrong in (replace(device, origin="https://evil.example"), replace(device, verifies=False), too_long):
        with pytest.raises(NotAllowed):
            add_passkey(deployment, ada, wrong)
    with pytest.raises(NotAllowed):
        passkeys.made(PARTY, b"", "[" * 100_000)
    for name in ("", "a\0b"):
        with pytest.raises(Invalid, match=r"^The name ") as caught:
            deployment.act_everywhere(ada, make_passkey(deployment.store, ada, device, name))
        assert [problem.field for problem in caught.value.problems] == ["name"]
    assert add_passkey(deployment, ada, device).startswith("pky_")
    with pytest.raises(Conflict, match="added before"):
        add_passkey(deployment, bob, device)
    with deployment.store.reading() as connection:
        [kept] = passkeys.passkeys_of(connection, ada.id)
    for person, passkey in ((bob, kept.id), (ada, "pky_aaaaaaaaaaaa")):
        with pytest.raises(NotFound):
            deployment.act_everywhere(person, RemovePasskey(person.id, passkey))
    deployment.act_everywhere(ada, RemovePasskey(ada.id, kept.id))
    with pytest.raises(NotAllowed):
        alone(deployment, signs_of(deployment), device)
    add_passkey(deployment, bob, device)
    deployment.act_everywhere(None, TakeSecondFactors(bob.id))
    with deployment.store.reading() as connection:
        assert passkeys.passkeys_of(connection, bob.id) == []


def test_passkeys_are_for_a_name_by_https_or_for_this_machine() -> None:
    for url, expected in {
        "https://minutes.example": ("minutes.example", "https://minutes.example"),
        "https://minutes.example:8443": ("minutes.example", "https://minutes.example:8443"),
        "http://127.0.0.1:8321": ("localhost", "http://localhost:8321"),
        "http://[::1]:8321": ("localhost", "http://localhost:8321"),
        "http://localhost:1": ("localhost", "http://localhost:1"),
    }.items():
        assert RelyingParty.at(url) == RelyingParty(*expected)
    for url in ("http://minutes.example", "https://192.0.2.7", "http://192.0.2.7"):
        assert RelyingParty.at(url) is None
