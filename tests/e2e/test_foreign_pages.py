"""What browsers may do for pages of other origins: content types, origins and CORS."""

from collections.abc import Iterator
from typing import Final

import httpx
import pytest

from tests.support.client import open_client
from tests.support.forked_service import running

PHONE: Final = "+14155593001"
APP: Final = "https://app.example.org"
PAGE: Final = "https://evil.example"
PATHS: Final = ["/auth/request-otp", "/authenticate/get_otp"]
PREFLIGHT: Final = {"Access-Control-Request-Method": "POST"}
REQUEST_HEADERS: Final = {
    "authorization", "content-type", "idempotency-key", "if-modified-since", "if-none-match",
    "range", "traceparent", "x-requested-with",
}  # fmt: skip


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with (
        running(tmp_path_factory.mktemp("web"), {"DIALTONE_WEB_ORIGINS": APP}) as service,
        open_client(service) as client,
    ):
        yield client


@pytest.mark.parametrize("path", PATHS)
def test_a_listed_origin_gets_a_preflight_response(web: httpx.Client, path: str) -> None:
    headers = {
        "Origin": APP,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": ",".join(sorted(REQUEST_HEADERS)),
    }
    response = web.options(path, headers=headers)
    assert response.status_code == 204
    assert response.headers["access-control-allow-origin"] == APP
    allowed = response.headers["access-control-allow-headers"].lower().split(", ")
    assert set(allowed) >= REQUEST_HEADERS
    assert "POST" in response.headers["access-control-allow-methods"]
    assert "access-control-allow-credentials" not in response.headers
    assert response.headers["vary"] == "Origin"


@pytest.mark.parametrize("origin", [PAGE, "null", APP.replace("https", "http")])
def test_only_the_log_names_the_setting_of_a_foreign_preflight(
    web: httpx.Client, origin: str
) -> None:
    for path in (PATHS[0], "/library/0123456789abcdef01234567", "/nowhere"):
        response = web.options(path, headers={"Origin": origin, **PREFLIGHT})
        assert (response.status_code, response.json()["code"]) == (403, "origin_not_allowed")
        assert "DIALTONE_" not in response.text
        assert not any(name.startswith("access-control-") for name in response.headers)


def test_what_is_no_foreign_preflight_is_answered_as_ever(web: httpx.Client) -> None:
    own = {"Origin": str(web.base_url).rstrip("/"), **PREFLIGHT}
    for headers in (own, {"Origin": PAGE}, {"Origin": APP}, PREFLIGHT, {}):
        main = web.options(PATHS[0], headers=headers)
        assert (main.status_code, main.headers["allow"]) == (204, "OPTIONS, POST")
    for headers in ({"Origin": PAGE, **PREFLIGHT}, {"Origin": PAGE}, {"Origin": APP}, {}):
        legacy = web.options(PATHS[1], headers=headers)
        assert (legacy.status_code, legacy.json()["exit_code"]) == (405, 1)
        assert not any(name.startswith("access-control-") for name in legacy.headers)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/health/live", 200), ("GET", "/users/me", 401), ("GET", "/auth/request-otp", 405),
        ("POST", "/auth/verify-otp", 415), ("POST", "/authenticate/nowhere", 404),
    ],
)  # fmt: skip
def test_a_listed_origin_can_read_every_response(
    web: httpx.Client, method: str, path: str, status: int
) -> None:
    content = b"{}" if method == "POST" else None
    response = web.request(method, path, content=content, headers={"Origin": APP})
    assert response.status_code == status
    assert response.headers["access-control-allow-origin"] == APP
    assert response.headers["x-content-type-options"] == "nosniff"
    exposed = response.headers["access-control-expose-headers"].split(", ")
    assert {"ETag", "Location", "Retry-After", "X-Request-Id", "Content-Range"} <= set(exposed)
    other = web.request(method, path, headers={"Origin": PAGE} if method != "POST" else {})
    assert other.headers["vary"] == "Origin"
    assert not any(name.startswith("access-control-") for name in other.headers)
