"""A limit store beside the database: the one in Redis that docs/adapters.md shows."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from pytest_dialtone.examples.redis_limits import open_redis_limits
from tests.support.adapter_runs import run_contract_tests
from tests.support.forked_service import running
from tests.support.plain_http import PLAIN_HTTP
from tests.support.servers.valkey import ValkeyProcess

PROJECT = Path(__file__).parents[2]
FACTORY = f"{open_redis_limits.__module__}:{open_redis_limits.__name__}"
PHONES = [f"+1415559002{number}" for number in range(5)]


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[ValkeyProcess]:
    with ValkeyProcess(tmp_path / "valkey") as valkey:
        yield valkey


def test_limits_in_redis_pass_the_contract_suite(valkey: ValkeyProcess) -> None:
    run = run_contract_tests(FACTORY, "limits", environ={"REDIS_URL": valkey.url})

    assert run.returncode == 0, run.stdout + run.stderr
    assert "passed" in run.stdout


def test_without_redis_nobody_signs_in_and_its_limits_count_after_a_crash(
    tmp_path: Path, valkey: ValkeyProcess
) -> None:
    environ = {
        "DIALTONE_LIMIT_STORE": FACTORY,
        "DIALTONE_SMS_LIMIT_PER_IP": "2/1h",
        "PYTHONPATH": str(PROJECT),
        "REDIS_URL": valkey.url,
    }
    with (
        running(tmp_path / "service", environ) as service,
        httpx.Client(base_url=service.url, **PLAIN_HTTP) as http,
    ):

        def request_otp(phone: str) -> int:
            return http.post("/auth/request-otp", json={"phone": phone}).status_code

        def health() -> tuple[str, str]:
            ready = http.get("/health/ready").json()
            return ready["status"], ready["limits"]

        # The readiness is not read before: a success is held for five seconds.
        assert request_otp(PHONES[0]) == 200
        verification = {"phone": PHONES[0], "otp": service.code(PHONES[0])}
        token = http.post("/auth/verify-otp", json=verification).json()["access_token"]
        assert request_otp(PHONES[1]) == 200

        valkey.kill()
        assert request_otp(PHONES[2]) == 503
        service.wait_for(lambda: health() == ("ready", "Redis failed with ConnectionError"))
        signed_in = http.get("/auth/sessions", headers={"Authorization": f"Bearer {token}"})
        assert signed_in.status_code == 200

        valkey.start()
        assert request_otp(PHONES[3]) == 200
        assert request_otp(PHONES[4]) == 429
        service.wait_for(lambda: health() == ("ready", "ok"))
