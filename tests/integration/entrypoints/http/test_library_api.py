"""The pages of the library, and its files."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import httpx
import pytest

from tests.support.app_harness import GIF, AppHarness
from tests.support.builders import a_phone
from tests.support.client import bearer
from tests.support.http_app import open_http_client

UNKNOWN: Final = f"/media/00/{'0' * 24}-{'0' * 32}.gif"


@dataclass(frozen=True, slots=True)
class Library:
    """A user's library."""

    harness: AppHarness
    http: httpx.AsyncClient
    headers: dict[str, str]

    async def add_item(self, category: str | None = None) -> Any:
        """Upload an image; return the item."""
        principal = await self.harness.identities.authenticate(self.headers["Authorization"][7:])
        return (await self.harness.upload_image(principal, GIF, category=category)).item

    async def add_file(self) -> tuple[str, bytes]:
        """Upload an image; return the path and the content of its file."""
        storage_key = (await self.add_item()).storage_key
        return f"/media/{storage_key}", self.harness.files.contents[storage_key]

    async def get_page(self, **query: str | int) -> Any:
        response = await self.http.get("/library", params=query, headers=self.headers)
        assert response.status_code == 200, response.text
        return response.json()


@pytest.fixture
async def library() -> AsyncIterator[Library]:
    harness = AppHarness()
    await harness.add_user(a_phone())
    token = await harness.access_token(a_phone())
    async with open_http_client(harness.use_cases) as http:
        yield Library(harness, http, bearer(token))


def item_ids(page: Any) -> list[str]:
    return [item["id"] for item in page["items"]]


async def test_pages_are_newest_first_and_have_totals(library: Library) -> None:
    ids = []
    for number in range(5):
        ids.append((await library.add_item(f"c{number % 2}")).id)
        library.harness.advance(1)

    first = await library.get_page(page=1, per_page=2)
    assert item_ids(first) == ids[:-3:-1]
    assert (first["page"], first["per_page"], first["total"], first["total_pages"]) == (1, 2, 5, 3)
    assert "total_is_exact" not in first
    assert item_ids(await library.get_page(page=3, per_page=2)) == ids[:1]
    second = await library.get_page(cursor=first["next_cursor"], per_page=2)
    assert item_ids(second) == ids[2:0:-1]
    # Items are counted only without a cursor.
    assert (second["total"], second["total_pages"]) == (None, None)
    assert "total_is_exact" not in second
    after = await library.get_page(page=9, per_page=1000)
    assert (after["items"], after["total"], after["per_page"]) == ([], 5, 100)
    for query, total in ({"category": "c1"}, 2), ({"type": "image"}, 0), ({"type": "gif"}, 5):
        assert (await library.get_page(**query))["total"] == total


@pytest.mark.parametrize("expires", [False, True])
async def test_a_file_needs_a_token_exactly_where_its_urls_expire(
    library: Library, expires: bool
) -> None:
    now = library.harness.clock.now()
    library.harness.files.expires_at = now + timedelta(hours=1) if expires else None
    path, content = await library.add_file()

    for unsigned in ({}, bearer("no token")):
        for file in (path, UNKNOWN):
            response = await library.http.get(file, headers=unsigned)
            head = await library.http.head(file, headers=unsigned)
            assert response.status_code == head.status_code
            if expires:
                assert (response.status_code, response.json()["code"]) == (401, "unauthenticated")
                assert response.headers["WWW-Authenticate"].startswith("Bearer")
            elif file == path:
                assert (response.status_code, response.content) == (200, content)
                assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
                assert response.headers["X-Content-Type-Options"] == "nosniff"
                assert head.headers["Content-Length"] == str(len(content))
            else:
                assert response.status_code == 404

    response = await library.http.get(path, headers=library.headers)
    assert (response.status_code, response.content) == (200, content)
    assert response.headers["Cache-Control"].startswith("private" if expires else "public")
    assert (await library.http.get(UNKNOWN, headers=library.headers)).status_code == 404


async def test_a_file_is_sent_in_parts_and_only_when_it_is_new(library: Library) -> None:
    path, content = await library.add_file()
    etag = (await library.http.get(path)).headers["ETag"]

    known = await library.http.get(path, headers={"If-None-Match": etag})
    assert (known.status_code, known.content) == (304, b"")
    part = await library.http.get(path, headers={"Range": "bytes=6-9", "If-Range": etag})
    assert (part.status_code, part.content) == (206, content[6:10])
    assert part.headers["Content-Range"] == f"bytes 6-9/{len(content)}"
    after = await library.http.get(path, headers={"Range": f"bytes={len(content)}-"})
    assert (after.status_code, after.json()["code"]) == (416, "range_not_satisfiable")
    assert after.headers["Content-Range"] == f"bytes */{len(content)}"
