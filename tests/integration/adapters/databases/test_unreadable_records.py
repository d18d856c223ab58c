"""A record that cannot be read is a fault of the service: its client stays signed in."""

from collections.abc import Iterator

import pytest

from application.ports.errors import CorruptRecord, PortError, StorageUnavailable
from tests.integration.http_driver import HttpDriver, open_http_driver
from tests.support.http_settings import make_http_settings

SETTINGS = make_http_settings()


@pytest.fixture
def driver() -> Iterator[HttpDriver]:
    with open_http_driver(SETTINGS) as opened:
        yield opened


@pytest.mark.parametrize("error", [CorruptRecord("damaged"), StorageUnavailable("another answer")])
@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/users/me"), ("POST", "/auth/logout"), ("GET", "/admin/statistics")],
)
def test_whose_token_is_valid_gets_a_503(
    driver: HttpDriver, error: PortError, method: str, path: str
) -> None:
    token = driver.token()

    async def fail() -> None:
        raise error

    driver.harness.faults.run_before("identities.load", fail)
    response = driver.post_json(path, {}, token, method)

    assert (response.status, response.body["code"]) == (503, "unavailable")
    assert driver.get("/auth/sessions", b"", token).status == 200
