"""Phone numbers and secrets, which the log never contains."""

import json
from pathlib import Path

import pytest

from adapters.logging.formatter import make_formatter
from adapters.logging.masking import mask_phones
from domain.otp.challenge import parse_otp_code
from tests.support.builders import a_challenge, a_phone, an_id, an_identity
from tests.support.log_lines import log_line, make_record, request_fields

PHONE = a_phone()
DIGITS = PHONE.e164.removeprefix("+")


def test_a_phone_and_a_code_are_masked_in_any_value() -> None:
    line = make_formatter("json").format(
        make_record(
            {
                "event": f"delivered to {PHONE.e164}",
                "phone": PHONE,
                "nested": {"to": [PHONE, DIGITS], PHONE.e164: 1},
                "identity": an_identity(phone=PHONE),
                "path": Path(f"/x/{DIGITS}"),
                "error": ValueError(PHONE.e164),
                "given": [parse_otp_code("123456"), a_challenge()],
            }
        )
    )

    assert DIGITS not in line
    assert "123456" not in line
    assert "nonce" in line
    assert "\\u0001" not in line
    assert json.loads(line)["phone"] == PHONE.masked


@pytest.mark.parametrize(
    "text",
    [
        "+14155552671", "004915123456789", "tel14155552671x", "phone=%2B14155552671",
        "+1 (415) 555 2671", "(415) 555-2671", "98765 43210",
        "\uff0b\u0661\u0664\u0661\u0665\u0665\u0665\u0665", "1234567",
    ],
)  # fmt: skip
def test_only_the_last_two_digits_of_a_phone_number_stay(text: str) -> None:
    masked = mask_phones(f"before {text} after")

    assert sum(char.isdigit() for char in masked) <= 3  # with the 2 of %2B
    assert masked.startswith("before ")
    assert masked.endswith(" after")


@pytest.mark.parametrize(
    "text",
    [
        an_id(5), "0123456789abcdef0123456789abcdef", "01234567890123456789012345678901.jpg",
        "550e8400-e29b-41d4-a716-446655440000", "2026-05-01T09:30:00.123456789Z",
        "2026-05-01 09:30:00 +0000", "192.168.100.200:49152", "took 12.123456789 s",
        "worker 123456 of 4",
    ],
)  # fmt: skip
def test_ids_times_ips_and_durations_stay(text: str) -> None:
    assert mask_phones(text) == text


@pytest.mark.parametrize(
    ("request_id", "is_masked"),
    [
        ("1234567890abcdef", False), ("0123456-7890123", False), ("a" * 64, False), (DIGITS, True),
        ("1" * 15, True), ("1" * 16, False),
    ],
)  # fmt: skip
def test_a_request_id_is_masked_only_if_it_is_a_phone_number(
    request_id: str, *, is_masked: bool
) -> None:
    with request_fields(request_id=request_id):
        assert (log_line("x")["request_id"] != request_id) == is_masked


@pytest.mark.parametrize(
    "key",
    [
        "code", "otp", "token", "access_token", "refresh-token", "Authorization", "request_body",
        "cookie", "Set-Cookie", "password", "secret", "pepper", "text", "sign_in_code",
    ],
)  # fmt: skip
def test_the_value_of_a_secret_is_hidden(key: str) -> None:
    for value in ("123456", 123456, ["123456"], b"123456", {"x": "123456"}):
        line = log_line({"event": "x", key: value, "headers": {key: value}, "status_code": 404})

        assert line[key] == line["headers"][key] == "(hidden)"
        assert line["status_code"] == 404
