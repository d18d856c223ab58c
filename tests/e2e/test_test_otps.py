"""Test numbers with a fixed code, configured by an operator."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx
import pytest

from tests.support.plain_http import PLAIN_HTTP
from tests.support.service import Service, running

CODE: Final = "123456"
WRONG_CODE: Final = "654321"
TEST_NUMBERS: Final = ("+14155570001", "+14155570002")
EXPIRED_TEST_NUMBER: Final = "+919876543210"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that delivers to India only, with American test numbers."""
    now = datetime.now(UTC)
    tomorrow, yesterday = now + timedelta(days=1), now - timedelta(days=1)
    numbers = [f"{number}={CODE}@{tomorrow:%Y-%m-%d}" for number in TEST_NUMBERS]
    expired = f"{EXPIRED_TEST_NUMBER}={CODE}@{yesterday:%Y-%m-%d}"
    settings = {
        "DIALTONE_TEST_OTPS": ",".join([*numbers, expired]),
        "DIALTONE_COUNTRIES": "IN",
    }
    with running(tmp_path_factory.mktemp("reviewed"), settings) as started:
        yield started


def post(service: Service, path: str, **body: str) -> dict[str, Any]:
    response = httpx.post(f"{service.url}{path}", json=body, timeout=20, **PLAIN_HTTP)
    parsed: dict[str, Any] = response.json()
    return parsed


def test_the_code_signs_in_again_and_again_in_both_apis_without_a_message(
    service: Service,
) -> None:
    phone = TEST_NUMBERS[0]
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


def test_a_blocked_test_number_cannot_sign_in(service: Service) -> None:
    phone = TEST_NUMBERS[1]
    usual = post(service, "/auth/request-otp", phone=phone)
    assert service.run("block", phone).returncode == 0

    blocked = post(service, "/auth/request-otp", phone=phone)

    assert blocked.pop("request_id") != usual.pop("request_id")
    assert blocked.keys() == usual.keys()
    rejected = post(service, "/auth/verify-otp", phone=phone, otp=CODE)
    assert rejected == {"success": False, "message": "Invalid OTP", "attempts_left": 4}


def test_after_its_last_day_it_is_an_ordinary_phone(service: Service) -> None:
    phone = EXPIRED_TEST_NUMBER
    assert post(service, "/auth/request-otp", phone=phone)["sent"] is True
    assert post(service, "/auth/request-otp", phone=phone)["sent"] is False
    code = service.code(phone)
    fixed = post(service, "/auth/verify-otp", phone=phone, otp=CODE)
    assert fixed["success"] is (code == CODE)
    assert service.messages(phone) == [code]
