"""An administrator whose login is older than a day, over HTTP with a moved clock."""

from datetime import timedelta
from pathlib import Path

import httpx

from tests.faults.faulty_service import FaultyService, run_faulty_service
from tests.support.images import encode, sample_image
from tests.support.plain_http import PLAIN_HTTP

ADMINISTRATOR, MEMBER = "+14155571001", "+14155571002"
DAY = timedelta(days=1)


def log_in(service: FaultyService, http: httpx.Client, phone: str, message: int = 1) -> str:
    """Log in and create the user; return its id."""
    http.post("/auth/request-otp", json={"phone": phone})
    body = {"phone": phone, "otp": service.code(phone, message)}
    token = http.post("/auth/verify-otp", json=body).json()["access_token"]
    http.headers["Authorization"] = f"Bearer {token}"
    user_id: str = http.post("/users", json={"username": phone, "number": phone}).json()["user_id"]
    return user_id


def test_an_administrator_acts_for_others_only_within_a_day_of_a_login(tmp_path: Path) -> None:
    with (
        run_faulty_service(tmp_path) as service,
        httpx.Client(base_url=service.url, timeout=30, **PLAIN_HTTP) as http,
    ):
        member = log_in(service, http, MEMBER)
        log_in(service, http, ADMINISTRATOR)

        def upload_for_member() -> httpx.Response:
            files = {"file": ("a.png", encode(sample_image(), "PNG"))}
            return http.post("/library/upload", data={"user_id": member}, files=files)

        assert service.run("promote", ADMINISTRATOR).returncode == 0
        assert http.get("/users/me").status_code == 401
        log_in(service, http, ADMINISTRATOR, 2)
        assert upload_for_member().status_code == 201
        assert http.get(f"/users/{member}").json()["number"] == MEMBER

        service.set_clock_offset(DAY + timedelta(minutes=1))
        rejected = upload_for_member()
        assert rejected.status_code == 403
        assert rejected.json()["code"] == "reauthentication_required"
        assert http.get(f"/users/{member}").json()["number"] != MEMBER
        assert http.get("/users/me").status_code == 200

        log_in(service, http, ADMINISTRATOR, 3)
        assert upload_for_member().status_code == 201
