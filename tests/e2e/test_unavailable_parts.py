"""The responses while a part of the service is unavailable."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.app import Account, App
from tests.e2e.breakable_service import BreakableService, run_breakable_service
from tests.e2e.description.conformance import assert_conforms, load_schema
from tests.support.images import plain_jpeg, transparent_png
from tests.support.plain_http import PLAIN_HTTP
from tests.support.service import running

PHONE = "+14155570001"
OTHER_PHONE = "+14155570002"
LEGACY_ERROR = "Internal server error 500 Internal Server Error: "
ENDING_OPERATIONS = ["delete_library_item", "revoke_session", "logout", "delete_me"]
"""Each removes what the operations before it need."""


@pytest.fixture
def breakable(tmp_path: Path) -> Iterator[BreakableService]:
    with run_breakable_service(tmp_path) as opened:
        yield opened


@pytest.fixture
async def http(breakable: BreakableService) -> AsyncIterator[httpx.AsyncClient]:
    url = breakable.service.url
    async with httpx.AsyncClient(base_url=url, timeout=30, **PLAIN_HTTP) as client:
        yield client


async def test_without_the_database_each_operation_has_its_error(
    breakable: BreakableService, http: httpx.AsyncClient
) -> None:
    app = App(breakable.service, http)
    account = await app.sign_up(PHONE)
    item = await app.upload_item(account, plain_jpeg())
    document = (await http.get("/openapi.json")).json()
    breakable.break_database()

    user = {"username": "Somebody", "number": PHONE}
    created = await http.post("/users", json=user, headers=account.headers)
    assert (created.status_code, created.json()["error"]) == (500, "User creation failed")
    listed = await http.get("/library", headers=account.headers)
    assert (listed.status_code, listed.json()["error"]) == (500, "Failed to fetch library items")
    uploaded = await app.upload(account, transparent_png())
    assert uploaded.status_code == 500
    assert uploaded.json()["error"] == "Failed to save library item"
    assert all(response.json()["details"] for response in (listed, uploaded))
    codes = {response.json()["code"] for response in (created, listed, uploaded)}
    assert codes == {"storage_failed"}

    body = {"phone": PHONE, "otp": "123456"}
    for response in (
        await http.get("/users/me", headers=account.headers),
        await http.post("/auth/request-otp", json={"phone": PHONE}),
        await http.post("/auth/verify-otp", json=body),
    ):
        assert (response.status_code, response.json()["code"]) == (503, "unavailable")
        assert int(response.headers["retry-after"]) == response.json()["retry_after"]
    for response in (
        await http.post("/authenticate/get_otp", json={"phone": PHONE}),
        await http.post("/authenticate/validate_otp", json=body),
    ):
        assert (response.status_code, response.json()["exit_code"]) == (500, 5)
        assert response.json()["error"].startswith(LEGACY_ERROR)

    assert (await http.get("/health/live")).status_code == 200
    ready = await http.get("/health/ready")
    assert (ready.status_code, ready.json()["status"]) == (503, "unavailable")
    assert ready.json()["database"] != "ok"
    await assert_every_error_is_documented(http, document, account, item["id"])


async def test_without_messenger_and_media_store_the_other_parts_work(
    breakable: BreakableService, http: httpx.AsyncClient
) -> None:
    app = App(breakable.service, http)
    account = await app.sign_up(PHONE)
    item = await app.upload_item(account, plain_jpeg())
    document = (await http.get("/openapi.json")).json()

    breakable.reject_messages()
    rejected = await http.post("/auth/request-otp", json={"phone": OTHER_PHONE})
    assert (rejected.status_code, rejected.json()["code"]) == (503, "delivery_failed")
    assert int(rejected.headers["retry-after"]) > 0

    breakable.break_media()
    uploaded = await app.upload(account, transparent_png())
    assert (uploaded.status_code, uploaded.json()["code"]) == (503, "unavailable")
    assert uploaded.json()["error"] == "Failed to upload file to S3"
    assert uploaded.json()["details"]
    assert int(uploaded.headers["retry-after"]) > 0
    page = await http.get("/library", headers=account.headers)
    assert (page.status_code, page.json()["total"]) == (200, 1)
    ready = await http.get("/health/ready")
    assert (ready.status_code, ready.json()["database"]) == (200, "ok")
    assert ready.json()["media"] != "ok"
    await assert_every_error_is_documented(http, document, account, item["id"])


def valid_body(operation_id: str, user_id: str) -> dict[str, Any]:
    request, verify = {"phone": OTHER_PHONE}, {"phone": OTHER_PHONE, "otp": "123456"}
    bodies: dict[str, dict[str, Any]] = {
        "request_otp": {"json": request},
        "verify_otp": {"json": verify},
        "legacy_get_otp": {"json": request},
        "legacy_validate_otp": {"json": verify},
        "refresh_session": {"json": {"refresh_token": "0" * 86}},
        "create_user": {"json": {"username": "Somebody", "number": PHONE}},
        "rename_me": {"json": {"username": "Somebody else"}},
        "update_library_item": {"json": {"category": "art"}},
        "upload_image": {"data": {"user_id": user_id}, "files": {"file": ("a.jpg", plain_jpeg())}},
    }
    return bodies.get(operation_id, {})


async def assert_every_error_is_documented(
    http: httpx.AsyncClient, document: Any, account: Account, item_id: str
) -> None:
    """Call every operation; the last ones remove what the others need."""
    parameters = {
        "user_id": account.user_id,
        "item_id": item_id,
        "folder": "00",
        "name": f"{'0' * 24}-{'0' * 32}.jpg",
        "session_id": "0" * 32,
        "request_id": "0" * 64,
        "call_id": "0" * 24,
    }

    async def call(path: str, method: str, operation_id: str) -> tuple[str, str, httpx.Response]:
        response = await http.request(
            method,
            path.format_map(parameters),
            headers=account.headers,
            **valid_body(operation_id, account.user_id),
        )
        return path, method, response

    operations = {
        operation["operationId"]: (path, method.upper(), operation["operationId"])
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    ending = [operations.pop(operation_id) for operation_id in ENDING_OPERATIONS]
    responses = await asyncio.gather(*(call(*operation) for operation in operations.values()))
    responses += [await call(*operation) for operation in ending]
    schema = load_schema(document, str(http.base_url))
    assert max(response.status_code for *_, response in responses) >= 400
    for path, method, response in responses:
        assert_conforms(schema, method, path, response, allow_server_error=True)


async def test_the_service_starts_and_signs_in_without_its_media_store(tmp_path: Path) -> None:
    environ = {
        "DIALTONE_MEDIA": "s3://images",
        "DIALTONE_S3_ENDPOINT": "http://127.0.0.1:1",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
    }
    with running(tmp_path, environ) as service:
        async with httpx.AsyncClient(base_url=service.url, timeout=30, **PLAIN_HTTP) as http:
            app = App(service, http)
            uploaded = await app.upload(await app.sign_up(PHONE), transparent_png())
            assert (uploaded.status_code, uploaded.json()["code"]) == (503, "unavailable")
        assert "media_store_unavailable" in service.log
