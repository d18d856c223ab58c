"""The responses while a part of the service is unavailable."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.e2e.app import App
from tests.support.forked_service import ForkedService, running
from tests.support.images import plain_jpeg
from tests.support.plain_http import PLAIN_HTTP
from tests.support.servers.process import free_ports
from tests.support.service import Service

PHONE = "+14155570001"
SLOW_FILES = """
import asyncio
from contextlib import asynccontextmanager
from pathlib import Path

from adapters.media.disk import open_disk_files
from adapters.operations.system import SystemClock


@asynccontextmanager
async def open_files(*, environ):
    Path("opening").touch()
    while not Path("open").exists():
        await asyncio.sleep(0.01)
    async with open_disk_files(Path("media"), "https://images.example.org", SystemClock()) as files:
        yield files
"""
OWN_DATABASE = """
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from adapters.databases.records.store_calls import wrap_database
from adapters.databases.sqlite import open_sqlite_database
from application.ports.errors import StorageOverloaded


async def around(method, call):
    if Path("full").exists():
        raise StorageOverloaded("all of its connections are in use")
    return await call()


class Health:
    async def check(self):
        await around("check", self.check_here)

    async def check_here(self):
        pass


@asynccontextmanager
async def open_database(*, environ, phone_encryption):
    async with open_sqlite_database(Path("own.db"), phone_encryption.key_fingerprint()) as opened:
        yield replace(wrap_database(opened, around), health=Health())
"""


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """A service on SQLite and disk, whose files a test removes."""
    with running(tmp_path) as service:
        yield service


async def test_without_the_database_each_operation_has_its_error(
    service: Service, http: httpx.AsyncClient
) -> None:
    app = App(service, http)
    account = await app.sign_up(PHONE)
    (service.folder / "dialtone.db").unlink()

    assert (await http.get("/health/live")).status_code == 200
    ready = await http.get("/health/ready")
    assert (ready.status_code, ready.json()["status"]) == (503, "unavailable")
    assert ready.json()["database"] != "ok"
    user = {"username": "Somebody", "number": PHONE}
    for response, message in (
        (await http.post("/users", json=user, headers=account.headers), "User creation failed"),
        (await http.get("/library", headers=account.headers), "Failed to fetch library items"),
        (await app.upload(account, plain_jpeg()), "Failed to save library item"),
    ):
        assert (response.status_code, response.json()["code"]) == (500, "storage_failed")
        assert response.json()["error"] == message
    verification = {"phone": PHONE, "otp": "123456"}
    for response in (
        await http.post("/auth/request-otp", json={"phone": PHONE}),
        await http.post("/auth/verify-otp", json=verification),
        await http.get("/users/me", headers=account.headers),
    ):
        assert (response.status_code, response.json()["code"]) == (503, "unavailable")
        assert int(response.headers["retry-after"]) == response.json()["retry_after"]
    for path in ("get_otp", "validate_otp"):
        legacy = await http.post(f"/authenticate/{path}", json=verification)
        assert (legacy.status_code, legacy.json()["exit_code"]) == (500, 5)


async def test_an_overload_is_a_503_for_each_client_and_no_failure_of_the_database(
    tmp_path: Path,
) -> None:
    (tmp_path / "own_database.py").write_text(OWN_DATABASE)
    (metrics_port,) = free_ports(1)
    environ = {
        "DIALTONE_DATABASE": "own_database:open_database",
        "DIALTONE_METRICS_BIND": f"127.0.0.1:{metrics_port}",
    }
    with running(tmp_path, environ) as service:
        async with httpx.AsyncClient(base_url=service.url, timeout=40, **PLAIN_HTTP) as http:
            account = await App(service, http).sign_up(PHONE)
            (tmp_path / "full").touch()
            user = {"username": "Somebody", "number": PHONE}
            rejected = [
                await http.get("/users/me", headers=account.headers),
                await http.post("/users", json=user, headers=account.headers),
                await http.get("/library", headers=account.headers),
                await http.post("/auth/request-otp", json={"phone": PHONE}),
            ]
            legacy = await http.post("/authenticate/get_otp", json={"phone": PHONE})
            ready = await http.get("/health/ready")
            metrics = await http.get(f"http://127.0.0.1:{metrics_port}/metrics")
            (tmp_path / "full").unlink()
            served = await http.get("/users/me", headers=account.headers)

    for response in rejected:
        assert (response.status_code, response.json()["code"]) == (503, "overloaded")
    for response in (*rejected, legacy):
        assert response.headers["retry-after"] == "5"
    assert (legacy.status_code, legacy.json()["exit_code"]) == (503, 5)
    assert legacy.json()["error"].startswith("Internal server error 503 Service Unavailable: ")
    assert (ready.status_code, ready.json()["database"]) == (200, "ok")
    assert 'overloads_total{operation="load",store="database"} ' in metrics.text
    assert "dialtone_storage_errors_total{" not in metrics.text
    assert served.status_code == 200
    assert service.log.count('"storage_overloaded"') == 1
    assert "request_failed" not in service.log
    assert "database_unavailable" not in service.log


async def test_the_service_starts_without_its_s3_server(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    environ = {
        "DIALTONE_MEDIA": "s3://images",
        "DIALTONE_S3_ENDPOINT": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
    }
    with running(tmp_path, environ) as service:
        async with httpx.AsyncClient(base_url=service.url, timeout=40, **PLAIN_HTTP) as http:
            app = App(service, http)
            uploaded = await app.upload(await app.sign_up(PHONE), plain_jpeg())
            service.wait_until_ready("ready")  # this success is held for five seconds
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
            return httpx.get(f"{service.url}/health/live", **PLAIN_HTTP).status_code
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
