"""The responses while the database fails, or has too many calls."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final

import httpx
import pytest
from structlog.testing import capture_logs

from application.ports.errors import StorageError, StorageOverloaded, StorageUnavailable
from tests.integration.entrypoints.http.uploads import CONTENT_TYPE, file_part, form, user_part
from tests.support.app_harness import AppHarness
from tests.support.builders import a_phone
from tests.support.client import bearer
from tests.support.http_app import open_http_client

PHONE: Final = a_phone().e164
OTP: Final = {"phone": PHONE, "otp": "123456"}
USER: Final = {"username": "Somebody", "number": PHONE}
UPLOAD: Final = {
    "content": form(file_part(), user_part("a" * 24)),
    "headers": {"content-type": CONTENT_TYPE},
}
WITH_OWN_ERRORS: Final[list[tuple[str, str, dict[str, Any]]]] = [
    ("POST", "/users", {"json": USER}),
    ("GET", "/library", {}),
    ("POST", "/library/upload", UPLOAD),
]
OTHERS: Final[list[tuple[str, str, dict[str, Any]]]] = [
    ("POST", "/auth/request-otp", {"json": {"phone": PHONE}}),
    ("POST", "/auth/verify-otp", {"json": OTP}),
    ("GET", "/users/me", {}),
]
LEGACY: Final = ("/authenticate/get_otp", "/authenticate/validate_otp")


@dataclass(frozen=True, slots=True)
class FailingService:
    """The application, whose database fails at the first call of each request."""

    harness: AppHarness
    http: httpx.AsyncClient
    token: str

    async def send(
        self, error: StorageError, method: str, path: str, **content: Any
    ) -> httpx.Response:
        async def fail() -> None:
            raise error

        self.harness.faults.run_at(1, fail)
        headers = bearer(self.token) | content.pop("headers", {})
        response = await self.http.request(method, path, headers=headers, **content)
        assert self.harness.faults.has_fired
        return response


@pytest.fixture
async def service() -> AsyncIterator[FailingService]:
    harness = AppHarness()
    token = await harness.access_token()
    async with open_http_client(harness.use_cases) as http:
        yield FailingService(harness, http, token)


async def test_without_the_database_each_operation_has_its_error(service: FailingService) -> None:
    errors = "User creation failed", "Failed to fetch library items", "Failed to save library item"
    for (method, path, content), error in zip(WITH_OWN_ERRORS, errors, strict=True):
        failed = await service.send(StorageUnavailable("away"), method, path, **content)
        assert (failed.status_code, failed.json()["code"]) == (500, "storage_failed")
        assert failed.json()["error"] == error
    for method, path, content in OTHERS:
        failed = await service.send(StorageUnavailable("away"), method, path, **content)
        assert (failed.status_code, failed.json()["code"]) == (503, "unavailable")
        assert failed.headers["retry-after"] == str(failed.json()["retry_after"])
    for path in LEGACY:
        failed = await service.send(StorageUnavailable("away"), "POST", path, json=OTP)
        assert (failed.status_code, failed.json()["exit_code"]) == (500, 5)


async def test_an_overload_is_a_503_for_each_client_and_no_failure(
    service: FailingService,
) -> None:
    with capture_logs() as lines:
        for method, path, content in (*WITH_OWN_ERRORS, *OTHERS):
            rejected = await service.send(StorageOverloaded("full"), method, path, **content)
            assert (rejected.status_code, rejected.json()["code"]) == (503, "overloaded")
            assert rejected.headers["retry-after"] == "5"
        for path in LEGACY:
            rejected = await service.send(StorageOverloaded("full"), "POST", path, json=OTP)
            assert (rejected.status_code, rejected.json()["exit_code"]) == (503, 5)
            assert "error 503 Service Unavailable: " in rejected.json()["error"]
    assert {line["event"] for line in lines} == {"http_request"}
