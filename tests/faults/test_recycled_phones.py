"""The owner of a phone changes while nobody uses it, over HTTP and with the command."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx

from tests.faults.faulty_service import FaultyService, run_faulty_service
from tests.support.plain_http import PLAIN_HTTP

UNUSED = timedelta(days=366)
NUMBER = "+14155571000"


def log_in(
    service: FaultyService, http: httpx.Client, message: int, device_token: str | None = None
) -> dict[str, Any]:
    body = {"phone": NUMBER, "device_token": device_token}
    assert http.post("/auth/request-otp", json=body).json()["sent"] is True
    body["otp"] = service.code(NUMBER, message)
    tokens: dict[str, Any] = http.post("/auth/verify-otp", json=body).json()
    http.headers["Authorization"] = f"Bearer {tokens['access_token']}"
    return tokens


def create_user(http: httpx.Client) -> str:
    body = {"username": "Rahul Sharma", "number": NUMBER}
    response = http.post("/users", json=body)
    assert response.status_code == 201, response.text
    user_id: str = response.json()["user_id"]
    return user_id


def test_a_phone_that_was_unused_for_a_year_has_a_new_owner_until_it_is_restored(
    tmp_path: Path,
) -> None:
    settings = {"DIALTONE_RECYCLED_AFTER": "365d", "DIALTONE_SESSION_IDLE_TIMEOUT": "400d"}
    with (
        run_faulty_service(tmp_path, settings) as service,
        httpx.Client(base_url=service.url, timeout=30, **PLAIN_HTTP) as http,
    ):
        first = log_in(service, http, 1)
        first_id = create_user(http)
        service.set_clock_offset(UNUSED / 3)
        log_in(service, http, 2, first["device_token"])
        assert create_user(http) == first_id

        service.set_clock_offset(UNUSED / 3 + UNUSED)
        log_in(service, http, 3)
        second_id = create_user(http)
        assert second_id != first_id
        assert http.get(f"/users/{first_id}").status_code == 404

        restored = service.run("restore-identity", first_id)
        assert restored.returncode == 0, restored.stderr
        assert http.get("/users/me").status_code == 401
        log_in(service, http, 4)
        assert create_user(http) == first_id
