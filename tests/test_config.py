"""Settings: which source goes first, and what is said about a wrong one."""

from __future__ import annotations

from pathlib import Path

import pytest

from minutebook.cli import demo
from minutebook.config import CONFIG_FILE, Settings, load_settings, strange_variables, variable_of
from minutebook.errors import BadSettings


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in Settings.model_fields:
        for ending in ("", "_FILE"):
            monkeypatch.delenv(variable_of(name) + ending, raising=False)
    monkeypatch.delenv("MINUTEBOOK_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)


def test_the_defaults_are_for_this_machine_only(tmp_path: Path) -> None:
    settings = load_settings()
    assert (settings.host, settings.port) == ("127.0.0.1", 8321)
    assert settings.database == f"sqlite:///{tmp_path}/minutebook-data/minutebook.sqlite3"
    assert settings.address(8321) == "http://127.0.0.1:8321"


def test_no_data_directory_gets_into_the_repository() -> None:
    """Those that are made in a checkout by default hold keys, people's data, and perhaps a mail server's password."""
    ignored = (Path(__file__).parent.parent / ".gitignore").read_text().splitlines()
    for directory in (Settings.model_fields["data_directory"].default, demo.DIRECTORY):
        assert f"/{directory}/" in ignored


def test_option_before_variable_before_file_before_toml(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "minutebook-data").mkdir()
    (tmp_path / "minutebook-data" / CONFIG_FILE).write_text('port = 1\nhost = "a.example"\nsmtp_user = ""\n')
    assert load_settings().port == 1
    assert load_settings().smtp_user is None
    secret = tmp_path / "port"
    secret.write_text("2\n")
    monkeypatch.setenv("MINUTEBOOK_PORT_FILE", str(secret))
    assert load_settings().port == 2
    monkeypatch.delenv("MINUTEBOOK_PORT_FILE")
    monkeypatch.setenv("MINUTEBOOK_PORT", "3")
    assert load_settings().port == 3
    assert load_settings(port=4).port == 4
    assert load_settings().host == "a.example"


def test_the_data_directory_says_where_the_file_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / CONFIG_FILE).write_text("port = 7\n")
    assert load_settings(data_directory=tmp_path).port == 7
    monkeypatch.setenv("MINUTEBOOK_DATA_DIRECTORY", str(tmp_path))
    assert load_settings().port == 7
    named = tmp_path / "named.toml"
    named.write_text('data_directory = "/elsewhere"\nport = 8\n')
    monkeypatch.delenv("MINUTEBOOK_DATA_DIRECTORY")
    monkeypatch.setenv("MINUTEBOOK_CONFIG", str(named))
    assert (load_settings().port, load_settings().data_directory) == (8, Path("/elsewhere"))


def test_a_password_comes_from_a_file_and_is_never_shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("pass word \r\n")
    monkeypatch.setenv("MINUTEBOOK_SMTP_PASSWORD_FILE", str(tmp_path / "password"))
    settings = load_settings()
    assert settings.smtp_password is not None
    assert settings.smtp_password.get_secret_value() == "pass word "
    assert "pass word" not in repr(settings)


@pytest.mark.parametrize(
    ("variables", "toml", "said"),
    [
        ({"MINUTEBOOK_PORT": "http"}, "", "MINUTEBOOK_PORT is not accepted"),
        ({"MINUTEBOOK_PORT": "1", "MINUTEBOOK_PORT_FILE": "x"}, "", "MINUTEBOOK_PORT and MINUTEBOOK_PORT_FILE"),
        ({"MINUTEBOOK_PORT_FILE": "missing"}, "", "MINUTEBOOK_PORT_FILE: missing cannot be read"),
        ({"MINUTEBOOK_CONFIG": "missing"}, "", "MINUTEBOOK_CONFIG: missing cannot be read"),
        ({"MINUTEBOOK_TRUSTED_PROXIES": "10.0.0.1/8"}, "", "has host bits set"),
        ({"MINUTEBOOK_DATABASE_URL": "mysql://secret@x/y"}, "", "MINUTEBOOK_DATABASE_URL is not accepted"),
        ({"MINUTEBOOK_PUBLIC_URL": "minutebook.example"}, "", "MINUTEBOOK_PUBLIC_URL is not accepted"),
        ({"MINUTEBOOK_PUBLIC_URL": "https://x.example/path"}, "", "no path"),
        *(
            (
                {"MINUTEBOOK_PUBLIC_URL": url},
                "",
                "MINUTEBOOK_PUBLIC_URL is not accepted: it is http:// or https:// and a",
            )
            for url in (
                "https://ada:secret@x.example",
                "https://secret@x.example",
                "https://x.example:http",
                "https://x.example:65536",
                "https://x.example:0",
                "https://x.example:",
                "https://x.example?secret",
                "https://x.example/?",
                "https://x.example/#secret",
                "https://x.example#",
                "https://[::1",
                "https://x .example",
                "https://",
                "ftp://x.example",
            )
        ),
        ({"MINUTEBOOK_SMTP_HOST": "mail.example"}, "", "MINUTEBOOK_SMTP_FROM"),
        ({"MINUTEBOOK_SMTP_FROM": "a@x.example\nBcc: b"}, "", "MINUTEBOOK_SMTP_FROM is not accepted"),
        ({}, "smtp_hots = 'x'", "smtp_hots is not a setting. Did you mean smtp_host?"),
        ({}, "port = ", "is not TOML"),
        ({}, "port = 'x'", "port in the TOML file (MINUTEBOOK_PORT) is not accepted"),
        ({}, "data_directory = 'x'", "cannot set data_directory"),
    ],
)
def test_what_is_wrong_is_named(
    variables: dict[str, str], toml: str, said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    if toml:
        (tmp_path / "minutebook-data").mkdir()
        (tmp_path / "minutebook-data" / CONFIG_FILE).write_text(toml)
    with pytest.raises(BadSettings) as raised:
        load_settings()
    assert said in raised.value.message
    assert "secret" not in raised.value.message


def test_networks_are_a_list_in_a_variable_and_in_toml(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MINUTEBOOK_TRUSTED_PROXIES", "10.0.0.0/8, ::1")
    assert [str(network) for network in load_settings().trusted_proxies] == ["10.0.0.0/8", "::1/128"]
    monkeypatch.delenv("MINUTEBOOK_TRUSTED_PROXIES")
    (tmp_path / "minutebook-data").mkdir()
    (tmp_path / "minutebook-data" / CONFIG_FILE).write_text('trusted_proxies = ["192.168.1.7"]')
    assert [str(network) for network in load_settings().trusted_proxies] == ["192.168.1.7/32"]


@pytest.mark.parametrize(
    ("chosen", "address"),
    [
        ({"host": "0.0.0.0"}, "http://localhost:80"),
        ({"host": "::1"}, "http://[::1]:80"),
        ({"public_url": "https://Minutes.example/"}, "https://minutes.example"),
        ({"public_url": "http://10.0.0.7:8321"}, "http://10.0.0.7:8321"),
        ({"public_url": "https://[2001:DB8::1]:65535/"}, "https://[2001:db8::1]:65535"),
    ],
)
def test_the_address_that_people_reach_it_by(chosen: dict[str, str], address: str) -> None:
    assert load_settings(**chosen).address(80) == address


def test_a_mistyped_variable_is_noticed_and_a_foreign_one_is_not() -> None:
    assert strange_variables(
        {"MINUTEBOOK_SMPT_HOST": "x", "MINUTEBOOK_SERVICE_ACCOUNT": "y", "MINUTEBOOK_PORT": "1"}
    ) == ["MINUTEBOOK_SMPT_HOST is not a setting; did you mean MINUTEBOOK_SMTP_HOST?"]


def test_every_setting_is_described() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description and field.description.endswith("."), name
