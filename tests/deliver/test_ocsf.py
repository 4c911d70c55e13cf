"""OCSF: an event of every action, held against the schema."""

from __future__ import annotations

import json
import types
from dataclasses import replace
from typing import Any, Union, get_args, get_origin

import orjson
import pytest
from ocsf.v1_7_0 import events as kinds
from pydantic import BaseModel

from minutebook.actions import CATALOGUE, Details, ocsf
from minutebook.deliver.formats import Origin
from minutebook.deliver.formats.ocsf import ocsf_event
from minutebook.model import Actor, ActorKind, Context, Event, Outcome
from minutebook.store.event_json import event_json
from tests.actions.examples import EXAMPLES
from tests.golden import actions as golden

SHIPPED: golden.Shipped = json.loads(golden.FILE.read_text())
ORIGIN = Origin("org_calder", "Calder Robotics")
ADA = Actor(ActorKind.USER, "usr_a", "ada@x.example", "Ada", credential="session")
SOMEWHERE = Context("2001:db8::1", "Firefox", "req_1", "ses_1", None)
OF_THE_PROFILE = {"time_dt", "metadata.logged_time_dt"}
"""What the profile `datetime` adds, which `metadata.profiles` names; the models know no profiles."""
MODELS: dict[int, type[BaseModel]] = {
    3001: kinds.AccountChange,
    3002: kinds.Authentication,
    3004: kinds.EntityManagement,
    3005: kinds.UserAccess,
    3006: kinds.GroupManagement,
    6003: kinds.ApiActivity,
}

LOOKED_FOR = frozenset(
    "class_uid class_name category_uid category_name activity_id activity_name type_uid type_name severity_id severity "
    "status_id status time time_dt metadata actor src_endpoint http_request unmapped".split()
)
"""What rules that are written for the events of many products ask of each event, by its own name in the schema."""
OF_A_CLASS = {
    3001: {"user"},
    3002: {"user", "service"},
    3004: {"entity"},
    3005: {"user", "privileges"},
    3006: {"user", "group"},
    6003: {"api", "resources"},
}


def event_of(details: Details, actor: Actor = ADA, context: Context = SOMEWHERE) -> Event:
    recorded: dict[str, Any] = {"v": 1} | details.model_dump(mode="json", exclude_none=True)
    return Event(
        organization=1,
        seq=412,
        id="01a1ae27-e2e0-75ac-a8c6-e765c553d996",
        recorded_at=1_793_923_212_358_999,
        occurred_at=1_793_923_212_358_999,
        action=details.action.name,
        outcome=details.outcome,
        actor=actor,
        targets=details.targets(),
        context=context,
        details=recorded,
    )


def written(event: Event) -> dict[str, Any]:
    made: dict[str, Any] = orjson.loads(orjson.dumps(ocsf_event(orjson.loads(event_json(event)), ORIGIN)))
    return made


def strange(model: type[BaseModel], value: dict[str, Any], path: str = "") -> list[str]:
    """The keys that the schema does not know, at any depth: the models accept them, a reader may not."""
    known = {field.alias or name: field for name, field in model.model_fields.items()}
    found = [f"{path}{key}" for key in value if key not in known]
    for key, inner in value.items():
        of = _model_in(known[key].annotation) if key in known and key != "unmapped" else None
        if of and isinstance(inner, dict):
            found += strange(of, inner, f"{path}{key}.")
    return found


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (Union, types.UnionType):
        return next((model for part in get_args(annotation) if (model := _model_in(part))), None)
    return None


@pytest.mark.parametrize("details", EXAMPLES, ids=lambda details: details.action.name)
@pytest.mark.parametrize(
    ("actor", "context"),
    [(ADA, SOMEWHERE), (Actor(ActorKind.SYSTEM, "system", name="Command line"), Context(client="cli"))],
    ids=["a person", "the operator"],
)
def test_every_action_is_a_valid_event(details: Details, actor: Actor, context: Context) -> None:
    made = written(event_of(details, actor, context))
    model = MODELS[made["class_uid"]]
    read = model.model_validate(made)
    told = read.model_dump(mode="json", by_alias=True, exclude_none=True)
    for key in ("class_name", "category_name", "category_uid", "type_uid", "severity", "status", "activity_name"):
        assert told[key] == made[key]
    assert set(strange(model, made)) == OF_THE_PROFILE
    assert made["metadata"]["version"] == ocsf.VERSION
    assert made["time"] == 1_793_923_212_358


@pytest.mark.parametrize("details", EXAMPLES, ids=lambda details: details.action.name)
def test_an_event_is_of_the_class_that_was_last_looked_at(details: Details) -> None:
    """Rules that were written for it go on matching: another class or activity is seen when it is reviewed."""
    made = written(event_of(details))
    told = f"{made['class_uid']}/{made['activity_id']} {made['activity_name']}"
    assert told == SHIPPED[details.action.name]["ocsf"]


def test_the_classes_are_as_people_look_for_them() -> None:
    classes = {name: action.ocsf.kind.uid for name, action in CATALOGUE.items()}
    assert classes["user.login"] == classes["user.login_failed"] == classes["user.logout"] == 3002
    assert classes["user.invite"] == 3001
    assert classes["member.change_role"] == 3005
    assert classes["member.remove"] == classes["user.accept_invite"] == 3006
    assert classes["mode.create"] == classes["settings.change"] == 3004
    assert classes["log.view"] == classes["log.export"] == 6003


def test_who_did_what_to_whom() -> None:
    by_name = {details.action.name: written(event_of(details)) for details in EXAMPLES}
    role = by_name["member.change_role"]
    assert role["user"] == {"uid": "usr_b", "name": "bob@x.example", "email_addr": "bob@x.example", "full_name": "Bob"}
    assert role["privileges"] == ["billing_manager"]
    assert role["actor"]["user"]["email_addr"] == "ada@x.example"
    assert role["src_endpoint"] == {"ip": "2001:db8::1"}
    assert by_name["member.remove"]["group"] == {
        "uid": "org_calder",
        "name": "Calder Robotics",
        "privileges": ["auditor"],
    }
    assert by_name["user.invite"]["user"] == {"name": "dan@x.example", "email_addr": "dan@x.example"}
    failed = by_name["user.login_failed"]
    assert (failed["status_id"], failed["status_detail"]) == (2, "Wrong password")
    assert by_name["mode.update"]["entity"] == {"uid": "mod_1", "name": "Réview", "type": "mode"}
    assert by_name["mode.update"]["unmapped"]["details"]["tools"]["added"] == ["edit"]


def test_what_was_denied_and_what_another_version_recorded() -> None:
    event = event_of(EXAMPLES[0])
    denied = written(replace(event, outcome=Outcome.DENIED))
    assert (denied["status"], denied["status_detail"]) == ("Failure", "Denied")
    unknown = written(replace(event, action="planet.visit", targets=(), details={"v": 9}))
    assert unknown["class_uid"] == 6003
    assert set(strange(kinds.ApiActivity, unknown)) == OF_THE_PROFILE
    kinds.ApiActivity.model_validate(unknown)


@pytest.mark.parametrize("details", EXAMPLES, ids=lambda details: details.action.name)
def test_what_detections_look_for_is_there(details: Details) -> None:
    made = written(event_of(details))
    assert LOOKED_FOR | OF_A_CLASS[made["class_uid"]] <= made.keys()
    names = {
        key: made[key] for key in ("class_name", "category_name", "activity_name", "type_name", "severity", "status")
    }
    assert all(names.values()), names
    assert made["type_uid"] == made["class_uid"] * 100 + made["activity_id"]
