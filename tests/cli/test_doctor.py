"""The doctor finds what was tampered with, says what to do, and exits with 1."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from minutebook.cli.doctor import LOOK, REINDEX, RESTORE, SHOWN_PER_LOG, SIGNED, UNNAMED, examine
from minutebook.config import DATABASE_FILE, Settings, load_settings
from minutebook.custody.erase import EraseFields
from minutebook.custody.high_water import Custody
from minutebook.custody.signer import sign_logs
from minutebook.custody.unnamed import PROBLEM
from minutebook.evidence.note import COSIGNATURE, PrivateKey, VerifierKey
from minutebook.organization import factor_key
from minutebook.organization.credits import BuyCredits
from minutebook.store import anchors, check, check_schema, index, log, schema
from minutebook.store.anchors import AnchorKind, Said
from minutebook.store.engine import Store
from minutebook.store.log import position
from minutebook.store.migrate import migrate
from tests.support.command_line import invoke
from tests.support.deployment import Deployment, Ticking
from tests.support.tampering import tamper
from tests.support.walk import FILLED, NAME, fill


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A deployment with two organizations."""
    directory = tmp_path / "data"
    directory.mkdir(mode=0o700)
    store = Store(f"sqlite:///{directory / DATABASE_FILE}", clock=(clock := Ticking()))
    migrate(store)
    fill(Deployment(store, clock))
    store.close()
    return load_settings(data_directory=directory)


def tampered(settings: Settings, *statements: str) -> None:
    database = sqlite3.connect(settings.data_directory / DATABASE_FILE, isolation_level=None)
    triggers = database.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for name, _ in triggers:
        database.execute(f"DROP TRIGGER {name}")
    for statement in statements:
        database.execute(statement)
    for _, trigger in triggers:
        database.execute(trigger)
    database.close()


def test_it_finds_nothing_where_nothing_is(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert list(examine(settings, quick=False)) == []
    assert f"The log of {NAME} ({FILLED}) is whole" in capsys.readouterr().out


def test_a_lost_key_of_authenticator_apps_is_missed(settings: Settings) -> None:
    store = Store(f"sqlite:///{settings.data_directory / DATABASE_FILE}", clock=(clock := Ticking()))
    deployment = Deployment(store, clock)
    deployment.add_app(deployment.person("app@calder.example"))
    store.close()
    assert list(examine(settings, quick=True)) == []
    (settings.custody / factor_key.FILE).chmod(0o644)
    [open_to_others] = examine(settings, quick=True)
    assert open_to_others.endswith(f"chmod 600 {settings.custody / factor_key.FILE}")
    (settings.custody / factor_key.FILE).unlink()
    [lost] = examine(settings, quick=True)
    assert lost.startswith("The secrets of 1 authenticator app(s) cannot be read with")


def test_a_changed_event_is_named_with_its_organization(settings: Settings) -> None:
    tampered(settings, f"UPDATE event SET outcome = 'denied' WHERE position = {position(FILLED, 3)}")
    answer = invoke(settings.data_directory, "doctor")
    assert answer.returncode == 1
    assert f"{NAME} ({FILLED}), event 3: The event is not what its hash was made of." in answer.stderr
    assert "Traceback" not in answer.stderr
    assert invoke(settings.data_directory, "doctor", "--quick").returncode == 0


@pytest.fixture
def settings_of_either(filled: Deployment, tmp_path: Path) -> Settings:
    """The settings of a deployment with two organizations, once on each database."""
    (tmp_path / "data").mkdir(mode=0o700)
    address = filled.store.url.set(drivername=filled.store.url.get_backend_name())
    return load_settings(
        data_directory=tmp_path / "data",
        database_url=address.render_as_string(hide_password=False),
        custody_directory=filled.ledger.directory,
    )


def test_a_row_changed_behind_the_log_is_named_with_what_to_do(
    filled: Deployment, settings_of_either: Settings
) -> None:
    assert list(examine(settings_of_either, quick=False)) == []
    ada = filled.events(FILLED)[0].actor.id
    tamper(filled.store, f"""UPDATE seat SET role = 'auditor' WHERE "user" = '{ada}'""")
    assert list(examine(settings_of_either, quick=True)) == []
    assert list(examine(settings_of_either, quick=False)) == [
        f"{NAME} ({FILLED}): seat {ada} is stored with role auditor; the log says role owner. {RESTORE}"
    ]


def test_a_lost_ledger_is_missed(filled: Deployment, settings_of_either: Settings) -> None:
    seq = filled.act(None, FILLED, EraseFields({3: ["context.ip"]}, "By letter", filled.ledger)).seq
    assert list(examine(settings_of_either, quick=False)) == []
    (filled.ledger.directory / "erasures.sqlite3").unlink()
    assert list(examine(settings_of_either, quick=True)) == []
    assert list(examine(settings_of_either, quick=False)) == [f"{NAME} ({FILLED}), event {seq}: {PROBLEM} {UNNAMED}"]


def test_a_witness_that_is_said_to_have_seen_a_head_and_has_not_is_named(settings: Settings) -> None:
    store = Store(settings.database)
    sign_logs(store, Custody(settings.custody), "minutebook.example")
    with store.housekeeping() as connection:
        head = log.read_head(connection, FILLED)
        anchors.note(connection, [Said(head.log_id, AnchorKind.WITNESS, "witness.example", head.size, 1, b"")])
    store.close()
    key = VerifierKey("witness.example", PrivateKey(b"1" * 32).public, COSIGNATURE)
    watched = settings.model_copy(update={"witnesses": (f"https://witness.example {key}",)})
    assert list(examine(settings, quick=True)) == []  # nobody knows its key
    assert list(examine(watched, quick=True)) == [
        f"The witness witness.example is said to have seen the head of {head.size} events of the log {head.log_id}, "
        f"and has not signed it. {SIGNED}"
    ]


def test_what_is_wrong_with_the_schema_is_told_with_what_to_do(
    filled: Deployment, settings_of_either: Settings
) -> None:
    with filled.store.housekeeping() as connection:
        connection.exec_driver_sql("DROP INDEX ix_seat_user")
        connection.exec_driver_sql("CREATE INDEX more ON seat (role)")
    possible = "so changes without a record may be possible"
    assert list(examine(settings_of_either, quick=True)) == [
        f"The index ix_seat_user on seat is missing, {possible}. {RESTORE}",
        f"The index more on seat was added by somebody, {possible}. {LOOK}",
    ]


def test_a_schema_that_cannot_be_compared_is_no_silence(
    filled: Deployment, settings_of_either: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_store: Store) -> list[check_schema.Deviation]:
        raise check_schema.NotCompared("reader")

    monkeypatch.setattr(check_schema, "deviations", refused)
    (problem,) = examine(settings_of_either, quick=True)
    assert "the role reader may not" in problem


def test_of_many_findings_only_a_few_are_told(filled: Deployment, settings_of_either: Settings) -> None:
    for number in range(9):
        filled.act(None, FILLED, BuyCredits(1, f"payment-{number}"))
    with filled.store.reading() as connection:
        entries = sum(1 for _ in check.raw_rows(connection, schema.credit_entry, FILLED))
    tamper(filled.store, f"UPDATE credit_entry SET cents = 7 WHERE organization = {FILLED}")
    found = list(examine(settings_of_either, quick=False))
    assert len(found) == SHOWN_PER_LOG + 1
    assert found[-1].startswith(f"{NAME} ({FILLED}): And {entries - SHOWN_PER_LOG} more.")


def test_of_many_organizations_that_are_gone_only_a_few_are_told(settings: Settings) -> None:
    tampered(settings, f"UPDATE sqlite_sequence SET seq = {2**62} WHERE name = 'log_head'")
    found = list(examine(settings, quick=True))
    assert found[0].startswith("Organization 3: The organization and its log were deleted.")
    assert found[SHOWN_PER_LOG:] == ["And 8,388,600 more organizations."]


@pytest.mark.parametrize("column", ["name", "plan", "seat_limit"])
def test_no_value_of_an_organization_stops_it(filled: Deployment, settings_of_either: Settings, column: str) -> None:
    value = "7" if column == "seat_limit" else "'new'"
    tamper(filled.store, f"UPDATE organization SET {column} = {value} WHERE organization = {FILLED}")
    (problem,) = examine(settings_of_either, quick=False)
    assert f"({FILLED}): organization is stored with {column} {value.strip(chr(39))}; the log says {column} " in problem


def _open_directory(settings: Settings) -> None:
    settings.data_directory.chmod(0o755)


def _cut(settings: Settings) -> None:
    file = settings.data_directory / DATABASE_FILE
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def _no_database(settings: Settings) -> None:
    (settings.data_directory / DATABASE_FILE).write_bytes(b"This is not a database, whatever its name says." * 100)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (_open_directory, "chmod 700"),
        (_cut, ""),
        (_no_database, "cannot be read"),
        (lambda s: tampered(s, "DELETE FROM log_head WHERE organization = 2"), "deleted"),
        (lambda s: tampered(s, f"DELETE FROM event WHERE position = {position(FILLED, 3)}"), "Event 3 is missing"),
        (lambda s: tampered(s, "DELETE FROM user"), "points to a row of user that is not there"),
        (lambda s: (s.data_directory / DATABASE_FILE).unlink(), "minutebook init"),
    ],
)
def test_damage_is_found(settings: Settings, damage: Callable[[Settings], object], said: str) -> None:
    damage(settings)
    found = list(examine(settings, quick=False))
    assert found
    assert any(said in problem for problem in found), found


def test_a_dropped_trigger_is_found(settings: Settings) -> None:
    database = sqlite3.connect(settings.data_directory / DATABASE_FILE)
    database.execute("DROP TRIGGER guard_event_update")
    database.close()
    assert any("guard_event_update on event" in problem for problem in examine(settings, quick=True))


def test_what_is_wrong_in_the_same_way_many_times_is_one_line(settings: Settings) -> None:
    """As when every trigger is gone, and then the events."""
    database = sqlite3.connect(settings.data_directory / DATABASE_FILE, isolation_level=None)
    triggers = database.execute("SELECT name, tbl_name FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for name, _ in triggers:
        database.execute(f"DROP TRIGGER {name}")
    [said] = examine(settings, quick=True)
    name, table = min(triggers)
    assert said.startswith(f"The trigger {name} on {table} is missing, and {len(triggers) - 1} more like it (")
    assert all(table in said for _, table in triggers)
    database.execute(f"DELETE FROM event WHERE organization = {FILLED}")
    database.close()
    found = list(examine(settings, quick=True))
    assert len(found) < 20
    assert any(problem.endswith("more rows of act that point to none of event.") for problem in found)


def test_an_event_that_searches_would_miss_is_named_and_reindex_mends_it(settings: Settings) -> None:
    store = Store(settings.database)
    index.follow_all(store)
    with store.housekeeping() as connection:
        connection.exec_driver_sql("DELETE FROM event_text")
    store.close()
    *_, named = problems = list(examine(settings, quick=False))
    assert (
        f"{NAME} ({FILLED}), event 0: The text by which the event is found is not what the event says." in problems[0]
    )
    assert named.endswith(REINDEX)
    assert list(examine(settings, quick=True)) == []
    mended = invoke(settings.data_directory, "reindex")
    assert (mended.returncode, mended.stdout) == (0, "What searches use was made anew from the events.\n")
    assert list(examine(settings, quick=False)) == []
