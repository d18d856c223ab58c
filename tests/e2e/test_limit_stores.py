"""A service whose limits are in a store of the operator."""

from pathlib import Path
from typing import Final

import httpx

from tests.support.client import bearer, open_client, sign_in
from tests.support.service import running

PHONES: Final = [f"+1415559002{number}" for number in range(5)]
OWN_LIMITS: Final = """
from contextlib import asynccontextmanager
from pathlib import Path

from application.ports.errors import StorageUnavailable
from tests.contract.examples.memory_database import InMemoryLimits


class OwnLimits(InMemoryLimits):
    def __init__(self):
        super().__init__(self.check)

    async def check(self):
        if Path("away").exists():
            raise StorageUnavailable("the store is away")


@asynccontextmanager
async def open_limits(*, environ):
    yield OwnLimits()
"""


def test_while_an_own_limit_store_is_away_nobody_signs_in_and_sessions_go_on(
    tmp_path: Path,
) -> None:
    (tmp_path / "own_limits.py").write_text(OWN_LIMITS)
    environ = {
        "DIALTONE_LIMIT_STORE": "own_limits:open_limits",
        "DIALTONE_SMS_LIMIT_PER_IP": "2/1h",
    }
    with running(tmp_path, environ) as service, open_client(service) as http:

        def request_otp(phone: str) -> httpx.Response:
            return http.post("/auth/request-otp", json={"phone": phone})

        def health() -> tuple[str, str]:
            ready = http.get("/health/ready").json()
            return ready["status"], ready["limits"]

        # The readiness is not read before: a success is held for five seconds.
        token = sign_in(service, PHONES[0])
        (tmp_path / "away").touch()
        failed = request_otp(PHONES[1])
        assert (failed.status_code, failed.json()["code"]) == (503, "unavailable")
        assert health() == ("ready", "the store is away")
        assert http.get("/auth/sessions", headers=bearer(token)).status_code == 200

        (tmp_path / "away").unlink()
        service.wait_for(lambda: health() == ("ready", "ok"))
        assert [request_otp(phone).status_code for phone in PHONES[2:]] == [200, 200, 429]
