"""The service is killed (-9) between every two steps of a request, which the client repeats.

A step is a call to database, files or messenger. The unit tests do the same with every use case.
"""

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

import httpx
import pytest

from tests.e2e.app import App
from tests.e2e.deployments import servers
from tests.faults.faulty_service import FaultyService, run_faulty_service
from tests.support.images import decode, transparent_png
from tests.support.plain_http import PLAIN_HTTP
from tests.support.servers.s3 import S3Server


@dataclass(frozen=True, slots=True)
class KillDriver:
    """A service that is killed in the middle of a request; `stored_files` lists its files."""

    service: FaultyService
    http: httpx.AsyncClient
    stored_files: Callable[[], list[str]]

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


@pytest.fixture(scope="module")
def deployment(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[FaultyService, Callable[[], list[str]]]]:
    """A service on MongoDB and S3."""
    with servers(request) as (environ, inbox):
        server: S3Server = request.getfixturevalue("s3_server")
        prefix = environ["DIALTONE_MEDIA"].rpartition("/")[2]
        with run_faulty_service(tmp_path_factory.mktemp("killed"), environ, inbox) as service:
            yield service, lambda: server.keys(f"{prefix}/")


@pytest.fixture
async def driver(
    deployment: tuple[FaultyService, Callable[[], list[str]]],
) -> AsyncIterator[KillDriver]:
    service, stored_files = deployment
    async with httpx.AsyncClient(base_url=service.url, **PLAIN_HTTP, timeout=30) as http:
        yield KillDriver(service, http, stored_files)


async def test_a_repeated_request_after_a_kill_leads_to_a_login(driver: KillDriver) -> None:
    service, http = driver.service, driver.http
    for steps in itertools.count(1):
        phone = f"+1415559{steps:04d}"
        request = http.post("/auth/request-otp", json={"phone": phone})
        if await driver.completes_before_kill(steps, request):
            break
        repeated = await http.post("/auth/request-otp", json={"phone": phone})
        assert repeated.status_code == 200, repeated.text
        if not service.messages(phone):
            # The delivery was recorded, but its result is unknown.
            assert repeated.json()["sent"] is False
            service.advance_clock(timedelta(seconds=repeated.json()["resend_in"]))
            again = await http.post("/auth/request-otp", json={"phone": phone})
            assert again.json()["sent"] is True
        assert len(service.messages(phone)) == 1
        body = {"phone": phone, "otp": service.code(phone)}
        for is_correct in (True, False):
            verified = await http.post("/auth/verify-otp", json=body)
            assert verified.json()["success"] is is_correct, verified.text
    assert steps > 3


async def test_a_repeated_verification_after_a_kill_leads_to_a_login(driver: KillDriver) -> None:
    service, http = driver.service, driver.http
    for steps in itertools.count(1):
        phone = f"+1415557{steps:04d}"
        await http.post("/auth/request-otp", json={"phone": phone})
        body = {"phone": phone, "otp": service.code(phone)}
        if await driver.completes_before_kill(steps, http.post("/auth/verify-otp", json=body)):
            break
        verified = (await http.post("/auth/verify-otp", json=body)).json()
        if not verified["success"]:
            # The session was saved, and its response lost: a new code is sent at once.
            await http.post("/auth/request-otp", json={"phone": phone})
            body["otp"] = service.code(phone, 2)
            verified = (await http.post("/auth/verify-otp", json=body)).json()
        assert verified["success"] is True
    assert steps > 3


async def test_an_upload_is_whole_or_cleaned_up_after_a_kill(driver: KillDriver) -> None:
    app = App(driver.service, driver.http)
    account = await app.sign_up("+14155598000")
    uploaded = 0
    for steps in itertools.count(1):
        upload = app.upload(account, transparent_png())
        is_complete = await driver.completes_before_kill(steps, upload)
        if not is_complete:
            await app.upload_item(account, transparent_png())
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
    for _ in range(2):  # after the upload timeout, and after the delay of file deletions
        driver.service.advance_clock(timedelta(hours=2))
        cleanup = driver.service.run("cleanup")
        assert cleanup.returncode == 0, cleanup.stderr
    assert len(driver.stored_files()) == uploaded
    page = await driver.http.get("/library?per_page=100", headers=account.headers)
    assert page.json()["total"] == uploaded
