"""Requests to the paths of an extension, in the application with all features."""

import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Final

import httpx
import msgspec
import pytest
from litestar import Controller, get, put
from litestar.params import FromQuery, JSONBody
from structlog.testing import capture_logs

from application.ports.errors import StorageUnavailable
from domain.errors import DomainError
from domain.otp.sliding_window import SlidingWindow
from entrypoints.extensions.http import (
    AuthenticationMiddleware,
    ErrorRow,
    ExtensionHttp,
    ExtensionRequest,
    FreshLoginRequired,
    UserSession,
)
from entrypoints.http.extensions.plugin import make_extension_plugin
from tests.support.core_harness import CoreHarness
from tests.support.http_app import open_http_client
from tests.support.http_settings import make_http_settings

PHONE: Final = "+14155552671"
LIMIT: Final = SlidingWindow(10, timedelta(hours=1))
ORIGIN: Final = "https://app.example.org"


class NoteMissing(DomainError):
    """There is no such note."""


class NotListed(DomainError):
    """It has no row."""


class NoteBody(msgspec.Struct, forbid_unknown_fields=True):
    text: str


class NoteController(Controller):
    path = "/x/acme/notes"
    middleware = (AuthenticationMiddleware,)

    @get("/mine")
    async def show(self, request: ExtensionRequest) -> UserSession:
        return request.user_session

    @put("/mine")
    async def write(self, request: ExtensionRequest, data: JSONBody[NoteBody]) -> NoteBody:
        if not request.user_session.has_fresh_login:
            raise FreshLoginRequired
        return data


class FailingController(Controller):
    path = "/x/acme"

    @get("/missing", errors=[NoteMissing])
    async def miss(self) -> None:
        raise NoteMissing

    @get("/numbered")
    async def number(self, number: FromQuery[int]) -> int:
        return number

    @get("/not-listed")
    async def raise_other(self) -> None:
        raise NotListed

    @get("/crash")
    async def crash(self) -> None:
        raise ValueError(PHONE)

    @get("/away")
    async def fail(self) -> None:
        raise StorageUnavailable("the database of the extension is away")


@pytest.fixture
def core() -> CoreHarness:
    return CoreHarness()


@pytest.fixture
async def http(core: CoreHarness) -> AsyncIterator[httpx.AsyncClient]:
    row = ErrorRow(404, "acme_note_missing", "There is no such note.")
    parts = ExtensionHttp(
        controllers=[NoteController, FailingController], errors={NoteMissing: row}
    )
    settings = replace(
        make_http_settings(web_origins=(ORIGIN,), refresh_limit_per_ip=LIMIT),
        plugins=(make_extension_plugin("acme", parts),),
    )
    async with open_http_client(core.use_cases, settings) as client:
        yield client


async def test_a_handler_sees_the_session_and_parses_strictly(
    core: CoreHarness, http: httpx.AsyncClient
) -> None:
    path = "/x/acme/notes/mine"
    assert (await http.get(path)).status_code == 401
    principal = await core.log_in()
    token = await core.access_token()
    http.headers["Authorization"] = f"Bearer {token}"
    session = (await http.get(path)).json()
    assert session["user_id"] == principal.identity.id
    assert (session["has_fresh_login"], session["is_administrator"]) == (True, False)
    assert (await http.put(path, json={"text": "a"})).json() == {"text": "a"}
    invalid = await http.put(path, json={"text": 1, "more": 2})
    assert {*invalid.json()["errors"]} == {"text", "more"}
    core.advance(hours=1)
    late = await http.put(path, json={"text": "a"})
    assert (late.status_code, late.json()["code"]) == (403, "reauthentication_required")


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("missing", 404, "acme_note_missing"),
        ("not-listed", 500, "internal_error"),
        ("crash", 500, "internal_error"),
        ("away", 503, "unavailable"),
    ],
)
async def test_an_error_is_a_response_without_its_text(
    http: httpx.AsyncClient, caplog: pytest.LogCaptureFixture, path: str, status: int, code: str
) -> None:
    with capture_logs() as logs, caplog.at_level(logging.ERROR):
        response = await http.get(f"/x/acme/{path}")

    assert (response.status_code, response.json()["code"]) == (status, code)
    assert PHONE not in response.text
    crashes = [line["extension"] for line in logs if line["event"] == "request_crashed"]
    assert crashes == (["acme"] if status == 500 else [])


@pytest.mark.parametrize(
    ("query", "code"), [("", "missing_field"), ("?number=one", "invalid_value")]
)
async def test_an_invalid_parameter_is_named(
    http: httpx.AsyncClient, query: str, code: str
) -> None:
    response = await http.get(f"/x/acme/numbered{query}")
    (error,) = response.json()["field_errors"]
    assert (response.status_code, error["field"], error["code"]) == (400, "number", code)


async def test_a_page_of_a_listed_origin_may_put(http: httpx.AsyncClient) -> None:
    headers = {"Origin": ORIGIN, "Access-Control-Request-Method": "PUT"}
    preflight = await http.options("/x/acme/notes/mine", headers=headers)
    assert preflight.status_code == 204
    assert "PUT" in preflight.headers["Access-Control-Allow-Methods"]
    foreign = await http.put("/x/acme/notes/mine", json={}, headers={"Origin": "https://evil.org"})
    assert foreign.json()["code"] == "origin_not_allowed"


async def test_requests_without_a_token_are_limited_by_ip(http: httpx.AsyncClient) -> None:
    statuses = [(await http.get("/x/acme/missing")).status_code for _ in range(LIMIT.limit + 1)]
    assert statuses == [404] * LIMIT.limit + [429]
