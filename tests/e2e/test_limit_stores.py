"""A service whose limits are in a store of the operator."""

from pathlib import Path
from typing import Final

import httpx

from tests.support.client import open_client
from tests.support.service import running

PHONES: Final = [f"+1415559002{number}" for number in range(7)]
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
        assert request_otp(PHONES[0]).status_code == 200
        verification = {"phone": PHONES[0], "otp": service.code(PHONES[0])}
        token = http.post("/auth/verify-otp", json=verification).json()["access_token"]
        assert request_otp(PHONES[1]).status_code == 200

        (tmp_path / "away").touch()
        for phone in PHONES[2:5]:
            failed = request_otp(phone)
            assert (failed.status_code, failed.json()["code"]) == (503, "unavailable")
            assert int(failed.headers["retry-after"]) > 0
        service.wait_for(lambda: '"database_unavailable"' in service.log)
        assert health() == ("ready", "the store is away")
        signed_in = http.get("/auth/sessions", headers={"Authorization": f"Bearer {token}"})
        assert signed_in.status_code == 200

        (tmp_path / "away").unlink()
        service.wait_for(lambda: health() == ("ready", "ok"))
        assert request_otp(PHONES[5]).status_code == 200
        assert request_otp(PHONES[6]).status_code == 429
