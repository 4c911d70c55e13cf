"""Second factors: how they come and go, what each is good for, and what whoever steals the database gets."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from pyotp import TOTP
from structlog.testing import capture_logs

from minutebook.errors import Conflict, Invalid, MinutebookError, NoFactorKey, NotAllowed, NotFound, TooManyAttempts
from minutebook.model import MINUTE, SECOND, Context, SecondFactor
from minutebook.organization import outbox, people, recovery_codes, second_factors, totp
from minutebook.organization.factor_key import FactorKey
from minutebook.organization.passwords import TakePassword
from minutebook.organization.people import User
from minutebook.organization.second_factors import AddTotp, MakeRecoveryCodes, RemoveTotp, TakeSecondFactors
from minutebook.organization.sessions import Session, find_session
from minutebook.organization.sign_in import SecondFactorNeeded, SignIns
from tests.support.apps import begin_app
from tests.support.check_log import check_log
from tests.support.deployment import PASSWORD, Deployment
from tests.support.sentences import check_mail

HERE = Context(ip="192.0.2.7")
CODES = ("aaaa-bbbb-cccc-dddd", "eeee-ffff-gggg-hhhh")


@pytest.fixture
def ada(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> User:
    """An owner of two organizations; her password is looked at without argon2, which is slow on purpose."""
    monkeypatch.setattr(people, "password_fits", lambda typed, hashed: typed == hashed)
    ada = people.create_user(deployment.store, "ada@calder.example", "Ada", None, hashed=PASSWORD)
    assert (deployment.found(ada), deployment.found(ada)) == (1, 2)
    return ada


def details(deployment: Deployment, organization: int, action: str) -> list[dict[str, object]]:
    found = [event.details for event in deployment.events(organization) if event.action == action]
    return [{name: value for name, value in one.items() if name != "v"} for one in found]


def first_step(signs: SignIns, user: User) -> str:
    """The token of a sign-in that waits for its second factor."""
    with pytest.raises(SecondFactorNeeded) as needed:
        signs.sign_in(user.email, PASSWORD, HERE)
    return needed.value.token


def test_an_app_is_added_by_a_code_of_it(deployment: Deployment, ada: User) -> None:
    key = deployment.factor_key
    token, secret = begin_app(deployment.store, key, ada)
    wrong = deployment.code(secret, steps=-5)
    for code in (wrong, "", "12345", "١٢٣٤٥٦", "\0"):
        with pytest.raises(Invalid, match="not the code that the app shows"):
            deployment.act_everywhere(ada, AddTotp(ada.id, token, code, CODES, key))
    eve = deployment.person()
    with pytest.raises(NotFound):  # what another has begun
        deployment.act_everywhere(eve, AddTotp(eve.id, token, deployment.code(secret), (), key))
    spaced = " ".join(deployment.code(secret)[at : at + 3] for at in (0, 3))
    deployment.act_everywhere(ada, AddTotp(ada.id, token, spaced, CODES, key))
    for organization in (1, 2):
        assert details(deployment, organization, "user.add_second_factor") == [{"factor": "totp", "recovery_codes": 2}]
    with pytest.raises(NotFound):  # it was used up
        deployment.act_everywhere(ada, AddTotp(ada.id, token, deployment.code(secret), (), key))
    second = second_factors.begin_totp(deployment.store, key, ada.id, "password")
    with pytest.raises(Conflict, match="already"):
        deployment.act_everywhere(ada, AddTotp(ada.id, second, "000000", (), key))
    deployment.check()


def test_signing_in_takes_the_code_besides_the_password(deployment: Deployment, ada: User) -> None:
    secret, signs = deployment.add_app(ada), deployment.sign_ins()
    deployment.clock.go_on(MINUTE)
    sessions_before = _sessions(deployment)
    token = first_step(signs, ada)
    assert _sessions(deployment) == sessions_before  # half of it is no session
    with deployment.store.reading() as connection:
        assert find_session(connection, token, deployment.clock.now) is None
    _, session = signs.finish(token, deployment.code(secret), HERE)
    assert (session.method, session.second_factor) == ("password", SecondFactor.TOTP)
    for organization in (1, 2):
        assert details(deployment, organization, "user.login") == [{"method": "password", "second_factor": "totp"}]
    with pytest.raises(NotFound):  # it is over
        signs.finish(token, deployment.code(secret, 1), HERE)
    check_log(deployment.store)


def test_no_code_is_used_twice_nor_an_older_one_after_it(deployment: Deployment, ada: User) -> None:
    secret, signs = deployment.add_app(ada), deployment.sign_ins()
    used = deployment.code(secret)  # the one that the app was added with
    with pytest.raises(NotAllowed, match="used before"):
        signs.finish(first_step(signs, ada), used, HERE)
    eve = people.create_user(deployment.store, "eve@calder.example", "Eve", None, hashed=PASSWORD)
    hers = deployment.add_app(eve)
    signs.finish(first_step(signs, ada), deployment.code(secret, 1), HERE)
    assert signs.finish(first_step(signs, eve), deployment.code(hers, 1), HERE), "what one has used, another has not"
    with pytest.raises(NotAllowed):
        signs.finish(first_step(signs, ada), deployment.code(secret), HERE)
    for organization in (1, 2):
        failed = details(deployment, organization, "user.login_failed")
        assert failed == [{"reason": "Wrong authenticator app", "attempt": 1}] * 2


def test_of_two_who_send_the_same_code_one_gets_in(deployment: Deployment, ada: User) -> None:
    secret, signs = deployment.add_app(ada, CODES), deployment.sign_ins()
    for recovers in (False, True):
        tokens = [first_step(signs, ada) for _ in range(4)]
        typed = CODES[0] if recovers else deployment.code(secret, 1)

        def answer(token: str, typed: str = typed) -> type[object]:
            try:
                return type(signs.finish(token, typed, HERE)[1])
            except MinutebookError as error:
                return type(error)

        with ThreadPoolExecutor(4) as threads:
            answers = list(threads.map(answer, tokens))
        assert sorted(one.__name__ for one in answers) == ["NotAllowed"] * 3 + ["Session"]
    check_log(deployment.store)


def test_a_code_holds_for_half_a_minute_before_and_after(deployment: Deployment, ada: User) -> None:
    secret = deployment.add_app(ada)
    at = deployment.clock.now
    assert [totp.step_of(secret, deployment.code(secret, off), at) is not None for off in range(-2, 3)] == [
        *(False, True, True, True, False)
    ]


def test_codes_are_those_of_rfc_6238() -> None:
    secret = b"12345678901234567890"
    for seconds, code in ((59, "287082"), (1_111_111_109, "081804"), (20_000_000_000, "353130")):
        assert totp.step_of(secret, code, seconds * SECOND) == seconds // 30
    looks = {"123456": True, " 123 456\t": True, "12345": False, "1234567": False, "12345x": False, "١٢٣٤٥٦": False}
    assert {text: totp.is_code(text) for text in looks} == looks
    assert "secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Minutebook" in totp.link(secret, "ada@calder.example")


def test_a_recovery_code_stands_in_once_and_is_told_of(deployment: Deployment, ada: User) -> None:
    deployment.add_app(ada, CODES)
    signs = deployment.sign_ins()
    _, session = signs.finish(first_step(signs, ada), " AAAA bbbb-ccccDDDD ", HERE)
    assert session.second_factor is SecondFactor.RECOVERY_CODE
    (mail,) = outbox.due(deployment.store)
    check_mail(mail.mail.subject, mail.mail.body)
    assert (mail.mail.to, "192.0.2.7" in mail.mail.body, "1 left" in mail.mail.body) == (ada.email, True, True)
    with pytest.raises(NotAllowed, match=r"^This code is wrong, or was used before\.$"):
        signs.finish(first_step(signs, ada), CODES[0], HERE)
    assert len(outbox.due(deployment.store)) == 1
    for organization in (1, 2):
        assert details(deployment, organization, "user.use_recovery_code") == [{"left": 1}]
        assert details(deployment, organization, "user.login_failed") == [
            {"reason": "Wrong recovery code", "attempt": 1}
        ]
    quiet = SignIns(deployment.store, deployment.factor_key)
    quiet.finish(first_step(quiet, ada), CODES[1], HERE)
    assert len(outbox.due(deployment.store)) == 1  # where no mail is sent, none waits for ever
    deployment.act_everywhere(ada, MakeRecoveryCodes(ada.id, CODES))
    with deployment.store.reading() as connection:
        assert recovery_codes.left(connection, ada.id) == 2
    assert details(deployment, 1, "user.make_recovery_codes") == [{"count": 2}]
    check_log(deployment.store)


def test_recovery_codes_are_new_long_and_each_persons_own(deployment: Deployment, ada: User) -> None:
    codes = recovery_codes.new_codes(deployment.store.randomness)
    assert len({*codes}) == 10
    assert all(len(code.replace("-", "")) == 16 for code in codes)  # 80 bits
    deployment.add_app(ada, codes)
    eve = people.create_user(deployment.store, "eve@calder.example", "Eve", None, hashed=PASSWORD)
    deployment.add_app(eve)
    signs = deployment.sign_ins()
    with pytest.raises(NotAllowed):
        signs.finish(first_step(signs, eve), codes[0], HERE)
    with pytest.raises(Conflict):
        deployment.act_everywhere(None, MakeRecoveryCodes(deployment.person().id, codes))


def test_tries_are_limited_by_account_and_address(deployment: Deployment, ada: User) -> None:
    secret, signs = deployment.add_app(ada), deployment.sign_ins()
    token = first_step(signs, ada)
    for attempt in range(10):
        with pytest.raises(NotAllowed):
            signs.finish(token, f"00000{attempt}", HERE)
    assert details(deployment, 1, "user.login_failed")[-1]["attempt"] == 10
    with pytest.raises(TooManyAttempts):  # also by another sign-in, the right code, and from elsewhere
        signs.finish(first_step(signs, ada), deployment.code(secret, 1), replace(HERE, ip="198.51.100.7"))
    for person in range(4):
        other = people.create_user(deployment.store, f"p{person}@calder.example", "P", None, hashed=PASSWORD)
        deployment.add_app(other)
        token = first_step(signs, other)
        with capture_logs() as logs:
            for _ in range(10):
                with pytest.raises(NotAllowed):
                    signs.finish(token, "000000", HERE)
        assert {log["event"] for log in logs} == {"sign_in_failed"}  # they hold no seat
    with pytest.raises(TooManyAttempts):  # the address is known by now
        signs.sign_in("new@calder.example", PASSWORD, HERE)


def test_a_half_of_a_sign_in_ends_by_itself_and_with_the_password(deployment: Deployment, ada: User) -> None:
    secret, signs = deployment.add_app(ada), deployment.sign_ins()
    token = first_step(signs, ada)
    deployment.clock.go_on(10 * MINUTE)
    with pytest.raises(NotFound):
        signs.finish(token, deployment.code(secret), HERE)
    token = first_step(signs, ada)
    deployment.act_everywhere(None, TakePassword(ada.id))
    with pytest.raises(NotFound):
        signs.finish(token, deployment.code(secret), HERE)
    with pytest.raises(NotFound):  # what was begun for something else, or never
        signs.finish(second_factors.begin_totp(deployment.store, deployment.factor_key, ada.id, "password"), "0", HERE)


@pytest.mark.parametrize("method", ["a single-use link", "a new password"])
def test_a_link_in_a_mail_is_no_way_around_it(deployment: Deployment, ada: User, method: str) -> None:
    secret, signs = deployment.add_app(ada), deployment.sign_ins()
    with pytest.raises(SecondFactorNeeded) as needed:
        signs.go_on(ada, method, HERE)
    _, session = signs.finish(needed.value.token, deployment.code(secret, 1), HERE)
    assert (session.method, session.second_factor) == (method, SecondFactor.TOTP)


def test_what_is_removed_is_not_asked_for_any_more(deployment: Deployment, ada: User) -> None:
    deployment.add_app(ada, CODES)
    signs = deployment.sign_ins()
    token = first_step(signs, ada)
    deployment.act_everywhere(ada, RemoveTotp(ada.id))
    assert details(deployment, 2, "user.remove_second_factor") == [{"factor": "totp"}]
    with pytest.raises(NotFound):
        signs.finish(token, CODES[0], HERE)
    assert isinstance(signs.sign_in(ada.email, PASSWORD, HERE)[1], Session)
    with deployment.store.reading() as connection:
        assert recovery_codes.left(connection, ada.id) == 0
    with pytest.raises(NotFound):
        deployment.act_everywhere(ada, RemoveTotp(ada.id))
    check_log(deployment.store)


def test_whoever_runs_it_takes_them_from_who_has_lost_them(deployment: Deployment, ada: User) -> None:
    deployment.add_app(ada, CODES)
    with pytest.raises(NotAllowed):
        deployment.act_everywhere(ada, TakeSecondFactors(ada.id))
    taken = deployment.act_everywhere(None, TakeSecondFactors(ada.id))
    assert len(taken) == 2
    assert deployment.act_everywhere(None, TakeSecondFactors(ada.id)) == ()  # there are none any more
    [event] = [event for event in deployment.events(1) if event.action == "user.take_second_factors"]
    assert (event.actor.kind, event.targets[0].id) == ("system", ada.id)
    assert deployment.sign_ins().sign_in(ada.email, PASSWORD, HERE)
    check_log(deployment.store)


def test_whoever_finds_a_browser_open_needs_the_password(deployment: Deployment, ada: User) -> None:
    signs = deployment.sign_ins()
    signs.confirm(ada, PASSWORD, HERE)
    with pytest.raises(Invalid, match="not your password") as refused:
        signs.confirm(ada, "wrong", HERE)
    assert [problem.field for problem in refused.value.problems] == ["password"]
    assert details(deployment, 1, "user.login_failed") == [{"reason": "Wrong password", "attempt": 1}]


def test_a_thief_of_the_database_gets_no_code(sqlite_deployment: Deployment) -> None:
    deployment = sqlite_deployment
    ada = deployment.person()
    deployment.found(ada)
    secret = deployment.add_app(ada, CODES)
    key = deployment.factor_key.file.read_bytes()
    assert deployment.factor_key.file.stat().st_mode & 0o777 == 0o600
    with sqlite3.connect(deployment.store.file) as connection:
        stolen = "\n".join(connection.iterdump()).encode().lower()
    for known in (secret, totp.written(secret).encode(), key, *(code.encode() for code in CODES)):
        assert known.lower() not in stolen
        assert known.hex().encode() not in stolen
        assert known.replace(b"-", b"").hex().encode() not in stolen


def test_a_secret_opens_with_its_own_key_and_for_its_own_user(sqlite_deployment: Deployment) -> None:
    deployment, randomness = sqlite_deployment, sqlite_deployment.store.randomness
    key = deployment.factor_key
    sealed = key.seal("usr_a", b"secret", randomness)
    assert FactorKey(key.directory).unseal("usr_a", sealed) == b"secret"
    with pytest.raises(NoFactorKey, match="another than"):
        key.unseal("usr_b", sealed)
    key.file.unlink()
    with pytest.raises(NoFactorKey, match="cannot be read"):
        FactorKey(key.directory).unseal("usr_a", sealed)
    with pytest.raises(NoFactorKey, match="no directory"):
        FactorKey(None).seal("usr_a", b"secret", randomness)
    with ThreadPoolExecutor(4) as threads:  # of many processes that make it at once all have the same
        made = list(threads.map(lambda _: FactorKey(key.directory).seal("usr_a", b"x", randomness), range(4)))
    assert {FactorKey(key.directory).unseal("usr_a", one) for one in made} == {b"x"}
    assert key.directory
    deeper = FactorKey(key.directory / "not" / "there")
    assert deeper.unseal("usr_a", deeper.seal("usr_a", b"y", randomness)) == b"y"
    assert deeper.file.stat().st_mode & 0o077 == deeper.file.parent.stat().st_mode & 0o077 == 0


def test_a_lost_key_leaves_the_recovery_codes(sqlite_deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    deployment = sqlite_deployment
    monkeypatch.setattr(people, "password_fits", lambda typed, hashed: typed == hashed)
    ada = people.create_user(deployment.store, "ada@calder.example", "Ada", None, hashed=PASSWORD)
    secret = deployment.add_app(ada, CODES)
    with deployment.store.reading() as connection:
        assert second_factors.app_added_at(connection, ada.id) is not None
        assert second_factors.app_added_at(connection, "usr_nobody") is None
        for key, unreadable in ((deployment.factor_key, 0), (FactorKey(None), 1)):
            assert totp.unreadable(connection, key) == unreadable
    deployment.factor_key.file.unlink()
    signs = SignIns(deployment.store, FactorKey(deployment.ledger.directory))
    with pytest.raises(NoFactorKey):
        signs.finish(first_step(signs, ada), TOTP(totp.written(secret)).now(), HERE)
    assert signs.finish(first_step(signs, ada), CODES[0], HERE)


def _sessions(deployment: Deployment) -> int:
    with deployment.store.reading() as connection:
        return int(connection.exec_driver_sql("SELECT count(*) FROM session").scalar_one())
