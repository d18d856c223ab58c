"""Test numbers with a fixed code, configured by an operator."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from tests.support.plain_http import PLAIN_HTTP
from tests.support.service import Service, running

CODE: Final = "123456"
WRONG_CODE: Final = "654321"
TEST_NUMBER: Final = "+14155570001"


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """A service that delivers to India only, with an American test number."""
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    numbers = f"{TEST_NUMBER}={CODE}@{tomorrow:%Y-%m-%d}"
    with running(tmp_path, {"DIALTONE_TEST_OTPS": numbers, "DIALTONE_COUNTRIES": "IN"}) as started:
        yield started


def post(service: Service, path: str, **body: str) -> dict[str, Any]:
    response = httpx.post(f"{service.url}{path}", json=body, timeout=20, **PLAIN_HTTP)
    parsed: dict[str, Any] = response.json()
    return parsed


def test_the_code_signs_in_again_and_again_in_both_apis_without_a_message(
    service: Service,
) -> None:
    phone = TEST_NUMBER
    for _ in range(3):
        assert post(service, "/auth/request-otp", phone=phone)["sent"] is True
        assert post(service, "/auth/verify-otp", phone=phone, otp=CODE)["success"] is True
    assert post(service, "/authenticate/get_otp", phone=phone)["exit_code"] == 0
    wrong = post(service, "/authenticate/validate_otp", phone=phone, otp=WRONG_CODE)
    assert wrong["status_code"] == 403
    assert post(service, "/authenticate/validate_otp", phone=phone, otp=CODE)["exit_code"] == 0

    assert service.messages(phone) == []
    other = post(service, "/auth/request-otp", phone="+14155569999")
    assert other["field_errors"][0]["code"] == "country_not_served"
    signed_out = service.run("sign-out", phone)
    assert signed_out.stdout.endswith("revoked sessions: 4.\n")
    refused = service.run("promote", phone)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "DIALTONE_TEST_OTPS" in refused.stderr
    assert phone not in refused.stderr
