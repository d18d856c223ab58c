"""The library, as in the contract."""

from pathlib import PurePosixPath
from typing import Any

import httpx
import pytest

from tests.e2e.app import Account, App, bearer
from tests.e2e.deployments import IN_EACH_DEPLOYMENT, embedded
from tests.support.images import animated_gif, transparent_png


async def get_page(http: httpx.AsyncClient, account: Account, **query: object) -> dict[str, Any]:
    params = {"user_id": account.user_id, **{name: str(value) for name, value in query.items()}}
    response = await http.get("/library", params=params, headers=account.headers)
    assert response.status_code == 200, response.text
    page: dict[str, Any] = response.json()
    return page


def item_ids(page: dict[str, Any]) -> list[str]:
    return [item["id"] for item in page["items"]]


@pytest.mark.parametrize("service", [embedded], indirect=True, ids=["embedded"])
async def test_pages_are_newest_first_and_have_totals(
    app: App, http: httpx.AsyncClient, phone: str
) -> None:
    account = await app.sign_up(phone)
    ids = [
        (await app.upload_item(account, transparent_png(), category=f"c{number % 2}"))["id"]
        for number in range(5)
    ]

    first = await get_page(http, account, page=1, per_page=2)
    assert item_ids(first) == ids[:-3:-1]
    assert (first["page"], first["per_page"], first["total"], first["total_pages"]) == (1, 2, 5, 3)
    assert item_ids(await get_page(http, account, page=3, per_page=2)) == ids[:1]
    assert first["total_is_exact"] is True
    second = await get_page(http, account, cursor=first["next_cursor"], per_page=2)
    assert item_ids(second) == ids[2:0:-1]
    # Items are counted only without a cursor.
    assert (second["total"], second["total_is_exact"], second["total_pages"]) == (None, None, None)
    assert (await get_page(http, account, page=5000, per_page=2))["items"] == []
    assert (await get_page(http, account, per_page=1000))["per_page"] == 100
    assert (await get_page(http, account, category="c1"))["total"] == 2
    assert (await get_page(http, account, category="C1"))["total"] == 0
    assert (await get_page(http, account, type="gif"))["total"] == 0
    assert (await get_page(http, account, type="image"))["total"] == 5


@IN_EACH_DEPLOYMENT
async def test_a_media_file_needs_a_token_exactly_where_its_urls_expire(
    app: App, http: httpx.AsyncClient, phone: str
) -> None:
    account = await app.sign_up(phone)
    item = await app.upload_item(account, animated_gif())
    key = "/".join(PurePosixPath(httpx.URL(item["url"]).path).parts[-2:])
    other = f"00/{'0' * 24}-{'0' * 32}.gif"
    content = (await http.get(item["url"])).content
    expires = "url_expires_at" in item

    for path in (f"/media/{key}", f"/media/{other}"):
        for headers in ({}, bearer("no token")):
            response = await http.get(path, headers=headers)
            head = await http.head(path, headers=headers)
            assert response.status_code == head.status_code
            if expires:
                assert (response.status_code, response.json()["code"]) == (401, "unauthenticated")
                assert response.headers["WWW-Authenticate"].startswith("Bearer")
            elif key in path:
                assert (response.status_code, response.content) == (200, content)
                assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
                assert response.headers["X-Content-Type-Options"] == "nosniff"
                assert head.headers["Content-Length"] == str(len(content))
            else:
                assert response.status_code == 404

    response = await http.get(f"/media/{key}", headers=account.headers)
    assert (response.status_code, response.content) == (200, content)
    assert response.headers["Cache-Control"].startswith("private" if expires else "public")
    assert (await http.get(f"/media/{other}", headers=account.headers)).status_code == 404
    etag = {"If-None-Match": response.headers["ETag"], **account.headers}
    response = await http.get(f"/media/{key}", headers=etag)
    assert (response.status_code, response.content) == (304, b"")
    part = {"Range": "bytes=6-9", "If-Range": response.headers["ETag"], **account.headers}
    response = await http.get(f"/media/{key}", headers=part)
    assert (response.status_code, response.content) == (206, content[6:10])
    assert response.headers["Content-Range"] == f"bytes 6-9/{len(content)}"
    after = {"Range": f"bytes={len(content)}-", **account.headers}
    response = await http.get(f"/media/{key}", headers=after)
    assert (response.status_code, response.json()["code"]) == (416, "range_not_satisfiable")
    assert response.headers["Content-Range"] == f"bytes */{len(content)}"
    await http.post("/auth/logout", headers=account.headers)
    response = await http.get(f"/media/{key}", headers=account.headers)
    assert response.status_code == (401 if expires else 200)
