"""Settings of a deployment. In this order: environment variables, files of one value each, a TOML file, defaults.

`MINUTEBOOK_PORT=8000` sets `port`. `MINUTEBOOK_PORT_FILE=/run/secrets/port` sets it to what that file holds, which is
how secrets reach a container. The TOML file is the one that `MINUTEBOOK_CONFIG` names, else `minutebook.toml` in the
data directory. An empty value is as good as none.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Mapping
from email.utils import parseaddr
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from minutebook.errors import BadSettings
from minutebook.ip_address import server_of

PREFIX = "MINUTEBOOK_"
CONFIG_VARIABLE = PREFIX + "CONFIG"
CONFIG_FILE = "minutebook.toml"
DATABASE_FILE = "minutebook.sqlite3"
CUSTODY = "custody"
SECURITY_LOG = "security.jsonl"
ORIGIN = re.compile(r"(?P<origin>https?://([a-z0-9._-]+|\[[0-9a-f:.]+\])(:(?P<port>[1-9][0-9]{0,4}))?)/?")
URL = re.compile(r"https?://[^\s@?#]+")

Network = IPv4Network | IPv6Network
LOOPBACK: tuple[Network, ...] = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


class Founding(StrEnum):
    """Who founds organizations."""

    ANYBODY = "anybody"
    OPERATOR = "operator"


class SmtpTls(StrEnum):
    """How the connection to the mail server is protected."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


class Settings(BaseSettings):
    """Everything that whoever runs Minutebook can choose. Get it from `load_settings()`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, extra="forbid", frozen=True, hide_input_in_errors=True
    )

    data_directory: Path = Field(
        default=Path("minutebook-data"),
        description="Where everything is kept that is not in another database. A folder of the working directory by "
        "default, so that trying Minutebook leaves nothing elsewhere; a server names one, such as /var/lib/minutebook. "
        "Not accepted in the `minutebook.toml` that lies in the data directory itself.",
    )
    database_url: SecretStr | None = Field(
        default=None,
        description="The database: `postgresql://user:password@host/name`, or `sqlite:///path`. Without it, the file "
        f"`{DATABASE_FILE}` in the data directory.",
    )
    custody_directory: Path | None = Field(
        default=None,
        description="Where the keys are that sign the logs, what was signed last, and the ledger of erasures. Without "
        f"it, the folder `{CUSTODY}` in the data directory. Best on another disk, and always in another backup than "
        "the database: who rolls back both at once is only found out by heads that are kept elsewhere.",
    )
    host: str = Field(
        default="127.0.0.1",
        description="The address to listen on: only this machine by default. `0.0.0.0` listens on all IPv4 addresses; "
        "put a proxy that speaks HTTPS in front.",
    )
    port: int = Field(default=8321, ge=0, le=65535, description="The port to listen on; 0 takes any free one.")
    public_url: str | None = Field(
        default=None,
        description="How people reach Minutebook, such as `https://minutebook.example.com`: in links, and as the only "
        "origin that forms are accepted from. Without it, `http://host:port`.",
    )
    trusted_proxies: Annotated[tuple[Network, ...], NoDecode] = Field(
        default=(),
        description="Proxies whose `X-Forwarded-For` is believed: addresses or networks, separated by commas. From "
        "anybody else the header is ignored.",
    )
    metrics_networks: Annotated[tuple[Network, ...], NoDecode] = Field(
        default=LOOPBACK,
        description="Who may see `/metrics`: addresses or networks, separated by commas. Only this machine by default. "
        "What comes through a proxy is judged by `trusted_proxies`.",
    )
    founding: Founding = Field(
        default=Founding.ANYBODY,
        description="Who founds organizations: `anybody` who is signed in, or only the `operator`, with "
        "`minutebook org create`. The very first one is founded by the link that `minutebook serve` prints.",
    )
    smtp_host: str | None = Field(
        default=None, description="The mail server that invitations are sent by. Without it, links are only shown."
    )
    smtp_port: int | None = Field(
        default=None, ge=1, le=65535, description="Its port. Without it, the usual one of `smtp_tls`: 587, 465 or 25."
    )
    smtp_user: str | None = Field(default=None, description="The account at the mail server, if it asks for one.")
    smtp_password: SecretStr | None = Field(default=None, description="The password of that account.")
    smtp_tls: SmtpTls = Field(
        default=SmtpTls.STARTTLS,
        description="`starttls` or `tls`, both with a checked certificate; `none` for a mail server on this machine.",
    )
    smtp_from: str | None = Field(
        default=None, description="The sender of mails, such as `Minutebook <minutebook@example.com>`."
    )
    witnesses: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Who sees the head of every log and signs it (C2SP `tlog-witness`): for each its URL, a space and "
        "its key, as `minutebook witness init` prints it; separated by commas.",
    )
    timestamp_url: str | None = Field(
        default=None,
        description="A timestamp authority (RFC 3161) that signs once an hour that the heads of all logs existed.",
    )
    timestamp_certificate: Path | None = Field(
        default=None,
        description="The certificate of the root that the authority's certificate leads to, as a file in PEM, perhaps "
        "with those between. No other is trusted.",
    )
    heads_directory: Path | None = Field(
        default=None,
        description="A folder that gets a file with each head of the anchor log, never to be written again; best one "
        "that somebody else keeps or copies. In the work tree of a Git repository each is committed.",
    )
    heads_store: str | None = Field(
        default=None,
        description="An object store that gets an object with each head of the anchor log, put there only if it is not "
        "there yet: `s3://bucket/heads`, `gs://…`, `az://…`. Best one with retention that is locked. Needs the extra "
        "`minutebook[object-store]`, and what else the store needs in its own variables, such as `AWS_ACCESS_KEY_ID`.",
    )
    outgoing_networks: Annotated[tuple[Network, ...], NoDecode] = Field(
        default=(),
        description="Private addresses or networks that witnesses and timestamp authorities may be at, separated by "
        "commas. No other is ever connected to, whatever a name stands for.",
    )
    name_servers: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="The name servers that are asked whether an SSO domain has its record: IP addresses, each perhaps "
        "with a port (`192.0.2.53`, `[2001:db8::53]:5353`), separated by commas. Without any, those of this machine.",
    )
    server: str | None = Field(
        default=None,
        description="For `minutebook search`, `tail` and `export`: the Minutebook that runs at this address is asked, "
        "such as `https://minutebook.example.com`, and not the database. `--server` goes before it.",
    )
    token: SecretStr | None = Field(
        default=None,
        description="The API token (`mbt_…`) that `server` is asked with. In a variable or a file and never on the "
        "command line, which every account of the machine can see.",
    )
    security_log: Path | None = Field(
        default=None,
        description="The file of the security log (`docs/security-log.md`), JSON lines. Without it, "
        "`security.jsonl` in the data directory; `-` for the server's own log on standard error.",
    )
    security_log_megabytes: int = Field(
        default=10, ge=1, le=10_000, description="How large that file gets before it begins anew."
    )
    security_log_files: int = Field(
        default=5,
        ge=0,
        le=1_000,
        description="How many of the files before it are kept beside it, as `.1` and so on.",
    )
    log_format: Literal["text", "json"] = Field(
        default="text", description="The server's own log on standard error, for people or for machines."
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The order of precedence."""
        del dotenv_settings, file_secret_settings
        files = _VariableFiles(settings_cls)
        return init_settings, env_settings, files, _TomlFile(settings_cls, init_settings, env_settings, files)

    @field_validator("witnesses", mode="before")
    @classmethod
    def _witnesses(cls, value: object) -> object:
        found = value.split(",") if isinstance(value, str) else value
        if not isinstance(found, list | tuple):
            raise ValueError("Enter a URL, a space and a key for each.")  # noqa: TRY004 - as below
        witnesses = tuple(one.strip() for one in found if one != "")
        for one in witnesses:
            url, space, key = one.partition(" ")
            if not (space and key and URL.fullmatch(url)):
                raise ValueError("each is an https:// or http:// URL, a space, and a key")
        return witnesses

    @field_validator("name_servers", mode="before")
    @classmethod
    def _name_servers(cls, value: object) -> object:
        found = value.split(",") if isinstance(value, str) else value
        if not isinstance(found, list | tuple):
            raise ValueError("Enter IP addresses.")  # noqa: TRY004 - as below
        servers = tuple(str(one).strip() for one in found if one != "")
        for one in servers:
            server_of(one)
        return servers

    @field_validator("timestamp_url")
    @classmethod
    def _url(cls, value: str | None) -> str | None:
        if value is not None and not URL.fullmatch(value):
            raise ValueError("it is an https:// or http:// URL")
        return value

    @field_validator("trusted_proxies", "outgoing_networks", "metrics_networks", mode="before")
    @classmethod
    def _networks(cls, value: object) -> object:
        names = value.split(",") if isinstance(value, str) else value
        if not isinstance(names, list | tuple):
            raise ValueError("Enter addresses or networks.")  # noqa: TRY004 - a ValidationError is made of ValueErrors
        return tuple(ip_network(name.strip()) if isinstance(name, str) else name for name in names if name != "")

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, value: SecretStr | None) -> SecretStr | None:
        if value and not value.get_secret_value().startswith(("postgresql://", "sqlite:///")):
            raise ValueError("it starts with postgresql:// or sqlite:///")
        return value

    @field_validator("smtp_from")
    @classmethod
    def _sender(cls, value: str | None) -> str | None:
        if value is not None and not ("@" in parseaddr(value)[1] and value.isprintable()):
            raise ValueError("it is an address, such as minutebook@example.com, perhaps with a name before it")
        return value

    @field_validator("public_url", "server")
    @classmethod
    def _origin(cls, value: str | None) -> str | None:
        if value is None:
            return None
        match = ORIGIN.fullmatch(value.lower())
        if match is None or int(match["port"] or 1) > 65535:
            raise ValueError(
                "it is http:// or https:// and a host, perhaps a port up to 65535, no path and nothing else"
            )
        return match["origin"]

    @property
    def database(self) -> str:
        """The URL of the database."""
        if self.database_url:
            return self.database_url.get_secret_value()
        return f"sqlite:///{self.data_directory.absolute() / DATABASE_FILE}"

    @property
    def custody(self) -> Path:
        """Where keys are, what was signed last, and the ledger of erasures."""
        return self.custody_directory or self.data_directory / CUSTODY

    @property
    def security_file(self) -> Path | None:
        """The file of the security log; None for standard error."""
        path = self.security_log or self.data_directory / SECURITY_LOG
        return None if str(path) == "-" else path

    def address(self, port: int) -> str:
        """How people reach the server that listens on `port`, without a slash at the end."""
        if self.public_url:
            return self.public_url
        host = {"0.0.0.0": "localhost", "::": "localhost"}.get(self.host, self.host)  # noqa: S104
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def load_settings(**chosen: object) -> Settings:
    """The settings; `chosen` go before everything else. Raises BadSettings, naming the variable or the file."""
    given: dict[str, Any] = {name: value for name, value in chosen.items() if value is not None}
    try:
        settings = Settings(**given)
    except ValidationError as error:
        raise BadSettings(" ".join(_complaint(given, problem) for problem in error.errors())) from None
    if settings.smtp_host and not settings.smtp_from:
        raise BadSettings(f"{PREFIX}SMTP_HOST is set, so {PREFIX}SMTP_FROM must say who mails come from.")
    return settings


class _VariableFiles(PydanticBaseSettingsSource):
    """Values in files that `MINUTEBOOK_…_FILE` variables name, without the line end that editors put behind them."""

    def get_field_value(self, field: object, field_name: str) -> tuple[Any, str, bool]:
        del field
        variable = variable_of(field_name)
        path = os.environ.get(f"{variable}_FILE")
        if not path:
            return None, field_name, False
        if os.environ.get(variable):
            raise BadSettings(f"{variable} and {variable}_FILE are both set. Keep one of them.")
        return _read(Path(path), f"{variable}_FILE"), field_name, False

    def __call__(self) -> dict[str, Any]:
        values = {name: self.get_field_value(field, name)[0] for name, field in self.settings_cls.model_fields.items()}
        return {name: value for name, value in values.items() if value is not None}


class _TomlFile(PydanticBaseSettingsSource):
    """The TOML file. Where it lies by default depends on the data directory that the sources before it name."""

    def __init__(self, settings_cls: type[BaseSettings], *before: PydanticBaseSettingsSource) -> None:
        super().__init__(settings_cls)
        self._before = before

    def get_field_value(self, field: object, field_name: str) -> tuple[Any, str, bool]:
        del field
        return self().get(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        named = os.environ.get(CONFIG_VARIABLE)
        path = Path(named) if named else self._data_directory() / CONFIG_FILE
        if not named and not path.is_file():
            return {}
        values = _parse(path)
        if not named and "data_directory" in values:
            raise BadSettings(f"{path} lies in the data directory, so it cannot set data_directory.")
        return {name: value for name, value in values.items() if value != ""}

    def _data_directory(self) -> Path:
        for source in self._before:
            if found := source().get("data_directory"):
                return Path(found)
        return Path(self.settings_cls.model_fields["data_directory"].default)


def variable_of(field: str) -> str:
    """The environment variable of a setting."""
    return PREFIX + field.upper()


def strange_variables(environment: Mapping[str, str]) -> list[str]:
    """Sentences about variables that look like a mistyped setting. They are no error: others may own that name."""
    known = [variable_of(name) + ending for name in Settings.model_fields for ending in ("", "_FILE")]
    strange = [name for name in environment if name.startswith(PREFIX) and name not in (*known, CONFIG_VARIABLE)]
    close = {name: difflib.get_close_matches(name, known, 1, cutoff=0.85) for name in strange}
    return [f"{name} is not a setting; did you mean {found[0]}?" for name, found in close.items() if found]


def _parse(path: Path) -> dict[str, Any]:
    try:
        values = tomllib.loads(_read(path, CONFIG_VARIABLE))
    except tomllib.TOMLDecodeError as error:
        raise BadSettings(f"{path} is not TOML: {error}.") from None
    known = list(Settings.model_fields)
    for name in values:
        if name not in known:
            close = difflib.get_close_matches(name, known, 1, cutoff=0.5)
            hint = f"Did you mean {close[0]}?" if close else f"Known are {', '.join(known)}."
            raise BadSettings(f"{path}: {name} is not a setting. {hint}")
    return values


def _read(path: Path, variable: str) -> str:
    try:
        return path.read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as error:
        raise BadSettings(f"{variable}: {path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise BadSettings(f"{variable}: {path} is not text in UTF-8.") from None


def _complaint(chosen: Mapping[str, object], problem: Mapping[str, Any]) -> str:
    field = str(problem["loc"][0]) if problem["loc"] else "?"
    variable = variable_of(field)
    if field in chosen:
        source = f"The option for {field}"
    elif os.environ.get(variable):
        source = variable
    elif os.environ.get(f"{variable}_FILE"):
        source = f"The file that {variable}_FILE names"
    else:
        source = f"{field} in the TOML file ({variable})"
    message = str(problem["msg"]).removeprefix("Value error, ").rstrip(".")
    return f"{source} is not accepted: {message[:1].lower()}{message[1:]}."
