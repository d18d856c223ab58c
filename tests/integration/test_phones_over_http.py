"""Two spellings of one number are one phone, whichever paths they come by."""

import asyncio
from collections.abc import Iterator
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.phone import PhoneNumber, parse_phone
from entrypoints.http.http_settings import HttpSettings
from tests.integration.http_desk import HttpDesk
from tests.support.examples import examples

# Ten digits of mobile numbers, all of them valid, some beginning like the country code.
INDIAN: Final = st.from_regex(r"(91[0-8]|98[0-9]|99[0-9])[0-9]{7}", fullmatch=True)
SPELLINGS: Final = ["{}", "0{}", "91{}", "+91{}", "+91 (0) {}", "0091 {}", "\u202a+91-{}\u202c"]
OLDER: Final = ["91{}", "+91{}", "+91 {}", "(91) {}"]


@pytest.fixture(scope="module")
def desk() -> Iterator[HttpDesk]:
    with asyncio.Runner() as runner:
        opened = HttpDesk(runner, HttpSettings("1", "http://test", 1000, default_region="IN"))
        yield opened
        opened.close()


def phone_of(ten: str) -> PhoneNumber:
    return parse_phone(f"+91{ten}")


@given(INDIAN, st.lists(st.sampled_from(SPELLINGS), min_size=3, max_size=3))
@settings(max_examples=examples(25))
def test_who_signs_in_by_one_spelling_is_that_user_by_any(
    desk: HttpDesk, ten: str, spellings: list[str]
) -> None:
    asked, answered, named = (spelling.format(ten) for spelling in spellings)
    desk.house.wait(hours=12)
    assert desk.post_json("/auth/request-otp", {"phone": asked}).status == 200
    message = desk.house.messenger.messages[-1]
    assert message.phone == phone_of(ten)
    told = desk.post_json("/auth/verify-otp", {"phone": answered, "otp": message.code}).told
    user = {"username": f"user {ten}", "number": named}
    created = desk.post_json("/users", user, told["access_token"])
    assert created.status == 201
    other = f"+91{(int(ten) + 1) % 10**10:010d}"
    refused = desk.post_json("/users", user | {"number": other}, told["access_token"])
    assert refused.status in (400, 403)


@given(INDIAN, st.sampled_from(SPELLINGS), st.sampled_from(OLDER))
@settings(max_examples=examples(15))
def test_a_code_asked_for_by_the_older_app_is_the_phones_for_the_newer_one(
    desk: HttpDesk, ten: str, spelling: str, older: str
) -> None:
    desk.house.wait(hours=12)
    body = {"phone": older.format(ten)}
    assert desk.post_json("/authenticate/get_otp", body).told == {
        "message": "success",
        "exit_code": 0,
    }
    code = desk.house.messenger.messages[-1].code
    told = desk.post_json("/auth/verify-otp", {"phone": spelling.format(ten), "otp": code}).told
    assert told["success"] is True
