"""The last change of the library is read beside the identity, for valid tokens only."""

import asyncio
from collections.abc import Iterator

import pytest

from adapters.sqlite.media_items import SqliteMediaPages
from application.gathering import Completed
from entrypoints.http import shared_reads
from entrypoints.http.library import controller
from entrypoints.http.settings import HttpSettings
from tests.integration.http_driver import HttpDriver, open_http_driver


@pytest.fixture
def driver() -> Iterator[HttpDriver]:
    with open_http_driver(HttpSettings("1", "http://test", 1000)) as opened:
        yield opened


def calls(driver: HttpDriver, token: str) -> tuple[int, list[str]]:
    """Return the status of a page, and what was read for it."""
    driver.house.faults.reset()
    status = driver.get("/library", b"", token).status
    return status, sorted(driver.house.faults.calls)


def test_a_page_is_read_after_the_authentication(driver: HttpDriver) -> None:
    with_authentication = ["identities.load", "media_pages.last_change"]
    page = ["media_pages.count", "media_pages.list_page"]
    token = driver.token()
    assert calls(driver, token) == (200, sorted([*with_authentication, *page]))

    driver.send("POST", "/auth/logout", [], {"authorization": f"Bearer {token}"})
    assert calls(driver, token) == (401, with_authentication)
    assert calls(driver, f"{token}x") == (401, [])


def test_a_page_is_known_until_the_next_change(
    driver: HttpDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Not on a machine that stops for a second either.
    monkeypatch.setattr(shared_reads, "MAX_AGE_SECONDS", 3600.0)
    last_change = 1
    monkeypatch.setattr(SqliteMediaPages, "last_change", lambda _: Completed(last_change))
    token = driver.token()
    with_authentication = ["identities.load", "media_pages.last_change"]
    page = ["media_pages.count", "media_pages.list_page"]

    assert calls(driver, token) == (200, sorted([*with_authentication, *page]))
    assert calls(driver, token) == (200, with_authentication)
    last_change = 2
    assert calls(driver, token) == (200, sorted([*with_authentication, *page]))


def test_a_page_is_read_if_its_last_change_is_not_found_in_time(
    driver: HttpDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(controller, "MAX_WAIT_SECONDS", 0.0)
    token = driver.token()
    driver.house.faults.run_before("media_pages.last_change", asyncio.Event().wait)

    assert driver.get("/library", b"", token).status == 200
    assert driver.house.faults.has_fired


def test_a_page_is_read_if_its_last_change_is_unknown(driver: HttpDriver) -> None:
    token = driver.token()
    driver.house.faults.fail_on("media_pages.last_change")

    assert driver.get("/library", b"", token).status == 200
    assert driver.house.faults.has_fired
