"""The service is killed (-9) between every two steps of uploads, deletions and new variants."""

import itertools
import re
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

import httpx
import pytest

from domain.media.item import UPLOAD_TIMEOUT
from tests.e2e.app import Account, App
from tests.e2e.deployments import servers
from tests.faults.faulty_service import FaultyService, run_faulty_service
from tests.faults.test_killed_at_every_step import KillDriver
from tests.support.images import decode, transparent_png
from tests.support.plain_http import PLAIN_HTTP
from tests.support.servers.s3 import S3Server

MAX_VARIANT_SIZE = 320
StoredFiles = Callable[[], list[str]]


@dataclass(frozen=True, slots=True)
class Library:
    """The library of one account in a service that is killed."""

    driver: KillDriver
    app: App
    account: Account
    stored_files: StoredFiles

    async def items(self) -> list[str]:
        """Return the ids of all items, each of which has its whole file."""
        page = await self.driver.http.get("/library?per_page=100", headers=self.account.headers)
        for item in page.json()["items"]:
            file = await self.driver.http.get(item["url"])
            assert len(file.content) == item["bytes"]
            assert decode(file.content).size == (item["width"], item["height"])
            for url in item["variants"].values():
                variant = await self.driver.http.get(url)
                assert max(decode(variant.content).size) <= MAX_VARIANT_SIZE
        return [item["id"] for item in page.json()["items"]]

    async def assert_nothing_is_left_over(self) -> None:
        """Clean up; assert that items, files and usages match."""
        service = self.driver.service
        for _ in range(2):  # after the upload timeout, and after the delay of file deletions
            service.advance_clock(timedelta(hours=2))
            cleanup = service.run("cleanup")
            assert cleanup.returncode == 0, cleanup.stderr
        check = service.run("media", "check", "--repair")
        assert check.returncode == 0, check.stderr
        assert re.findall(r"without .*?: (\d+)", check.stdout) == ["0", "0", "0"]
        assert "corrected usages: 0" in check.stdout
        assert "repaired: 0;" in check.stdout
        items = await self.items()
        assert f"items checked: {len(items)};" in check.stdout
        assert len(self.stored_files()) >= len(items)


@pytest.fixture(scope="module", params=["mongo-s3", "sqlite-disk"])
def deployment(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[FaultyService, StoredFiles]]:
    is_on_servers = request.param == "mongo-s3"
    with servers(request) as (environ, inbox):
        prefix = environ["DIALTONE_MEDIA"].rpartition("/")[2]
        if not is_on_servers:
            del environ["DIALTONE_DATABASE"], environ["DIALTONE_MEDIA"]
        folder = tmp_path_factory.mktemp("killed")
        s3_server: S3Server = request.getfixturevalue("s3_server")

        def stored_files() -> list[str]:
            if is_on_servers:
                return s3_server.keys(f"{prefix}/")
            return [str(path) for path in (folder / "media").rglob("*") if path.is_file()]

        with run_faulty_service(folder, environ, inbox) as service:
            yield service, stored_files


@pytest.fixture
async def library(deployment: tuple[FaultyService, StoredFiles]) -> AsyncIterator[Library]:
    service, stored_files = deployment
    async with httpx.AsyncClient(base_url=service.url, **PLAIN_HTTP, timeout=30) as http:
        app = App(service, http)
        account = await app.sign_up("+14155598000")
        yield Library(KillDriver(service, http), app, account, stored_files)


async def test_an_upload_is_whole_or_cleaned_up_after_a_kill(library: Library) -> None:
    uploaded = len(await library.items())
    for steps in itertools.count(1):
        upload = library.app.upload(library.account, transparent_png())
        is_complete = await library.driver.completes_before_kill(steps, upload)
        if not is_complete:
            await library.app.upload_item(library.account, transparent_png())
        # A kill after the last step loses only the response.
        now_uploaded = len(await library.items())
        assert now_uploaded in (uploaded + 1, uploaded + 2)
        uploaded = now_uploaded
        if is_complete:
            break
    assert steps > 5
    await library.assert_nothing_is_left_over()
    assert len(await library.items()) == uploaded


async def test_one_idempotency_key_makes_one_item_after_a_kill(library: Library) -> None:
    service, image = library.driver.service, transparent_png(20, 20)
    kept = await library.items()
    for steps in itertools.count(1):
        app = replace(library.app, headers={"Idempotency-Key": f"key-{steps}"})
        is_complete = await library.driver.completes_before_kill(
            steps, app.upload(library.account, image)
        )
        response = await app.upload(library.account, image)
        if response.status_code == 409:  # still under way, as far as the service knows
            service.advance_clock(UPLOAD_TIMEOUT)
            response = await app.upload(library.account, image)
        assert response.status_code == 201, response.text
        kept = [response.json()["id"], *kept]
        assert await library.items() == kept
        if is_complete:
            break
    assert steps > 7
    await library.assert_nothing_is_left_over()
    assert await library.items() == kept


async def test_variants_are_whole_after_a_kill_while_they_are_made_again(library: Library) -> None:
    service, http, headers = library.driver.service, library.driver.http, library.account.headers
    for item_id in await library.items():  # those of other tests
        assert (await http.delete(f"/library/{item_id}", headers=headers)).status_code == 204
    item = await library.app.upload_item(library.account, transparent_png())
    kept = [item["id"]]
    for steps in itertools.count(1):
        service.settings["DIALTONE_MEDIA_VARIANTS"] = f"thumb:{steps + 8}x{steps + 8}"
        service.kill_after(steps, command="media")
        rebuilt = service.run("media", "rebuild-variants")
        service.keep_alive(command="media")
        assert await library.items() == kept
        if rebuilt.returncode == 0:
            break
        assert rebuilt.returncode == -signal.SIGKILL, rebuilt.stderr
        repeated = service.run("media", "rebuild-variants")
        assert repeated.returncode == 0, repeated.stderr
    assert steps > 8
    del service.settings["DIALTONE_MEDIA_VARIANTS"]
    found = await http.get(f"/library/{item['id']}", headers=headers)
    (url,) = found.json()["variants"].values()
    assert f"-{steps + 8}x{steps + 8}-" in url
    await library.assert_nothing_is_left_over()
    assert await library.items() == kept


async def test_a_deletion_is_complete_or_has_not_begun_after_a_kill(library: Library) -> None:
    http, headers = library.driver.http, library.account.headers
    kept = await library.items()
    for steps in itertools.count(1):
        item = await library.app.upload_item(library.account, transparent_png())
        path = f"/library/{item['id']}"
        if await library.driver.completes_before_kill(steps, http.delete(path, headers=headers)):
            break
        found = await http.get(path, headers=headers)
        repeated = await http.delete(path, headers=headers)
        assert (found.status_code, repeated.status_code) in ((200, 204), (404, 404))
        assert await library.items() == kept
    assert steps > 3
    await library.assert_nothing_is_left_over()
    assert await library.items() == kept
