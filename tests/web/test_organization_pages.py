"""Models & Providers, Settings, Modes, Credits, SSO and founding: what is saved, refused, and kept."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from urllib.parse import quote

import pytest
from httpx2 import Response

from minutebook.model import DAY, HOUR, MINUTE, Plan, Role
from minutebook.name_servers import NameServers
from minutebook.organization.credits import BuyCredits, GrantCredits
from minutebook.organization.domain_checks import DomainChecks
from minutebook.organization.modes import CreateMode, UpdateMode
from minutebook.organization.organizations import RenameOrganization
from minutebook.organization.settings import KNOWN_MODELS, KNOWN_PROVIDERS, ChangeDataCollection
from minutebook.organization.sso import SetSsoDomain
from minutebook.web.app import WebSettings
from minutebook.web.rates import EXPORTS, FOUNDINGS
from minutebook.web.shell import MOST_IN_SWITCHER
from tests.support.check_log import check_log
from tests.support.dashboard import Calder, Dashboard, Somebody, errors, focused, heading, ticked, told, value
from tests.support.deployment import PASSWORD

DEFAULT = "anthropic/claude-sonnet-4.5"


def models_form(
    page: Response,
    models: Iterable[str] = KNOWN_MODELS,
    providers: Iterable[str] = KNOWN_PROVIDERS,
    default: str = DEFAULT,
    new: str = "",
) -> dict[str, str | list[str]]:
    """The form as a browser would send it."""
    return {
        "before": value(page, "before"),
        "models": list(models),
        "providers": list(providers),
        "default_model": default,
        "new_model": new,
    }


def act(dashboard: Dashboard, somebody: Somebody, path: str, fields: dict[str, str | list[str]]) -> Response:
    """Sends a form that must be taken; the page that it leads to."""
    before = dashboard.recorded()
    response = somebody.post(path, fields)
    assert response.status_code == 303, told(response)
    assert dashboard.recorded() == before + 1
    return somebody.follow(response)


def test_one_save_is_one_change_with_all_that_changed(dashboard: Dashboard) -> None:
    ada, path = dashboard.signed_in(Role.OWNER), dashboard.path("models")
    page = ada.get(path)
    assert ticked(page, "models") == list(KNOWN_MODELS)
    chosen = [model for model in KNOWN_MODELS if model != "openai/o3"]
    form = models_form(page, chosen, KNOWN_PROVIDERS[1:], "openai/gpt-5", " Calder/Own-1 ")
    saved = act(dashboard, ada, path, form)
    assert "Models and providers saved" in told(saved)
    assert "calder/own-1" in ticked(saved, "models")
    details = dashboard.last().details
    assert details["models"] == {"added": ["calder/own-1"], "removed": ["openai/o3"], "before": 21, "after": 21}
    assert details["providers"] == {"added": [], "removed": ["amazon-bedrock"], "before": 16, "after": 15}
    assert details["default_model"] == {"before": DEFAULT, "after": "openai/gpt-5"}


def test_saving_what_is_set_records_nothing(dashboard: Dashboard) -> None:
    ada, path = dashboard.signed_in(Role.OWNER), dashboard.path("models")
    before = dashboard.recorded()
    response = ada.post(path, models_form(ada.get(path)))
    assert "Nothing to change" in told(ada.follow(response))
    assert dashboard.recorded() == before


def test_what_somebody_else_saved_meanwhile_is_shown_and_what_was_typed_kept(dashboard: Dashboard) -> None:
    ada, admin, path = dashboard.signed_in(Role.OWNER), dashboard.signed_in(Role.ADMIN), dashboard.path("models")
    page = ada.get(path)
    act(dashboard, admin, path, models_form(admin.get(path), KNOWN_MODELS[1:]))
    before = dashboard.recorded()
    mine = models_form(page, KNOWN_MODELS, KNOWN_PROVIDERS[2:], new="calder/own-1")
    refused = ada.post(path, mine)
    assert refused.status_code == 409
    assert dashboard.recorded() == before
    meanwhile = refused.text.partition('id="meanwhile"')[2].partition("</section>")[0]
    assert "anthropic/claude-haiku-4.5" in meanwhile
    assert ticked(refused, "providers") == list(KNOWN_PROVIDERS[2:])
    assert value(refused, "new_model") == "calder/own-1"
    mine["before"] = value(refused, "before")
    assert "saved" in told(act(dashboard, ada, path, mine))


def test_changes_of_two_at_once_are_put_together(light_dashboard: Dashboard) -> None:
    ada, admin = light_dashboard.signed_in(Role.OWNER), light_dashboard.signed_in(Role.ADMIN)
    path = light_dashboard.path("models")
    page = ada.get(path)
    first, second, third, *others = KNOWN_MODELS
    theirs = models_form(admin.get(path), [second, *others, "calder/theirs"], KNOWN_PROVIDERS[1:], "openai/gpt-5")
    act(light_dashboard, admin, path, theirs)
    mine = models_form(page, [first, third, *others, "calder/mine"], KNOWN_PROVIDERS[:-1])
    refused = ada.post(path, mine)
    assert refused.status_code == 409
    assert "Someone else saved other settings" in told(refused)
    assert sorted(ticked(refused, "models")) == sorted([*others, "calder/mine", "calder/theirs"])
    assert ticked(refused, "providers") == list(KNOWN_PROVIDERS[1:-1])
    # A browser sends what stands there now, and that reverts nothing of theirs.
    again = models_form(refused, ticked(refused, "models"), ticked(refused, "providers"), "openai/gpt-5")
    assert 'value="openai/gpt-5" selected' in refused.text
    act(light_dashboard, ada, path, again)
    assert light_dashboard.last().details["models"] == {
        "added": ["calder/mine"],
        "removed": [second],
        "before": 20,
        "after": 20,
    }


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"models": []}, "default_model"),
        ({"models": ["no slash"]}, "models"),
        ({"models": ["x/\0"]}, "models"),
        ({"providers": []}, "providers"),
        ({"providers": ["Ü"]}, "providers"),
        ({"default_model": "openai/none"}, "default_model"),
        ({"default_model": ""}, "default_model"),
        ({"new_model": "gpt-5"}, "new_model"),
        ({"new_model": "<b>/\0"}, "new_model"),
        ({"models": [f"x/{n}" for n in range(501)]}, "models"),
    ],
)
def test_a_wrong_choice_is_told_beside_its_field(
    light_dashboard: Dashboard, change: dict[str, str | list[str]], field: str
) -> None:
    ada, path = light_dashboard.signed_in(Role.OWNER), light_dashboard.path("models")
    form = models_form(ada.get(path)) | change
    if not form["models"]:
        form["new_model"] = "calder/own-1"
    before = light_dashboard.recorded()
    response = ada.post(path, form)
    assert response.status_code == 422
    assert list(errors(response)) == [field]
    assert light_dashboard.recorded() == before


@pytest.mark.parametrize("before", ["", "{}", "[]", "null", '{"models": 1}', "x" * 1000, '{"models":[],"providers":[]'])
def test_a_form_that_does_not_know_what_it_overwrites_is_shown_again(light_dashboard: Dashboard, before: str) -> None:
    ada, path = light_dashboard.signed_in(Role.OWNER), light_dashboard.path("models")
    response = ada.post(path, models_form(ada.get(path), KNOWN_MODELS[:5]) | {"before": before})
    assert response.status_code == 409
    assert ticked(response, "models") == list(KNOWN_MODELS[:5])


def test_the_data_collection_policy(dashboard: Dashboard) -> None:
    ada, path = dashboard.signed_in(Role.OWNER), dashboard.path("settings")
    page = ada.get(path)
    assert ticked(page, "data_collection") == ["forbid"]
    fields: dict[str, str | list[str]] = {"data_collection": "allow", "before": value(page, "before")}
    assert "Settings saved" in told(act(dashboard, ada, path, fields))
    assert dashboard.last().details["data_collection"] == {"before": "forbid", "after": "allow"}
    stale = ada.post(path, fields | {"data_collection": "forbid"})
    assert stale.status_code == 409
    assert "What was saved meanwhile" in told(stale)
    assert ticked(stale, "data_collection") == ["forbid"]
    for wrong in ("", "perhaps"):
        response = ada.post(path, {"data_collection": wrong, "before": value(stale, "before")})
        assert errors(response).keys() == {"data_collection"}


def test_the_name_is_changed_where_it_stands(light_dashboard: Dashboard) -> None:
    ada, path = light_dashboard.signed_in(Role.OWNER), light_dashboard.path("settings", "name")
    assert heading(ada.get(light_dashboard.path())) == "Calder Robotics"
    saved = act(light_dashboard, ada, path, {"name": "<b>Calder</b>"})
    assert "Settings saved" in told(saved)
    assert value(saved, "name") == "<b>Calder</b>"
    assert "<b>Calder" not in saved.text
    assert heading(ada.get(light_dashboard.path())) == "<b>Calder</b>"
    assert "Nothing to change" in told(ada.follow(ada.post(path, {"name": "<b>Calder</b>"})))
    wrong = ada.post(path, {"name": "x" * 101})
    assert (wrong.status_code, list(errors(wrong)), value(wrong, "name")) == (422, ["name"], "x" * 101)
    assert ticked(wrong, "data_collection") == ["forbid"]


def test_limits_are_saved_and_a_low_balance_is_seen(light_dashboard: Dashboard) -> None:
    ada, path = light_dashboard.signed_in(Role.OWNER), light_dashboard.path("settings", "spending")
    before = value(ada.get(path), "before")
    wrong = ada.post(path, {"daily_limit": "much", "balance_alert": "100", "before": before})
    assert (wrong.status_code, list(errors(wrong)), value(wrong, "daily_limit")) == (422, ["daily_limit"], "much")
    saved = act(light_dashboard, ada, path, {"daily_limit": "12.5", "balance_alert": "1,000", "before": before})
    assert (value(saved, "daily_limit"), value(saved, "balance_alert")) == ("12.50", "1,000.00")
    assert "The balance is below $1,000.00.Buy credits" in told(ada.get(light_dashboard.path()))
    shown = told(light_dashboard.signed_in(Role.MEMBER).get(light_dashboard.path("settings")))
    assert "Daily spending limit per member $12.50 Balance alert $1,000.00 Session lifetime 7 days" in shown
    stale = ada.post(path, {"daily_limit": "", "balance_alert": "", "before": before})
    assert stale.status_code == 409
    assert "What was saved meanwhile" in told(stale)


def test_a_session_gives_access_no_longer_than_the_organization_says(dashboard: Dashboard) -> None:
    """V7.3: whoever was inside too long signs in again, and only here."""
    owner = dashboard.people[Role.OWNER]
    other = dashboard.deployment.found(owner, "Kestrel Works")
    ada, path = dashboard.signed_in(Role.OWNER), dashboard.path("settings", "sessions")
    fields: dict[str, str | list[str]] = {"session_hours": "1", "before": value(ada.get(path), "before")}
    act(dashboard, ada, path, fields)
    dashboard.deployment.clock.go_on(HOUR - MINUTE)
    assert ada.get(dashboard.path("members")).status_code == 200
    dashboard.deployment.clock.go_on(MINUTE)
    asked = ada.get(dashboard.path("members"))
    where = f"/sign-in?next={quote(dashboard.path('members'), safe='')}&again=yes"
    assert asked.headers["location"] == where
    assert ada.post(path, fields).status_code == 401
    assert ada.ask(dashboard.api("count")).status_code == 401
    here, dashboard.number = dashboard.number, other
    assert ada.get(dashboard.path("members")).status_code == 200  # the other organization sets no limit
    dashboard.number = here
    page = ada.follow(asked)
    assert "it limits how long one gives access" in told(page)
    again = ada.post("/sign-in", {"email": owner.email, "password": PASSWORD, "next": value(page, "next")})
    assert ada.follow(again).status_code == 200
    assert [event.action for event in dashboard.events()[-2:]] == ["user.login", "user.logout"]
    check_log(dashboard.store)


def test_deletion_is_asked_for_seen_by_everybody_and_taken_back(dashboard: Dashboard) -> None:
    ada, member, path = dashboard.signed_in(Role.OWNER), dashboard.signed_in(Role.MEMBER), dashboard.path("deletion")
    assert path in ada.get(dashboard.path("settings")).text
    assert path not in dashboard.signed_in(Role.ADMIN).get(dashboard.path("settings")).text
    wrong = ada.post(path, {"confirm": "calder"})
    assert (wrong.status_code, errors(wrong)) == (422, {"confirm": "Type Calder Robotics to confirm, or cancel."})
    asked = act(dashboard, ada, path, {"confirm": "Calder Robotics"})
    assert "Until then everything goes on as before" in told(asked)
    seen = told(member.get(dashboard.path("members")))
    assert "This organization will be deleted on 20 Nov 2026 . An owner can still keep it." in seen
    assert "will be deleted on 20 Nov 2026 . Keep it" in told(ada.get(dashboard.path("members")))
    kept = act(dashboard, ada, f"{path}/cancel", {})
    assert "The organization is kept" in told(kept)
    assert "will be deleted" not in told(member.get(dashboard.path("members")))
    assert ada.post(f"{path}/cancel").status_code == 404


@pytest.mark.parametrize("page", ["deletion", "leave"])
def test_a_name_is_typed_as_it_is_shown(light_dashboard: Dashboard, page: str) -> None:
    dashboard = light_dashboard
    dashboard.deployment.act(
        dashboard.people[Role.OWNER], dashboard.number, RenameOrganization("Calder\u200b Robotics")
    )
    somebody = dashboard.signed_in(Role.OWNER if page == "deletion" else Role.MEMBER)
    refused = somebody.post(dashboard.path(page), {"confirm": "Calder Robotics"})
    (message,) = errors(refused).values()
    shown = message.removeprefix("Type ").removesuffix(" to confirm, or cancel.")
    assert shown.isprintable()
    assert f">{shown}</" in refused.text or f'data-confirm="{shown}"' in refused.text
    assert somebody.post(dashboard.path(page), {"confirm": shown}).status_code == 303


def test_settings_tell_what_the_organization_is(light_dashboard: Dashboard) -> None:
    shown = told(light_dashboard.signed_in(Role.MEMBER).get(light_dashboard.path("settings")))
    assert "Name Calder Robotics Plan Enterprise Seats 5 of 20 taken" in shown
    assert light_dashboard.organization.id in shown
    assert "Save" not in shown


def test_a_setting_changed_elsewhere_shows_at_once(light_dashboard: Dashboard) -> None:
    owner = light_dashboard.people[Role.OWNER]
    light_dashboard.deployment.act(owner, light_dashboard.number, ChangeDataCollection("allow"))
    shown = told(light_dashboard.signed_in(Role.MEMBER).get(light_dashboard.path("settings")))
    assert "Providers may keep prompts and train on them." in shown


def test_modes_are_made_changed_and_deleted(dashboard: Dashboard) -> None:
    ada = dashboard.signed_in(Role.OWNER)
    fields: dict[str, str | list[str]] = {
        "name": "Reviewer",
        "instructions": "Read.\r\nThen write.",
        "tools": ["read", "edit"],
    }
    made = act(dashboard, ada, dashboard.path("modes", "new"), fields)
    assert "Mode created" in told(made)
    assert "Read files, Change files" in told(made)
    details = dashboard.last().details
    assert details["instructions"] == "Read.\nThen write."
    path = dashboard.path("modes", str(details["mode"]))
    page = ada.get(path)
    assert value(page, "instructions") == "Read.\nThen write."
    assert "Mode saved" in told(act(dashboard, ada, path, fields | {"name": "Careful reviewer", "tools": ["read"]}))
    unchanged = ada.post(path, fields | {"name": " Careful  reviewer", "tools": ["read"]})
    assert "Nothing to change" in told(ada.follow(unchanged))
    wrong = ada.post(path + "/delete", {"confirm": "Reviewer"})
    assert wrong.status_code == 422
    assert errors(wrong) == {"delete-confirm": "Type Careful reviewer to confirm, or cancel."}
    assert focused(ada.get(path + "/delete")) == "confirm"
    gone = act(dashboard, ada, path + "/delete", {"confirm": "Careful reviewer"})
    assert "No modes yet" in told(gone)
    assert ada.get(path).status_code == 404
    assert ada.post(path, fields).status_code == 404


def test_a_mode_that_somebody_else_changed_meanwhile_is_not_overwritten_unseen(dashboard: Dashboard) -> None:
    owner = dashboard.people[Role.OWNER]
    made = dashboard.deployment.act(owner, dashboard.number, CreateMode("Reviewer", "Read.", ()))
    mode = str(made.details["mode"])
    ada, path = dashboard.signed_in(Role.OWNER), dashboard.path("modes", mode)
    seen = value(ada.get(path), "seen")
    dashboard.deployment.act(owner, dashboard.number, UpdateMode(mode, "Reviewer", "Read twice.", ()))
    before = dashboard.recorded()
    mine: dict[str, str | list[str]] = {"name": "Reviewer", "instructions": "Read aloud.", "seen": seen}
    refused = ada.post(path, mine)
    assert refused.status_code == 409
    assert "Someone else changed this mode" in told(refused)
    assert value(refused, "instructions") == "Read aloud."
    assert dashboard.recorded() == before
    again = act(dashboard, ada, path, mine | {"seen": value(refused, "seen")})
    assert "Mode saved" in told(again)
    assert dashboard.last().details["instructions"] == {"before": "Read twice.", "after": "Read aloud."}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 61}, "name"),
        ({"name": "a\0b"}, "name"),
        ({"name": "reviewer"}, "name"),
        ({"instructions": "x" * 20_001}, "instructions"),
        ({"instructions": "a\x1bb"}, "instructions"),
        ({"tools": ["read", "fly"]}, "tools"),
    ],
)
def test_a_wrong_mode_is_told_beside_its_field(
    light_dashboard: Dashboard, change: dict[str, str | list[str]], field: str
) -> None:
    owner = light_dashboard.people[Role.OWNER]
    light_dashboard.deployment.act(owner, light_dashboard.number, CreateMode("Reviewer", "", ()))
    ada, path = light_dashboard.signed_in(Role.OWNER), light_dashboard.path("modes", "new")
    typed: dict[str, str | list[str]] = {"name": "Architect", "instructions": "Think.", "tools": ["read"]}
    before = light_dashboard.recorded()
    response = ada.post(path, typed | change)
    assert response.status_code == 422
    assert list(errors(response)) == [field]
    assert value(response, "instructions") == (typed | change)["instructions"]
    assert light_dashboard.recorded() == before


def test_a_mode_with_a_name_that_cannot_be_typed_can_be_deleted(light_dashboard: Dashboard) -> None:
    owner = light_dashboard.people[Role.OWNER]
    made = light_dashboard.deployment.act(owner, light_dashboard.number, CreateMode("A\u202eB", "", ()))
    ada, path = light_dashboard.signed_in(Role.OWNER), light_dashboard.path("modes", str(made.details["mode"]))
    assert "\u202e" not in ada.get(path + "/delete").text.partition('id="delete"')[2]
    assert ada.post(path + "/delete", {"confirm": "A⟨U+202E⟩B"}).status_code == 303


def test_members_read_modes_and_change_nothing(light_dashboard: Dashboard) -> None:
    owner = light_dashboard.people[Role.OWNER]
    made = light_dashboard.deployment.act(owner, light_dashboard.number, CreateMode("Reviewer", "Read <b>.", ("read",)))
    member = light_dashboard.signed_in(Role.MEMBER)
    page = member.get(light_dashboard.path("modes", str(made.details["mode"])))
    assert "Read &lt;b&gt;." in page.text
    assert "Save" not in told(page)
    assert "New mode" not in told(member.get(light_dashboard.path("modes")))


def test_a_payment_becomes_credits_once(dashboard: Dashboard) -> None:
    somebody, path = dashboard.signed_in(Role.BILLING_MANAGER), dashboard.path("credits")
    bought = act(dashboard, somebody, path, {"amount": "$2,500.50", "reference": "inv-1"})
    assert "Credits bought" in told(bought)
    assert "The balance is $2,500.50." in told(bought)
    before = dashboard.recorded()
    again = somebody.post(path, {"amount": "2500.5", "reference": "inv-1"})
    assert "That payment was entered before; nothing was added" in told(somebody.follow(again))
    other = somebody.post(path, {"amount": "1", "reference": "inv-1"})
    assert other.status_code == 409
    assert told(other).count("The payment inv-1 was entered before, with $2,500.50.") == 1
    # It has the focus and is read out with it: an alert would be read out once more.
    assert 'tabindex="-1" aria-labelledby="form-error" autofocus>' in other.text
    assert 'role="alert"' not in other.text
    assert value(other, "amount") == "1"
    assert dashboard.recorded() == before


@pytest.mark.parametrize(
    ("amount", "reference", "field"),
    [
        ("", "r", "amount"),
        ("0", "r", "amount"),
        ("-1", "r", "amount"),
        ("1e9", "r", "amount"),
        ("1000000.01", "r", "amount"),
        ("٣", "r", "amount"),
        ("NaN", "r", "amount"),
        ("1", "", "reference"),
        ("1", "a b", "reference"),
        ("1", "\0", "reference"),
        ("1", "x" * 101, "reference"),
    ],
)
def test_what_cannot_be_bought_is_told_beside_its_field(
    light_dashboard: Dashboard, amount: str, reference: str, field: str
) -> None:
    ada = light_dashboard.signed_in(Role.OWNER)
    response = ada.post(light_dashboard.path("credits"), {"amount": amount, "reference": reference})
    assert response.status_code == 422
    assert list(errors(response)) == [field]
    assert value(response, "amount") == amount


def test_all_that_is_wrong_with_a_purchase_is_told_at_once(light_dashboard: Dashboard) -> None:
    ada = light_dashboard.signed_in(Role.OWNER)
    response = ada.post(light_dashboard.path("credits"), {"amount": "much", "reference": ""})
    assert (response.status_code, list(errors(response))) == (422, ["amount", "reference"])
    assert value(response, "amount") == "much"


def test_the_ledger_is_exported_recorded_and_runs_nowhere(dashboard: Dashboard) -> None:
    somebody, path = dashboard.signed_in(Role.BILLING_MANAGER), dashboard.path("credits")
    owner = dashboard.people[Role.OWNER]
    dashboard.deployment.act(owner, dashboard.number, BuyCredits(250_000, "inv-1"))
    hostile = "=HYPERLINK(1);=2"
    dashboard.deployment.act(None, dashboard.number, GrantCredits(100, "ticket-1", "@Grace", hostile))
    assert f"Granted: {hostile}" in told(somebody.get(path))
    exported = somebody.get(f"{path}/ledger.csv")
    assert exported.headers["content-type"] == "text/csv; charset=utf-8"
    head, bought, granted = list(csv.reader(io.StringIO(exported.text)))
    assert head[1:] == ["kind", "reference", "entered_by", "reason", "amount_cents", "balance_cents"]
    assert bought[1:] == ["purchase", "inv-1", "Ada Okafor", "", "250000", "250000"]
    assert granted[1:] == ["grant", "ticket-1", "'@Grace", "'=HYPERLINK(1);'=2", "100", "250100"]
    event = dashboard.last()
    assert (event.action, event.details["entries"], event.details["balance"]) == (
        "credits.export",
        2,
        {"cents": 250_100},
    )
    before = dashboard.recorded()
    assert somebody.get(f"{path}/ledger.csv", Sec_Fetch_Site="cross-site").status_code == 403
    assert dashboard.recorded() == before


def test_an_admin_sees_credits_and_buys_none(light_dashboard: Dashboard) -> None:
    owner = light_dashboard.people[Role.OWNER]
    for number in range(60):
        light_dashboard.deployment.act(owner, light_dashboard.number, BuyCredits(100, f"inv-{number:03}"))
    admin = light_dashboard.signed_in(Role.ADMIN)
    page = admin.get(light_dashboard.path("credits"))
    assert "Buy credits" not in told(page)
    assert "1–50 of 60, newest first" in told(page)
    assert page.text.count('<th scope="row">') == 50
    assert admin.get(light_dashboard.path("credits") + "?page=2").text.count('<th scope="row">') == 10
    assert admin.get(light_dashboard.path("credits") + "?page=x").status_code == 200


def test_the_sso_domain_is_set_replaced_and_removed(dashboard: Dashboard) -> None:
    ada, path = dashboard.signed_in(Role.OWNER), dashboard.path("sso")
    assert ada.get(path + "/remove").status_code == 404
    assert ada.post(path + "/remove", {"confirm": ""}).status_code == 404
    assert "SSO domain set" in told(act(dashboard, ada, path, {"domain": " Calder.example"}))
    act(dashboard, ada, path, {"domain": "calder.test"})
    assert dashboard.last().details["domain"] == {"before": "calder.example", "after": "calder.test"}
    assert "Nothing to change" in told(ada.follow(ada.post(path, {"domain": "CALDER.test"})))
    wrong = ada.post(path + "/remove", {"confirm": "calder"})
    assert errors(wrong) == {"remove-confirm": "Type calder.test to confirm, or cancel."}
    assert "SSO domain removed" in told(act(dashboard, ada, path + "/remove", {"confirm": "calder.test"}))


def test_the_ledger_is_exported_only_so_often(light_dashboard: Dashboard) -> None:
    """Each export is an event, and nobody buries the log under them."""
    ben, path = light_dashboard.signed_in(Role.BILLING_MANAGER), light_dashboard.path("credits/ledger.csv")
    before = light_dashboard.recorded()
    answers = [ben.get(path) for _ in range(EXPORTS + 1)]
    assert [answer.status_code for answer in answers] == [200] * EXPORTS + [429]
    assert light_dashboard.recorded() == before + EXPORTS
    assert light_dashboard.signed_in(Role.OWNER).get(path).status_code == 200


def test_name_servers_are_asked_only_so_often(light_dashboard: Dashboard, monkeypatch: pytest.MonkeyPatch) -> None:
    """Silent ones hold a thread for seconds, and one person could take all that there are."""
    ada, path = light_dashboard.signed_in(Role.OWNER), light_dashboard.path("sso")
    asked: list[str] = []

    def note(_: NameServers, name: str) -> frozenset[str]:
        asked.append(name)
        return frozenset()

    monkeypatch.setattr(NameServers, "texts", note)
    act(light_dashboard, ada, path, {"domain": "calder.example"})
    for _ in range(20):
        assert ada.post(path + "/verify", {"checked": "calder.example"}).status_code == 409
    refused = ada.post(path + "/verify", {"checked": "calder.example"})
    assert (refused.status_code, len(asked)) == (429, 20)
    assert errors(refused)["form"].startswith("The name servers were asked too often")


def test_the_sso_domain_is_verified_by_its_record(dashboard: Dashboard) -> None:
    ada, path = dashboard.signed_in(Role.OWNER), dashboard.path("sso")
    assert ada.post(path + "/verify", {"checked": "calder.example"}).status_code == 404
    act(dashboard, ada, path, {"domain": "calder.example"})
    text = f"minutebook-organization={dashboard.organization.id}"
    page = told(ada.get(path))
    assert "State Not verified" in page
    assert f"Name _minutebook.calder.example Value {text}" in " ".join(page.split())
    missing = ada.post(path + "/verify", {"checked": "calder.example"})
    assert missing.status_code == 409
    assert errors(missing)["form"].startswith("There is no TXT record at _minutebook.calder.example yet. ")
    assert ada.follow(ada.get(path + "/verify")).status_code == 200
    dashboard.zone.texts["_minutebook.calder.example"] = (text,)
    verified = told(act(dashboard, ada, path + "/verify", {"checked": "calder.example"}))
    assert "SSO domain verified" in verified
    assert "State Verified on" in verified
    assert "Last check Within a day" in verified
    again = ada.post(path + "/verify", {"checked": "calder.example"})
    assert "the domain stays verified" in told(ada.follow(again))
    dashboard.zone.texts.clear()
    checks = DomainChecks(dashboard.store, NameServers([dashboard.zone.address]))
    for left in ("2 more", "The next one that finds none"):
        dashboard.deployment.clock.go_on(DAY)
        checks.round()
        assert f"found no record. {left} and the domain is not verified any more." in told(
            dashboard.signed_in(Role.OWNER).get(path)
        )


@pytest.mark.parametrize(
    "domain", ["", "calder", "calder..example", "cаlder.example", "a\0.example", "https://x.y", "1.2"]
)
def test_what_is_no_domain_is_told_beside_its_field(light_dashboard: Dashboard, domain: str) -> None:
    owner = light_dashboard.people[Role.OWNER]
    light_dashboard.deployment.act(owner, light_dashboard.number, SetSsoDomain("calder.example"))
    response = light_dashboard.signed_in(Role.OWNER).post(light_dashboard.path("sso"), {"domain": domain})
    assert response.status_code == 422
    assert list(errors(response)) == ["domain"]
    assert value(response, "domain") == domain
    assert focused(response) == "domain"


def test_anybody_founds_an_organization_of_their_own(dashboard: Dashboard) -> None:
    member = dashboard.signed_in(Role.MEMBER)
    wrong = member.post("/organizations/new", {"name": ""})
    assert errors(wrong) == {"name": "The name is missing. Enter 1 to 100 characters."}
    response = member.post("/organizations/new", {"name": "Kestrel  Works"})
    landed = member.follow(response)
    assert heading(landed) == "Kestrel Works"
    assert "Teams plan" in told(landed)
    assert "Calder Robotics</bdi><small>Member" in landed.text
    assert "Organization created" in told(landed)
    dashboard.move_to("Kestrel Works")
    assert dashboard.organization.plan is Plan.TEAMS
    assert [event.action for event in dashboard.events()] == ["organization.create"]


def test_nobody_founds_without_end(light_dashboard: Dashboard) -> None:
    member = light_dashboard.signed_in(Role.MEMBER)
    for number in range(FOUNDINGS):
        assert member.post("/organizations/new", {"name": " "}).status_code == 422
        assert member.post("/organizations/new", {"name": f"Kestrel {number}"}).status_code == 303
    refused = member.post("/organizations/new", {"name": "Kestrel Works"})
    assert (refused.status_code, value(refused, "name")) == (429, "Kestrel Works")
    assert errors(refused)["form"].startswith("You asked for 10 organizations within 15 minutes")


def test_nobody_sends_forms_without_end(light_dashboard: Dashboard) -> None:
    """What a member changes of their own is recorded in every log that they are in."""
    light_dashboard.app.state.site.forms._limit = 2
    member, admin = light_dashboard.signed_in(Role.MEMBER), light_dashboard.signed_in(Role.ADMIN)
    for name in ("One", "Another"):
        assert member.post("/account/profile", {"name": name}).status_code == 303
    before = light_dashboard.recorded()
    refused = member.post("/account/profile", {"name": "A third"})
    assert (refused.status_code, light_dashboard.recorded()) == (429, before)
    assert "You sent more than 2 forms within 15 minutes" in told(refused)
    assert member.get("/account/profile").status_code == 200
    assert admin.post("/account/profile", {"name": "One"}).status_code == 303


def test_only_the_operator_founds_where_that_is_set(calder_sqlite: Calder) -> None:
    dashboard = Dashboard.of(calder_sqlite, WebSettings(anybody_founds=False))
    ada = dashboard.signed_in(Role.OWNER)
    before = dashboard.recorded()
    refused = ada.post("/organizations/new", {"name": "Kestrel Works"})
    assert (refused.status_code, dashboard.recorded()) == (403, before)
    for page in (refused, ada.get("/organizations/new")):
        assert "only whoever runs Minutebook founds organizations" in told(page)
        assert "Create organization" not in page.text
    for page in (ada.get(dashboard.path()), ada.get("/organizations")):
        assert "New organization" not in page.text


def test_many_organizations_are_searched(calder_sqlite: Calder) -> None:
    dashboard = Dashboard.of(calder_sqlite)
    ada, owner = dashboard.signed_in(Role.OWNER), dashboard.people[Role.OWNER]
    assert "All organizations" not in ada.get(dashboard.path()).text
    for number in range(MOST_IN_SWITCHER + 1):
        dashboard.deployment.found(owner, f"Aardvark {number}", Plan.TEAMS)
    page = ada.get(dashboard.path())
    assert page.text.count('class="opt" href="/o/org_') == MOST_IN_SWITCHER + 1  # and where one is
    assert "All organizations" in page.text
    assert told(ada.get("/organizations")).count("Aardvark") == MOST_IN_SWITCHER + 1
    found = ada.get("/organizations?q=%20aardVARK%207")
    assert "1 of 52 organizations found" in told(found)
    assert "Aardvark 7" in told(found)
    assert "0 of 52 organizations found" in told(ada.get("/organizations?q=%25<script>"))


def test_text_of_people_is_never_markup(light_dashboard: Dashboard) -> None:
    """R8: names and texts are shown as they are, unseen characters as marks."""
    owner = light_dashboard.people[Role.OWNER]
    hostile = "<img src=x onerror=alert(1)>\"'{{ 7*7 }}\u202e\u200b"
    light_dashboard.deployment.act(owner, light_dashboard.number, CreateMode(hostile[:60], hostile, ()))
    light_dashboard.number = light_dashboard.deployment.found(owner, hostile)
    villain = light_dashboard.person("villain@x.example", hostile)
    light_dashboard.deployment.join(light_dashboard.number, owner, Role.ADMIN, villain)
    light_dashboard.deployment.act(villain, light_dashboard.number, CreateMode(hostile[:60], hostile, ()))
    ada = light_dashboard.signed_in(Role.OWNER)
    remove = light_dashboard.path("members", villain.id, "remove")
    pages = [light_dashboard.path(name) for name in ("members", "modes", "models", "settings", "credits", "sso")]
    for path in [*pages, remove, light_dashboard.path("invitations", "new"), "/organizations/new"]:
        page = ada.get(path)
        assert page.status_code == 200
        assert "<img" not in page.text
        assert "\u202e" not in re.sub(r'<input [^>]*value="[^"]*"', "", page.text), "but in the field to change it"
        assert ">49" not in page.text
