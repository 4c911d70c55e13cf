"""A running Minutebook asked through its API: what it refuses is said as if it had been refused here."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from ipaddress import ip_address
from types import TracebackType
from typing import Any, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import httpx2 as httpx
import orjson

from minutebook import __version__
from minutebook.cli.console import remark, shown
from minutebook.errors import PROBLEM, Invalid, MinutebookError, Problem
from minutebook.organization.tokens import SECRET

SECONDS = 60.0
"""How long the server may be silent."""
TRIES = 5
LONGEST_WAIT = 600
JSON = "application/json"
T = TypeVar("T")


class ServerUnavailable(MinutebookError):
    """The server {server} does not answer: {why}."""

    status = 503
    code = "server_unavailable"
    exit_code = 3


class ServerFailed(MinutebookError):
    """{detail}"""

    status = 503
    code = "server_failed"
    exit_code = 3


class Refused(MinutebookError):
    """{detail}"""

    status = 403
    code = "refused"


class TooBusy(Refused):
    """{detail}"""

    status = 429
    code = "too_busy"


class Api:
    """The API of a server, asked with a token. Leaving its block closes its connections.

    Asked too often, it waits as long as the server says. Raises Invalid for what the server does not accept, Refused
    for what it does not allow, ServerUnavailable and ServerFailed.
    """

    def __init__(self, server: str, token: str, sleep: Callable[[float], None] = time.sleep) -> None:
        if not SECRET.fullmatch(token):
            raise Invalid.one("token", "What was given as the API token is none: it is mbt_ and 43 characters.")
        if not _is_private(server):
            raise Invalid.one("server", f"{server} is not https://, so the API token could be read on the way to it.")
        self.server = server
        self._sleep = sleep
        headers = {"Authorization": f"Bearer {token}", "User-Agent": f"minutebook/{__version__}"}
        is_encrypted = urlsplit(server).scheme == "https"  # else the proxy of the environment would read the token
        try:
            self._client = httpx.Client(headers=headers, timeout=SECONDS, trust_env=is_encrypted)
        except (ImportError, OSError, ValueError, httpx.InvalidURL) as error:
            why = f"the proxy or the certificates that the environment names cannot be used ({error})"
            raise ServerUnavailable(server=server, why=why) from error

    def __enter__(self) -> Api:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def get(self, path: str, read: Callable[[dict[str, Any]], T], pairs: Sequence[tuple[str, str]] = ()) -> T:
        """What is read in the JSON that is answered."""
        with self.stream(path, JSON, pairs) as response:
            with self._reaching():
                body = response.read()
            try:
                return read(self._json(response, body))
            except (AttributeError, KeyError, TypeError):
                raise self._strange(response) from None

    @contextmanager
    def stream(
        self,
        path: str,
        media_type: str,
        pairs: Sequence[tuple[str, str]] = (),
        headers: Mapping[str, str] | None = None,
        seconds: float = SECONDS,
    ) -> Iterator[httpx.Response]:
        """An answer of status 200 and that media type, whose body comes bit by bit (`chunks`). `seconds` is how long it
        may be silent."""
        if not path.startswith("/"):  # it would be another server, which must not get the token
            raise ServerFailed(detail=f"{self.server} leads to another server, which is not followed.")
        query = f"?{urlencode(pairs, quote_via=quote)}" if pairs else ""
        request = self._client.build_request("GET", f"{self.server}{path}{query}", headers=headers)
        request.extensions["timeout"] |= {"read": seconds}
        response = self._answer(request)
        try:
            if not _is(media_type, response):
                raise self._strange(response)
            yield response
        finally:
            response.close()

    def number(self, response: httpx.Response, header: str) -> int:
        """What a header says. Raises ServerFailed where it is no number."""
        try:
            return int(response.headers[header])
        except (KeyError, ValueError):
            raise self._strange(response) from None

    def chunks(self, response: httpx.Response) -> Iterator[bytes]:
        """The body as it comes. Raises ServerUnavailable where it breaks off."""
        with self._reaching():
            yield from response.iter_bytes()

    def refusal(self, status: int, problem: Mapping[str, Any]) -> MinutebookError:
        """The error that problem details (RFC 9457) tell of."""
        detail = str(problem.get("detail", ""))
        with suppress(AttributeError, TypeError):  # errors of another kind: their detail says it
            if problem.get("errors"):
                return Invalid(*map(Problem.read, problem["errors"]))
        if status >= 500:
            return ServerFailed(detail=detail)
        return (TooBusy if status == TooBusy.status else Refused)(detail=detail)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        for attempt in itertools.count(1):
            with self._reaching():
                response = self._client.send(request, stream=True)
                if response.status_code == 200:
                    return response
                try:
                    body = response.read()
                finally:
                    response.close()
            seconds = _retry_after(response)
            problem = self._json(response, body) if _is(PROBLEM, response) else None
            if seconds is None or attempt >= TRIES:
                raise self.refusal(response.status_code, problem) if problem else self._strange(response)
            why = problem.get("detail") if problem else "The server is asked too often."
            remark(f"{shown(str(why))} Going on in {seconds} seconds.")
            self._sleep(seconds)
        raise AssertionError  # counting has no end

    @contextmanager
    def _reaching(self) -> Iterator[None]:
        try:
            yield
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            why = str(error) or type(error).__name__
            raise ServerUnavailable(server=self.server, why=why.rstrip(".")) from error

    def _json(self, response: httpx.Response, body: bytes) -> dict[str, Any]:
        """The object that a body is. Raises ServerFailed where it is none."""
        try:
            answer = orjson.loads(body)
        except orjson.JSONDecodeError:
            answer = None
        if not isinstance(answer, dict):
            raise self._strange(response)
        return answer

    def _strange(self, response: httpx.Response) -> ServerFailed:
        status, server = response.status_code, self.server
        return ServerFailed(
            detail=f"{server} answers (with status {status}), but not as Minutebook. Is it the address?"
        )


def _is(media_type: str, response: httpx.Response) -> bool:
    kind: str = response.headers.get("content-type", "")
    return kind.partition(";")[0].strip() == media_type


def _retry_after(response: httpx.Response) -> int | None:
    """After how many seconds to ask again, where that is what the server wants."""
    text = response.headers.get("retry-after", "")
    is_number = text.isascii() and text.isdigit() and len(text) < 5
    return int(text) if response.status_code == 429 and is_number and int(text) <= LONGEST_WAIT else None


def _is_private(server: str) -> bool:
    """Whether nobody on the way can read what is sent there: by TLS, or on this machine."""
    address = urlsplit(server)
    if address.scheme == "https" or address.hostname == "localhost":
        return True
    try:
        return ip_address(address.hostname or "").is_loopback
    except ValueError:
        return False
