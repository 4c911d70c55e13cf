"""Values of any length, also of somebody who is not signed in (R8): refused with the reason, or cut with their hash."""

from __future__ import annotations

import hashlib
import re
import socket
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import urlencode, urlsplit

import pytest

from minutebook.model import Role
from minutebook.serve import HEAD_LIMIT
from minutebook.web import api
from minutebook.web.log_address import KNOWN
from minutebook.web.source import USER_AGENT_LIMIT
from tests.support.dashboard import Dashboard
from tests.support.deployment import Deployment
from tests.support.server import serving
from tests.web.api.test_principals import OPERATIONS
from tests.web.test_refusals import filled_in
from tests.web.test_routes import DRIVES, WITHOUT_FIELDS

LARGE = "x" * (8 << 20)
LONG = "<script>\u202e" + "x" * 60_000
"""About as long as an address can be."""
FORM = "Content-Type: application/x-www-form-urlencoded"


@pytest.fixture
def address(sqlite_deployment: Deployment) -> Iterator[str]:
    """Where a server answers that has a deployment with nobody in it."""
    with serving(sqlite_deployment.store) as address:
        yield address


def sent(address: str, line: str, *headers: str, body: str = "") -> str:
    """The whole answer to a request, which may come before all of it is sent. Then the connection ends with a reset,
    which may take of the answer what was not read (RFC 9112, section 9.6), so that one asks again."""
    answers = (_sent_once(address, line, *headers, body=body) for _ in range(5))
    return next(filter(is_whole, answers), "")


def is_whole(answer: str) -> bool:
    """Whether an answer ends where it says, or, where it ends with the connection, with a sentence."""
    head, _, body = answer.partition("\r\n\r\n")
    length = re.search("(?i)content-length: ([0-9]+)", head)
    return len(body.encode()) == int(length[1]) if length else body.endswith((".", "0\r\n\r\n"))


def _sent_once(address: str, line: str, *headers: str, body: str) -> str:
    server = urlsplit(address)
    head = "\r\n".join((f"{line} HTTP/1.1", f"Host: {server.netloc}", "Connection: close", *headers, "", ""))
    answer = b""
    with socket.create_connection((server.hostname or "", server.port or 0), timeout=30) as connection:
        with suppress(ConnectionError):
            connection.sendall((head + body).encode())
        with suppress(ConnectionError):
            while more := connection.recv(1 << 16):
                answer += more
    return answer.decode()


@pytest.mark.parametrize(
    "name", ["User-Agent", "Cookie", "X-Forwarded-For", "Authorization", "Last-Event-ID", "Accept"]
)
def test_a_large_header_is_refused_with_the_reason(address: str, name: str) -> None:
    answer = sent(address, "GET /sign-in", f"{name}: {LARGE}")
    assert answer.startswith("HTTP/1.1 400 ")
    assert f"longer than the {HEAD_LIMIT:,} bytes" in answer
    assert LARGE[:100] not in answer
    assert sent(address, "GET /sign-in", f"{name}: {LARGE[:60_000]}").startswith("HTTP/1.1 200 ")


@pytest.mark.parametrize("path", ["/sign-in?next=", "/sign-in?", "/invitation/", "/api/v1/organizations?q=", "/"])
def test_a_large_address_is_refused_with_the_reason(address: str, path: str) -> None:
    answer = sent(address, f"GET {path}{LARGE}")
    assert answer.startswith("HTTP/1.1 400 ")
    assert f"longer than the {HEAD_LIMIT:,} bytes" in answer
    assert LARGE[:100] not in answer


def test_what_is_no_request_is_not_said_to_be_long(address: str) -> None:
    answer = sent(address, "\x16\x03\x01")
    assert answer.startswith("HTTP/1.1 400 ")
    assert "longer" not in answer


@pytest.mark.parametrize("field", ["email", "password", "next"])
def test_a_large_field_of_a_form_is_refused_with_the_reason(address: str, field: str) -> None:
    body = f"{field}={LARGE}"
    pieces = f"{len(body):x}\r\n{body}\r\n0\r\n\r\n"
    for length, sent_as in ((f"Content-Length: {len(body)}", body), ("Transfer-Encoding: chunked", pieces)):
        answer = sent(address, "POST /sign-in", FORM, length, body=sent_as)
        assert answer.startswith("HTTP/1.1 413 ")
        assert "1,048,576 bytes" in answer
        assert LARGE[:100] not in answer


PROVES = {
    *("/sign-in", "/sign-in/second-factor", "/account/password", "/account/delete", "/account/recovery-codes/new"),
    *("/account/authenticator-app/remove", "/account/passkeys/{passkey}/remove"),
}
"""Where one shows who one is: a wrong attempt is recorded."""


@pytest.mark.parametrize("path", sorted(set(DRIVES) - WITHOUT_FIELDS))
def test_a_long_field_of_any_form_is_refused_in_words(light_dashboard: Dashboard, path: str) -> None:
    """One field after the other, the others as they should be."""
    ada = light_dashboard.signed_in(Role.OWNER)
    address, fields = DRIVES[path](light_dashboard, ada)
    for field in fields:
        before = light_dashboard.recorded()
        response = ada.post(address, fields | {field: LONG})
        looked_again = path.endswith("/bulk") and response.status_code == 200  # nobody was invited: it is shown anew
        assert looked_again or 400 <= response.status_code < 500, (field, response.status_code)
        assert LONG[:20] not in response.text
        assert light_dashboard.recorded() - before <= (path in PROVES), field
    assert LONG[:20] not in str(light_dashboard.events())


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_long_parameter_is_refused_by_its_name(light_dashboard: Dashboard, operation: str) -> None:
    ada = light_dashboard.signed_in(Role.OWNER)
    described = api.OPENAPI["paths"][operation]["get"]["parameters"]
    for name in [each["name"] for each in described if each["in"] == "query"]:
        answer = ada.ask(filled_in(light_dashboard, operation), (name, LONG))
        assert answer.status_code == 422, name
        assert name in {error["field"] for error in answer.json()["errors"]}
        assert len(answer.content) < 4_000, name


@pytest.mark.parametrize("key", sorted(KNOWN))
def test_a_long_value_in_the_address_of_the_log_is_refused(light_dashboard: Dashboard, key: str) -> None:
    ada = light_dashboard.signed_in(Role.OWNER)
    response = ada.get(f"{light_dashboard.path('audit-logs')}?{urlencode({'start_date': '2026-11-06', key: LONG})}")
    assert 400 <= response.status_code < 500
    assert LONG[:20] not in response.text


def test_a_long_name_of_a_program_is_recorded_cut_with_the_hash_of_all(dashboard: Dashboard) -> None:
    name = "\x1b[2J<script>=1+1" + "x" * 60_000
    ada = dashboard.signed_in(Role.OWNER)
    ada.post(dashboard.path("sso"), {"domain": "calder.example"}, user_agent=name)
    digest = hashlib.sha256(name.encode()).hexdigest()
    cut = f"… (cut from {len(name):,} characters, SHA-256 {digest})"
    assert dashboard.last().context.user_agent == name[:USER_AGENT_LIMIT] + cut
