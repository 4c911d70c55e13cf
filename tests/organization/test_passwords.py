"""Passwords: which proof of oneself changes one, and how often."""

from __future__ import annotations

import pytest

from minutebook.errors import Conflict, NotAllowed, NotFound
from minutebook.model import HOUR
from minutebook.organization import links, people
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
