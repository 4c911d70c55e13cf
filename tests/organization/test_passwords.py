"""Passwords: which proof of oneself changes one, and how often."""

from __future__ import annotations

import pytest

from minutebook.errors import Conflict, NotAllowed, NotFound
from minutebook.model import HOUR, MINUTE
from minutebook.organization import links, outbox, people
from minutebook.organization.passwords import ChangePassword, ChoosePassword, TakePassword
from tests.support.deployment import Deployment


def test_a_password_that_was_changed_meanwhile_is_not_changed_again(deployment: Deployment) -> None:
    ada = people.create_user(deployment.store, "ada@x.example", "Ada", None, hashed="old")
    deployment.found(ada)
    deployment.act_everywhere(ada, ChangePassword(ada.id, "old", "new"))
    with pytest.raises(Conflict, match="changed in this moment"):
        deployment.act_everywhere(ada, ChangePassword(ada.id, "old", "another"))
    with pytest.raises(NotAllowed):
        deployment.act_everywhere(ada, TakePassword(ada.id))
    deployment.check()


def test_a_link_to_choose_one_is_mailed_to_its_person(sqlite_deployment: Deployment) -> None:
    deployment = sqlite_deployment
    ada = deployment.person("ada@calder.example")
    deployment.found(ada)
    links.mail_reset(deployment.store, ada, "https://minutes.example/choose/", 30 * MINUTE)
    (waiting,) = outbox.due(deployment.store)
    assert (waiting.mail.to, waiting.mail.subject) == ("ada@calder.example", "A new password for Minutebook")
    before, _, rest = waiting.mail.body.partition("https://minutes.example/choose/")
    token, _, after = rest.partition("\n")
    assert before == (
        "Somebody, you perhaps, asked for a new password for ada@calder.example.\n\n"
        "Choose it within 30 minutes, with this link, which works once:\n\n"
    )
    assert after == "\nIf you did not ask, ignore this: your password stays as it is.\n"
    assert links.owner(deployment.store, links.RESET, token) == ada.id
    deployment.act_everywhere(ada, ChoosePassword(ada.id, token, "a hash"))
    links.mail_reset(deployment.store, ada, "", 30 * MINUTE)
    last = outbox.due(deployment.store)[-1].mail.body.split("\n\n")[2]
    deployment.clock.go_on(30 * MINUTE)
    assert links.owner(deployment.store, links.RESET, last) is None


def test_a_reset_link_is_used_once_by_its_person_in_time(deployment: Deployment) -> None:
    ada, ben = deployment.person(), deployment.person()
    deployment.found(ada)
    tokens = [links.new_link(deployment.store, links.RESET, lifetime=HOUR, user=ada.id) for _ in range(2)]
    way_in = links.new_link(deployment.store, links.SIGN_IN, lifetime=HOUR, user=ada.id)
    for user, token in ((ben, tokens[0]), (ada, way_in), (ada, "no token")):
        with pytest.raises(NotFound):
            deployment.act_everywhere(user, ChoosePassword(user.id, token, "a hash"))
    deployment.clock.go_on(HOUR)
    with pytest.raises(NotFound):
        deployment.act_everywhere(ada, ChoosePassword(ada.id, tokens[0], "a hash"))
    deployment.clock.go_on(-HOUR)
    deployment.act_everywhere(ada, ChoosePassword(ada.id, tokens[0], "a hash"))
    for token in tokens:  # the other one went with it
        with pytest.raises(NotFound):
            deployment.act_everywhere(ada, ChoosePassword(ada.id, token, "another"))
    with deployment.store.reading() as connection:
        assert people.password_hash_of(connection, ada.id) == "a hash"
    deployment.check()
