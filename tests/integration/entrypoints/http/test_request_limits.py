"""Identities and client IPs have limits of requests, which the database never sees."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from domain.otp.sliding_window import SlidingWindow
from tests.integration.http_driver import HttpDriver, Response, open_http_driver
from tests.support.http_settings import make_http_settings

LIMIT = 3
WINDOW = SlidingWindow(LIMIT, timedelta(hours=1))
SETTINGS = make_http_settings(request_limit_per_identity=WINDOW, refresh_limit_per_ip=WINDOW)


@pytest.fixture
def driver() -> Iterator[HttpDriver]:
    with open_http_driver(SETTINGS) as opened:
        yield opened


def assert_limited(response: Response) -> None:
    assert (response.status, response.body["code"]) == (429, "rate_limited")
    assert 0 < response.body["retry_after"] <= 3600 / LIMIT


def test_an_identity_has_one_limit_for_all_of_its_tokens_and_paths(driver: HttpDriver) -> None:
    first, second = driver.token(), driver.token()
    for token in (first, second, first):
        assert driver.get("/library", b"", token).status == 200

    assert_limited(driver.get("/library", b"", first))
    assert_limited(driver.get("/auth/sessions", b"", second))
    assert_limited(driver.post_json("/users", {}, first))


def log_out(driver: HttpDriver, token: str) -> int:
    headers = {"authorization": f"Bearer {token}"}
    return driver.send("POST", "/auth/logout", [], headers).status


def test_an_ended_session_uses_up_no_limit_and_an_identity_at_it_can_still_sign_out(
    driver: HttpDriver,
) -> None:
    ended, active = driver.token(), driver.token()
    assert log_out(driver, ended) == 204
    for _ in range(2 * LIMIT):
        assert driver.get("/library", b"", ended).status == 401
    assert driver.get("/library", b"", active).status == 200
    while driver.get("/library", b"", active).status == 200:
        pass
    assert log_out(driver, active) == 204


def test_logouts_with_an_invalid_access_token_are_limited_by_ip(driver: HttpDriver) -> None:
    ended = driver.token()
    assert log_out(driver, ended) == 204
    for token in ("garbage", ended, "garbage"):
        assert log_out(driver, token) == 401

    assert log_out(driver, "garbage") == log_out(driver, ended) == 429
    assert_limited(driver.post_json("/auth/refresh", {"refresh_token": "0" * 86}))


@pytest.mark.parametrize("path", ["/auth/refresh", "/auth/logout"])
def test_an_ip_is_limited_before_the_body_and_the_database(driver: HttpDriver, path: str) -> None:
    body = {"refresh_token": "0" * 86}
    for _ in range(LIMIT):
        assert driver.post_json(path, body).status in (204, 401)
    driver.harness.database.is_unavailable = True

    assert_limited(driver.post_json(path, body))
    assert_limited(driver.send("POST", path, [b"not JSON"], {}))


def test_delivery_statuses_are_limited_by_ip(driver: HttpDriver) -> None:
    path = f"/auth/requests/{'0' * 64}"
    for _ in range(LIMIT):
        assert driver.get(path, b"", "").body == {"status": "queued"}

    assert_limited(driver.get(path, b"", ""))
