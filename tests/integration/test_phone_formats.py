"""All formats of a number are one phone, in every operation and in both APIs."""

from collections.abc import Iterator
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.phone import PhoneNumber, parse_phone
from entrypoints.http.dependencies import HttpSettings
from tests.integration.http_driver import HttpDriver, open_http_driver
from tests.support.examples import examples

# Ten digits of valid mobile numbers, some of which begin like the country code.
INDIAN: Final = st.from_regex(r"(91[0-8]|98[0-9]|99[0-9])[0-9]{7}", fullmatch=True)
FORMATS: Final = [
    "{}", "0{}", "91{}", "+91{}", "+91 (0) {}", "0091 {}", "\u202a+91-{}\u202c", "0 91 {}",
    "tel:+91{}", "tel:{};phone-context=+91", "+91_{},",
]  # fmt: skip
LEGACY_FORMATS: Final = [
    "91{}", "+91{}", "+91 {}", "(91) {}", "0091 {}", "0 91 {}", "tel:+91-{}", "91,{}",
]  # fmt: skip


@pytest.fixture(scope="module")
def driver() -> Iterator[HttpDriver]:
    with open_http_driver(HttpSettings("1", "http://test", 1000, default_region="IN")) as opened:
        yield opened


def phone_of(digits: str) -> PhoneNumber:
    return parse_phone(f"+91{digits}")


@given(INDIAN, st.lists(st.sampled_from(FORMATS), min_size=3, max_size=3))
@settings(max_examples=examples(25))
def test_a_user_signs_in_and_is_created_with_any_format(
    driver: HttpDriver, digits: str, formats: list[str]
) -> None:
    for_request, for_verification, for_user = (format_.format(digits) for format_ in formats)
    driver.house.advance(hours=12)
    assert driver.post_json("/auth/request-otp", {"phone": for_request}).status == 200
    message = driver.house.messenger.messages[-1]
    assert message.phone == phone_of(digits)
    body = {"phone": for_verification, "otp": message.code}
    token = driver.post_json("/auth/verify-otp", body).body["access_token"]
    user = {"username": f"user {digits}", "number": for_user}
    assert driver.post_json("/users", user, token).status == 201
    other = f"+91{(int(digits) + 1) % 10**10:010d}"
    assert driver.post_json("/users", user | {"number": other}, token).status in (400, 403)


@given(INDIAN, st.sampled_from(FORMATS), st.sampled_from(LEGACY_FORMATS))
@settings(max_examples=examples(15))
def test_a_code_requested_with_the_legacy_api_is_valid_in_the_main_api(
    driver: HttpDriver, digits: str, format_: str, legacy_format: str
) -> None:
    driver.house.advance(hours=12)
    response = driver.post_json("/authenticate/get_otp", {"phone": legacy_format.format(digits)})
    assert response.body == {"message": "success", "exit_code": 0}
    code = driver.house.messenger.messages[-1].code
    body = {"phone": format_.format(digits), "otp": code}
    assert driver.post_json("/auth/verify-otp", body).body["success"] is True
