"""A service whose limits are in Redis."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.client import open_client
from tests.support.servers.redis import RedisProcess
from tests.support.service import running

PASSWORD = "tops3cret"
PHONES = [f"+1415559002{number}" for number in range(7)]


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisProcess]:
    with RedisProcess(tmp_path / "redis", "--requirepass", PASSWORD) as redis:
        yield redis


@pytest.fixture
def environ(tmp_path: Path, redis: RedisProcess) -> dict[str, str]:
    file = tmp_path / "limit_store_url"
    file.write_text(f"redis://:{PASSWORD}@{redis.address}/0?timeout=1\n")
    file.chmod(0o600)
    return {"DIALTONE_LIMIT_STORE_FILE": str(file), "DIALTONE_SMS_LIMIT_PER_IP": "2/1h"}


def test_without_redis_nobody_signs_in_and_its_limits_count_after_a_crash(
    tmp_path: Path, redis: RedisProcess, environ: dict[str, str]
) -> None:
    with (
        running(tmp_path / "service", environ) as service,
        open_client(service) as http,
    ):

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

        redis.pause()
        for phone in PHONES[2:5]:
            failed = request_otp(phone)
            assert (failed.status_code, failed.json()["code"]) == (503, "unavailable")
            assert int(failed.headers["retry-after"]) > 0
        service.wait_for(lambda: '"database_unavailable"' in service.log)

        redis.kill()  # before it counts what it was asked while it did not answer
        service.wait_for(lambda: health() == ("ready", "Redis failed with ConnectionError"))
        signed_in = http.get("/auth/sessions", headers={"Authorization": f"Bearer {token}"})
        assert signed_in.status_code == 200

        redis.start()
        service.wait_for(lambda: health() == ("ready", "ok"))
        assert request_otp(PHONES[5]).status_code == 200
        assert request_otp(PHONES[6]).status_code == 429
    assert PASSWORD not in service.log
