"""The service is killed (-9) between every two steps of uploads and deletions.

The unit tests do the same with idempotency keys (`test_idempotency.py`), new variants
(`test_variants.py`) and quotas (`test_quota.py`).
"""

import itertools
import re
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from tests.e2e.app import Account, App
from tests.faults.faulty_service import FaultyService, run_faulty_service
from tests.support.images import decode, transparent_png
from tests.support.plain_http import PLAIN_HTTP

MAX_VARIANT_SIZE = 320


@dataclass(frozen=True, slots=True)
class Library:
    """The library of one account in a service that is killed."""

    service: FaultyService
    app: App
    account: Account

    async def is_complete(self, steps: int, request: Awaitable[httpx.Response]) -> bool:
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

    async def items(self) -> list[str]:
        """Return the ids of all items, each of which has its whole file."""
        page = await self.app.http.get("/library?per_page=100", headers=self.account.headers)
        for item in page.json()["items"]:
            file = await self.app.http.get(item["url"])
            assert len(file.content) == item["bytes"]
            assert decode(file.content).size == (item["width"], item["height"])
            for url in item["variants"].values():
                variant = await self.app.http.get(url)
                assert max(decode(variant.content).size) <= MAX_VARIANT_SIZE
        return [item["id"] for item in page.json()["items"]]

    async def assert_nothing_is_left_over(self) -> None:
        """Clean up; assert that items, files and usages match."""
        for _ in range(2):  # after the upload timeout, and after the delay of file deletions
            self.service.advance_clock(timedelta(hours=2))
            cleanup = self.service.run("cleanup")
            assert cleanup.returncode == 0, cleanup.stderr
        check = self.service.run("media", "check", "--repair")
        assert check.returncode == 0, check.stderr
        assert re.findall(r"without .*?: (\d+)", check.stdout) == ["0", "0", "0"]
        assert "corrected usages: 0" in check.stdout
        assert "repaired: 0;" in check.stdout
        items = await self.items()
        assert f"items checked: {len(items)};" in check.stdout
        files = [path for path in (self.service.folder / "media").rglob("*") if path.is_file()]
        assert len(files) >= len(items)


@pytest.fixture
async def library(tmp_path: Path) -> AsyncIterator[Library]:
    with run_faulty_service(tmp_path) as service:
        async with httpx.AsyncClient(base_url=service.url, **PLAIN_HTTP, timeout=30) as http:
            app = App(service, http)
            yield Library(service, app, await app.sign_up("+14155598000"))


# Each step is a start of the service.
@pytest.mark.timeout(240)
async def test_an_upload_is_whole_or_cleaned_up_after_a_kill(library: Library) -> None:
    uploaded = len(await library.items())
    for steps in itertools.count(1):
        upload = library.app.upload(library.account, transparent_png())
        is_complete = await library.is_complete(steps, upload)
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


@pytest.mark.timeout(240)
async def test_a_deletion_is_complete_or_has_not_begun_after_a_kill(library: Library) -> None:
    http, headers = library.app.http, library.account.headers
    kept = await library.items()
    for steps in itertools.count(1):
        item = await library.app.upload_item(library.account, transparent_png())
        path = f"/library/{item['id']}"
        if await library.is_complete(steps, http.delete(path, headers=headers)):
            break
        found = await http.get(path, headers=headers)
        repeated = await http.delete(path, headers=headers)
        assert (found.status_code, repeated.status_code) in ((200, 204), (404, 404))
        assert await library.items() == kept
    assert steps > 3
    await library.assert_nothing_is_left_over()
    assert await library.items() == kept
