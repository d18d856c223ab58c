"""The service is killed (-9) between every two steps of sign-in, upload and deletion.

A step is a call to database, files or messenger. After each kill the client repeats its request.
"""

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from tests.e2e.app import App, bearer
from tests.e2e.deployments import servers
from tests.faults.faulty_service import FaultyService, run_faulty_service
from tests.support.images import decode, transparent_png
from tests.support.plain_http import PLAIN_HTTP
from tests.support.servers.s3_server import S3Bucket, S3Server

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class KillDriver:
    """A service that is killed in the middle of a request; `stored_files` lists its files."""

    service: FaultyService
    http: httpx.AsyncClient
    stored_files: Callable[[], list[str]]

    @property
    def app(self) -> App:
        return App(self.service, self.http)

    async def completes_before_kill(self, steps: int, request: Awaitable[httpx.Response]) -> bool:
        """Return whether a request has fewer steps. Otherwise the service was killed in it."""
        self.service.kill_after(steps)
        try:
            response = await request
        except httpx.TransportError:
            self.service.kill()
            self.service.keep_alive()
            self.service.start()
            return False
        self.service.keep_alive()
        assert response.is_success, response.text
        return True

    async def request_otp(self, phone: str) -> httpx.Response:
        return await self.http.post("/auth/request-otp", json={"phone": phone})

    async def verify_otp(self, phone: str, code: str) -> httpx.Response:
        return await self.http.post("/auth/verify-otp", json={"phone": phone, "otp": code})

    def wait(self, seconds: int) -> None:
        """Advance the clock of the service."""
        self.service.advance_clock(timedelta(seconds=seconds))

    async def assert_correct_once(self, phone: str, code: str) -> None:
        """Assert that the code is correct, and that it is not a second time."""
        first = await self.verify_otp(phone, code)
        assert first.json()["success"] is True, first.text
        second = await self.verify_otp(phone, code)
        assert (second.status_code, second.json()["success"]) == (200, False)

    def cleanup_all(self) -> None:
        """Run cleanups after the upload timeout and after the delay of file deletions."""
        for _ in range(2):
            self.wait(7200)
            cleanup = self.service.run("cleanup")
            assert cleanup.returncode == 0, cleanup.stderr


@pytest.fixture(params=["embedded", "on_servers"])
def deployment(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[tuple[FaultyService, Callable[[], list[str]]]]:
    media = tmp_path / "media"

    def files_on_disk() -> list[str]:
        return sorted(path.name for path in media.rglob("*") if path.is_file())

    with ExitStack() as stack:
        if request.param == "embedded":
            yield stack.enter_context(run_faulty_service(tmp_path)), files_on_disk
            return
        environ, inbox = stack.enter_context(servers(request))
        server: S3Server = request.getfixturevalue("s3_server")
        prefix = environ["DIALTONE_MEDIA"].rpartition("/")[2]
        yield (
            stack.enter_context(run_faulty_service(tmp_path, environ, inbox)),
            lambda: S3Bucket(server).keys(f"{prefix}/"),
        )


@pytest.fixture
async def driver(
    deployment: tuple[FaultyService, Callable[[], list[str]]],
) -> AsyncIterator[KillDriver]:
    service, stored_files = deployment
    async with httpx.AsyncClient(base_url=service.url, **PLAIN_HTTP, timeout=30) as http:
        yield KillDriver(service, http, stored_files)


def new_phone() -> str:
    return f"+1415559{next(_numbers):04d}"


async def test_a_repeated_request_after_a_kill_leads_to_a_login(driver: KillDriver) -> None:
    for steps in itertools.count(1):
        phone = new_phone()
        if await driver.completes_before_kill(steps, driver.request_otp(phone)):
            break
        repeated = await driver.request_otp(phone)
        assert repeated.status_code == 200, repeated.text
        if not driver.service.messages(phone):
            # The delivery was recorded, but its result is unknown.
            assert repeated.json()["sent"] is False
            driver.wait(repeated.json()["resend_in"])
            assert (await driver.request_otp(phone)).json()["sent"] is True
        assert len(driver.service.messages(phone)) == 1
        await driver.assert_correct_once(phone, driver.service.code(phone))
    assert steps > 3


async def test_a_repeated_verification_after_a_kill_leads_to_a_login(driver: KillDriver) -> None:
    for steps in itertools.count(1):
        phone = new_phone()
        assert (await driver.request_otp(phone)).status_code == 200
        code = driver.service.code(phone)
        if await driver.completes_before_kill(steps, driver.verify_otp(phone, code)):
            break
        repeated = await driver.verify_otp(phone, code)
        if repeated.json()["success"]:
            assert (await driver.verify_otp(phone, code)).json()["success"] is False
            continue
        # The session was added, but its tokens are lost. A new code is available at once.
        token = await driver.app.sign_in(phone)
        sessions = await driver.http.get("/auth/sessions", headers=bearer(token))
        assert len(sessions.json()["sessions"]) == 2
    assert steps > 4


async def test_a_user_created_again_after_a_kill_is_the_same_user(driver: KillDriver) -> None:
    for steps in itertools.count(1):
        phone = new_phone()
        headers = {"Authorization": f"Bearer {await driver.app.sign_in(phone)}"}
        body = {"username": f"user {phone}", "number": phone}
        creation = driver.http.post("/users", json=body, headers=headers)
        if await driver.completes_before_kill(steps, creation):
            break
        repeated = await driver.http.post("/users", json=body, headers=headers)
        assert repeated.status_code == 201
        me = await driver.http.get("/users/me", headers=headers)
        assert me.json()["_id"] == repeated.json()["user_id"]
        assert me.json()["username"] == body["username"]
    assert steps > 3


async def test_an_upload_is_whole_or_cleaned_up_after_a_kill(driver: KillDriver) -> None:
    account = await driver.app.sign_up(new_phone())
    uploaded = 0
    for steps in itertools.count(1):
        upload = driver.app.upload(account, transparent_png())
        is_complete = await driver.completes_before_kill(steps, upload)
        if not is_complete:
            await driver.app.upload_item(account, transparent_png())
        page = await driver.http.get("/library?per_page=100", headers=account.headers)
        # A kill after the last step loses only the response.
        assert page.json()["total"] in (uploaded + 1, uploaded + 2)
        uploaded = page.json()["total"]
        for item in page.json()["items"]:
            file = await driver.http.get(item["url"])
            assert len(file.content) == item["bytes"]
            assert decode(file.content).size == (item["width"], item["height"])
        if is_complete:
            break
    assert steps > 5
    driver.cleanup_all()
    assert len(driver.stored_files()) == uploaded
    page = await driver.http.get("/library?per_page=100", headers=account.headers)
    assert page.json()["total"] == uploaded


async def test_an_item_deleted_again_after_a_kill_is_gone(driver: KillDriver) -> None:
    account = await driver.app.sign_up(new_phone())
    for steps in itertools.count(1):
        item = await driver.app.upload_item(account, transparent_png())
        path = f"/library/{item['id']}"
        deletion = driver.http.delete(path, headers=account.headers)
        if await driver.completes_before_kill(steps, deletion):
            break
        repeated = await driver.http.delete(path, headers=account.headers)
        assert repeated.status_code in (204, 404)
        assert (await driver.http.get(path, headers=account.headers)).status_code == 404
    assert steps > 4
    driver.cleanup_all()
    assert driver.stored_files() == []
