"""The responses while a part of the service is unavailable."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.app import Account, App
from tests.e2e.description.conformance import assert_conforms, load_schema
from tests.e2e.own_messenger import OWN_FACTORY, OwnMessenger
from tests.support.forked_service import ForkedService, running
from tests.support.images import plain_jpeg
from tests.support.plain_http import PLAIN_HTTP
from tests.support.servers.process import free_ports
from tests.support.service import Service

PHONE = "+14155570001"
OTHER_PHONE = "+14155570002"
ENDING_OPERATIONS = ["delete_library_item", "revoke_session", "logout", "delete_me"]
"""Each removes what the operations before it need."""
SLOW_FILES = """
import asyncio
from contextlib import asynccontextmanager
from pathlib import Path

from adapters.disk import open_disk_files
from adapters.system import SystemClock


@asynccontextmanager
async def open_files(*, environ):
    Path("opening").touch()
    while not Path("open").exists():
        await asyncio.sleep(0.01)
    async with open_disk_files(Path("media"), "https://images.example.org", SystemClock()) as files:
        yield files
"""


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """A service on SQLite and disk, whose files a test removes, with a custom messenger."""
    messenger = OwnMessenger(tmp_path).install()
    environ = {"DIALTONE_SMS": OWN_FACTORY, "DIALTONE_COUNTRIES": "*"}
    with running(tmp_path, environ, messenger.inbox) as service:
        yield service


async def test_without_the_database_each_operation_has_its_error(
    service: Service, http: httpx.AsyncClient
) -> None:
    app = App(service, http)
    account = await app.sign_up(PHONE)
    item = await app.upload_item(account, plain_jpeg())
    document = (await http.get("/openapi.json")).json()
    (service.folder / "dialtone.db").unlink()

    assert (await http.get("/health/live")).status_code == 200
    ready = await http.get("/health/ready")
    assert (ready.status_code, ready.json()["status"]) == (503, "unavailable")
    assert ready.json()["database"] != "ok"
    responses = await assert_every_error_is_documented(http, document, account, item["id"])
    bodies = {name: response.json() for name, response in responses.items() if response.content}
    for name, message in {
        "create_user": "User creation failed",
        "list_library_items": "Failed to fetch library items",
        "upload_image": "Failed to save library item",
    }.items():
        assert (responses[name].status_code, bodies[name]["code"]) == (500, "storage_failed")
        assert bodies[name]["error"] == message
    for name in ("request_otp", "verify_otp", "get_me"):
        assert (responses[name].status_code, bodies[name]["code"]) == (503, "unavailable")
        assert int(responses[name].headers["retry-after"]) == bodies[name]["retry_after"]
    for name in ("legacy_get_otp", "legacy_validate_otp"):
        assert (responses[name].status_code, bodies[name]["exit_code"]) == (500, 5)


async def test_the_service_starts_without_its_s3_server(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    messenger = OwnMessenger(tmp_path).install()
    environ = {
        "DIALTONE_SMS": OWN_FACTORY,
        "DIALTONE_COUNTRIES": "*",
        "DIALTONE_MEDIA": "s3://images",
        "DIALTONE_S3_ENDPOINT": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
    }
    with running(tmp_path, environ, messenger.inbox) as service:
        async with httpx.AsyncClient(base_url=service.url, timeout=40, **PLAIN_HTTP) as http:
            app = App(service, http)
            uploaded = await app.upload(await app.sign_up(PHONE), plain_jpeg())
            ready = await http.get("/health/ready")

    assert '"media_store_unavailable"' in service.log
    assert (uploaded.status_code, uploaded.json()["code"]) == (503, "unavailable")
    assert int(uploaded.headers["retry-after"]) > 0
    assert (ready.status_code, ready.json()["status"]) == (200, "ready")
    assert ready.json()["media"] != "ok"


def test_the_port_accepts_no_connection_until_everything_is_open(tmp_path: Path) -> None:
    (tmp_path / "slow_files.py").write_text(SLOW_FILES)
    service = ForkedService(tmp_path, {"DIALTONE_MEDIA": "slow_files:open_files"})
    service.launch()

    def get_status() -> int | None:
        assert service.is_running, service.log
        try:
            return httpx.get(f"{service.url}/health/ready", **PLAIN_HTTP).status_code
        except httpx.ConnectError:
            return None

    try:
        service.wait_for((tmp_path / "opening").exists)
        assert get_status() is None
        (tmp_path / "open").touch()
        service.wait_for(lambda: get_status() is not None)
        assert get_status() == 200
    finally:
        service.stop()


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
) -> dict[str, httpx.Response]:
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

    async def call(operation_id: str) -> httpx.Response:
        path, method = operations[operation_id]
        return await http.request(
            method,
            path.format_map(parameters),
            headers=account.headers,
            **valid_body(operation_id, account.user_id),
        )

    operations = {
        operation["operationId"]: (path, method.upper())
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    names = [name for name in operations if name not in ENDING_OPERATIONS]
    responses = dict(zip(names, await asyncio.gather(*map(call, names)), strict=True))
    responses |= {name: await call(name) for name in ENDING_OPERATIONS}
    schema = load_schema(document, str(http.base_url))
    for name, response in responses.items():
        path, method = operations[name]
        assert_conforms(schema, method, path, response, allow_server_error=True)
    return responses
