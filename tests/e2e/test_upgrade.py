"""A database of 0.1.0 goes on with this version."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import httpx
import pytest

from tests.faults.faulty_service import FaultyService
from tests.support.plain_http import PLAIN_HTTP
from tests.support.service import REASON
from tests.support.walker import Walker

RELEASE_0_1_0: Final = Path(__file__).parents[1] / "support/samples/release_0_1_0"
WRITTEN_AT: Final = datetime(2026, 11, 27, 10, 23, tzinfo=UTC)
USER, ADMINISTRATOR, BLOCKED, DELETED, WITH_FAILURE = (
    f"+1415559210{number}" for number in range(1, 6)
)
USER_ID: Final = "6b0959da336e4e7dae17eb11"
REFRESH_TOKEN: Final = (
    "awlZ2jNuTn2uF-sRIbs1-xQwuUNDNpfa8BWECwAAAAL6A4-dDbl4cu1OUbM3FPHIwFurgatCrqHtjuV6BS0JmQ"
)


@pytest.fixture
def walker(tmp_path: Path) -> Iterator[Walker]:
    folder = tmp_path / "service"
    folder.mkdir()
    secrets = folder / "secrets.json"
    shutil.copy(RELEASE_0_1_0 / "secrets.json", secrets)
    secrets.chmod(0o600)
    with closing(sqlite3.connect(folder / "dialtone.db")) as connection:
        connection.executescript((RELEASE_0_1_0 / "sqlite.sql").read_text())
    service = FaultyService(folder)
    # The session would have expired after 90 days.
    service.set_clock_offset(WRITTEN_AT + timedelta(days=1) - datetime.now(UTC))
    try:
        service.start()
        with httpx.Client(base_url=service.url, timeout=20, **PLAIN_HTTP) as http:
            yield Walker(service, http)
    finally:
        service.stop()


def test_sessions_users_items_and_blocks_of_0_1_0_go_on(walker: Walker) -> None:
    # A session
    body = {"refresh_token": REFRESH_TOKEN}
    tokens = walker.http.post("/auth/refresh", json=body).json()
    walker.http.headers["Authorization"] = f"Bearer {tokens['access_token']}"
    me = walker.http.get("/users/me").json()
    assert (me["_id"], me["username"]) == (USER_ID, "Zo\xeb")
    [session] = walker.http.get("/auth/sessions").json()["sessions"]
    assert session["device"] == "Pixel 8"

    # An item
    [item] = walker.http.get("/library").json()["items"]
    assert (item["user_id"], item["category"]) == (USER_ID, "cats")
    assert walker.http.delete(f"/library/{item['id']}").status_code == 204

    # Users
    assert walker.sign_in(USER)["user_id"] == USER_ID
    assert walker.sign_in(ADMINISTRATOR)["username"] == "Asha Rao"
    assert walker.http.get("/users/me").json()["admin"] is True
    assert walker.sign_in(WITH_FAILURE)["username"] is None
    taken = {"username": "zo\xeb", "number": WITH_FAILURE}
    assert walker.http.post("/users", json=taken).json()["code"] == "username_in_use"
    assert walker.sign_in(DELETED)["username"] is None

    # A block, and what operators did
    walker.http.post("/auth/request-otp", json={"phone": BLOCKED})
    assert walker.service.messages(BLOCKED) == []
    assert "stolen" in walker.service.run("audit").stdout
    assert "support" in walker.service.run("admin-token", "list").stdout
    assert walker.service.run("user", "unblock", BLOCKED, *REASON).returncode == 0
    assert walker.service.run("cleanup").returncode == 0
