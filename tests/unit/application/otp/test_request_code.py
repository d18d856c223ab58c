"""Asking for a code."""

import re

import pytest

from application.otp.request_otp import RequestOtpCommand
from application.otp.verify_otp import LoggedIn
from application.wiring import Policy
from domain.errors import CountryNotServed, TooManyOtpRequests, Unavailable
from domain.otp.templates.preferences import MessagePreferences, Platform
from domain.phone import parse_phone
from tests.support.builders import CLIENT_IP, a_phone
from tests.unit.application.wiring import House

ELSEWHERE = "198.51.100.20"


@pytest.fixture
def house() -> House:
    return House()


async def test_a_message_with_the_code_goes_to_the_phone(house: House) -> None:
    sent = await house.ask(a_phone(7))
    assert sent.sent
    (message,) = house.messenger.messages
    assert message.phone == a_phone(7)
    assert re.fullmatch(r"\d{6}", message.code)


async def test_the_text_is_wanted_for_the_phones_country_and_in_the_form_asked_for(
    house: House,
) -> None:
    preferences = MessagePreferences(Platform.ANDROID, "pt-BR", "FA+9qCX9VSu")
    await house.use_cases.request_otp(
        RequestOtpCommand(parse_phone("+919876543210"), CLIENT_IP, preferences)
    )
    (message,) = house.messenger.messages
    assert message.text == f"{message.code} IN android pt-BR FA+9qCX9VSu 0:05:00"


async def test_a_resend_in_another_form_has_the_same_code_and_the_time_that_is_left(
    house: House,
) -> None:
    await house.ask()
    house.wait(100)
    await house.use_cases.request_otp(
        RequestOtpCommand(a_phone(), CLIENT_IP, MessagePreferences(Platform.WEB, "de"))
    )
    first, second = house.messenger.messages
    assert second.text == f"{first.code} US web de None 0:03:20"


async def test_the_caller_learns_how_long_the_code_lives_and_when_to_ask_again(
    house: House,
) -> None:
    sent = await house.ask()
    assert (sent.expires_in, sent.resend_in) == (300, 15)


async def test_a_request_id_has_128_random_bits_and_is_never_the_same(house: House) -> None:
    ids = set()
    for number in range(20):
        sent = await house.ask(a_phone(number))
        assert re.fullmatch(r"[0-9a-f]{32}", sent.request_id)
        ids.add(sent.request_id)
    assert len(ids) == 20


async def test_asking_again_at_once_sends_nothing_and_refers_to_the_message(house: House) -> None:
    first = await house.ask()
    house.wait(6)
    again = await house.ask()
    assert (again.sent, again.request_id) == (False, first.request_id)
    assert (again.expires_in, again.resend_in) == (294, 9)
    assert len(house.messenger.messages) == 1


async def test_asking_at_once_from_elsewhere_is_refused(house: House) -> None:
    await house.ask(address=CLIENT_IP)
    house.wait(6)
    with pytest.raises(TooManyOtpRequests) as refusal:
        await house.ask(address=ELSEWHERE)
    assert refusal.value.retry_after == 9


async def test_what_sends_nothing_writes_nothing(house: House) -> None:
    await house.ask(address=CLIENT_IP)
    before = dict(house.database.phone_verifications)
    await house.ask(address=CLIENT_IP)
    with pytest.raises(TooManyOtpRequests):
        await house.ask(address=ELSEWHERE)
    assert house.database.phone_verifications == before


async def test_a_resend_sends_the_same_code_under_another_id(house: House) -> None:
    first = await house.ask()
    house.wait(100)
    again = await house.ask()
    assert again.sent
    assert again.request_id != first.request_id
    assert again.expires_in == 200
    first_message, second_message = house.messenger.messages
    assert first_message.code == second_message.code


async def test_each_phone_has_codes_and_budgets_of_its_own(house: House) -> None:
    for number in range(10):
        assert (await house.ask(a_phone(number))).sent
    assert len({message.code for message in house.messenger.messages}) > 5


async def test_codes_go_to_the_countries_that_the_operator_chose_only() -> None:
    house = House(rules=Policy(countries={"IN"}))
    assert (await house.ask(parse_phone("+919876543210"))).sent
    with pytest.raises(CountryNotServed):
        await house.ask(parse_phone("+14155552671"))
    assert len(house.messenger.messages) == 1


async def test_a_country_that_is_not_served_costs_the_phone_nothing() -> None:
    house = House(rules=Policy(countries=set()))
    with pytest.raises(CountryNotServed):
        await house.ask()
    assert house.database.phone_verifications == {}


async def test_without_the_database_nothing_is_sent(house: House) -> None:
    house.database.is_down = True
    with pytest.raises(Unavailable):
        await house.ask()
    assert house.messenger.messages == []


async def test_the_code_stays_the_same_when_the_pepper_changes_meanwhile(house: House) -> None:
    await house.ask()
    house.otp_keys.keys = {"second": bytes(range(32)), **house.otp_keys.keys}
    house.wait(15)
    await house.ask()
    first, second = house.messenger.messages
    assert first.code == second.code
    house.wait(300)
    await house.ask()
    record = house.database.phone_verifications[a_phone()].value
    assert record.challenges[-1].key_id == "second"


async def test_a_code_whose_pepper_is_gone_locks_nobody_out(house: House) -> None:
    await house.ask()
    house.otp_keys.keys = {"second": bytes(range(32))}
    house.wait(15)
    assert (await house.ask()).sent
    assert isinstance(await house.answer(house.messenger.messages[-1].code), LoggedIn)
