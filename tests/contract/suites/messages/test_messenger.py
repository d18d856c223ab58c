"""The promises of the port that sends messages to phones."""

import asyncio
from datetime import timedelta
from secrets import randbelow
from typing import Any, Final

import pytest

from application.ports.errors import MessengerUnavailable
from application.ports.otp import (
    CodeMessage,
    DeliveryResult,
    DeliveryStatus,
    NoticeMessage,
    TextMessage,
)
from domain.identities.phone_change import PhoneNotice
from domain.otp.challenge import Purpose
from domain.phone import PhoneNumber
from tests.contract.suites.external_adapter import is_given
from tests.contract.suites.messages.driver import MessengerDriver
from tests.contract.suites.outcomes import (
    CHECK_SECONDS,
    expect_check_to_end,
    expect_errors,
    observe,
)
from tests.contract.suites.promises import not_promised
from tests.contract.suites.provider_driver import FAILED_CALLS, LOST_ANSWERS, LostAnswer

PHONE: Final = PhoneNumber("+14155550001")
STATUS_URL: Final = "https://dialtone.example.org/sms/status?delivery=" + "ab" * 16
SEND_SECONDS: Final = 10
"""See the port."""
WITHOUT_PROVIDER: Final = (
    DeliveryStatus.NOT_CONNECTED,
    DeliveryStatus.UNAVAILABLE,
    DeliveryStatus.REJECTED,
    # The provider of an external adapter may also break off.
    *([DeliveryStatus.UNKNOWN] if is_given() else []),
)


def a_code_message(**fields: Any) -> CodeMessage:
    """Return a message with a code that no other test has: the provider may keep its messages."""
    code = f"{randbelow(10**8):08}"
    text = (
        f"{code} is your Dialtone code. It works once, for 5 minutes. Do not share it with anyone."
    )
    about_code = {"code": code, "purpose": Purpose.SIGN_IN, "lifetime": timedelta(minutes=5)}
    return CodeMessage(**{"text": text, **about_code, "locale": "en", **fields})


async def send(
    messenger_driver: MessengerDriver, message: TextMessage, phone: PhoneNumber = PHONE
) -> DeliveryResult:
    """Send a message; fail in words if the messenger does not keep its promises."""
    outcome = await observe(messenger_driver.messenger.send(phone, message), SEND_SECONDS)
    result = outcome.result
    if not isinstance(result, DeliveryResult):
        expected = "A failure is a DeliveryResult: UNKNOWN if the message may have been sent"
        raise AssertionError(f"send {outcome.words}. {expected}.") from outcome.error
    if result.status is not DeliveryStatus.ACCEPTED:
        assert result.reason, f"send {outcome.words}, which has no reason"
    codes = [message.code] if isinstance(message, CodeMessage) else []
    for field in ("reason", "details", "error_code", "provider_message_id"):
        for secret in (phone.e164, phone.e164[1:], *codes):
            text = getattr(result, field)
            assert secret not in text, f"send {outcome.words}: {field} has {secret}"
    return result


async def send_accepted(
    messenger_driver: MessengerDriver, message: TextMessage, phone: PhoneNumber = PHONE
) -> None:
    """Send a message; fail unless it is accepted."""
    result = await send(messenger_driver, message, phone)
    is_accepted = (result.status, result.reason) == (DeliveryStatus.ACCEPTED, "")
    assert is_accepted, f"send returned {result!r}"


async def delivered_with(messenger_driver: MessengerDriver, code: str) -> list[str]:
    """Return the numbers and texts of the messages with a code."""
    return [message for message in await messenger_driver.delivered() if code in message]


async def expect_delivered(
    messenger_driver: MessengerDriver, message: CodeMessage, phone: PhoneNumber = PHONE
) -> str:
    """Return the number and the text; fail unless the message was delivered once."""
    delivered = await delivered_with(messenger_driver, message.code)
    assert len(delivered) == 1, f"{message!r} was accepted, and delivered {len(delivered)} times"
    assert phone.e164 in delivered[0], f"{message!r} was delivered to another number"
    return delivered[0]


async def test_an_accepted_message_is_delivered_to_the_number(
    messenger_driver: MessengerDriver,
) -> None:
    message = a_code_message()
    await send_accepted(messenger_driver, message)

    delivered = await expect_delivered(messenger_driver, message)
    # A provider with templates sends its own text, but none sends a part of ours.
    text = delivered.replace(PHONE.e164, "").strip()
    is_part = len(text) > len(message.code) and text in message.text
    assert message.text in delivered or not is_part, f"Only a part was delivered: {text!r}"


WHOLE_TEXTS: Final = {
    "in several parts": "Do not share it with anyone, not even with us. " * 8 + "The end.",
    "in other scripts": "आपका कोड है, 你的验证码, ваш код, el código, ñ 👩‍🚀.",
}


@pytest.mark.parametrize("kind", WHOLE_TEXTS)
async def test_a_text_is_delivered_whole_or_rejected(
    messenger_driver: MessengerDriver, kind: str
) -> None:
    plain = a_code_message()
    await send_accepted(messenger_driver, plain)
    if plain.text not in await expect_delivered(messenger_driver, plain):
        not_promised("its provider has texts of its own")
    code = a_code_message().code
    message = a_code_message(code=code, text=f"{code}: {WHOLE_TEXTS[kind]}")
    if (await send(messenger_driver, message)).status is DeliveryStatus.REJECTED:
        assert not await delivered_with(messenger_driver, code), "A rejected text was delivered"
        return
    delivered = await expect_delivered(messenger_driver, message)
    assert message.text in delivered, (
        f"A text {kind} was accepted, and something else was delivered: {delivered!r}"
    )


async def test_what_is_said_about_a_message_is_no_error(messenger_driver: MessengerDriver) -> None:
    reference = f"{'ab' * 16}-US"
    about: tuple[dict[str, Any], ...] = (
        {"requested_locale": "pt-BR", "reference": reference, "status_url": STATUS_URL},
        {"locale": None},
        {"locale": "zh-Hant"},
        {"lifetime": timedelta(seconds=61.5)},
        {"lifetime": timedelta(seconds=9)},
    )
    messages = [a_code_message(**fields) for fields in about]
    for message in messages:
        await send_accepted(messenger_driver, message)
    for message in messages:
        await expect_delivered(messenger_driver, message)


async def test_a_code_for_any_purpose_is_delivered_or_rejected(
    messenger_driver: MessengerDriver,
) -> None:
    messages = [a_code_message(purpose=purpose) for purpose in Purpose]
    statuses = [(await send(messenger_driver, message)).status for message in messages]

    assert set(statuses) <= {DeliveryStatus.ACCEPTED, DeliveryStatus.REJECTED}, statuses
    delivered = [await delivered_with(messenger_driver, message.code) for message in messages]
    expected = [status is DeliveryStatus.ACCEPTED for status in statuses]
    assert [len(each) for each in delivered] == expected, (
        f"Of codes for {[*Purpose]!r}, {statuses!r}, {delivered!r} were delivered"
    )


async def test_a_message_without_a_code_is_delivered_or_rejected(
    messenger_driver: MessengerDriver,
) -> None:
    for notice in (*PhoneNotice, "leaving_message"):
        text = "Your account has another number."
        message = NoticeMessage(text=text, notice=str(notice), locale="en")
        before = len(await messenger_driver.delivered())
        status = (await send(messenger_driver, message)).status
        assert status in (DeliveryStatus.ACCEPTED, DeliveryStatus.REJECTED), (
            f"send returned {status!r} for {message!r}"
        )
        count = len(await messenger_driver.delivered()) - before
        # Other tests may send to the same provider at the same time.
        assert count or status is DeliveryStatus.REJECTED, (
            f"send returned {status!r} for {message!r}, and {count} messages were delivered"
        )


async def test_many_messages_at_the_same_time_are_all_delivered(
    messenger_driver: MessengerDriver,
) -> None:
    phones = [PhoneNumber(f"+141555500{number}") for number in range(10, 60)]
    messages = {phone: a_code_message() for phone in phones}
    sending = (send_accepted(messenger_driver, messages[phone], phone) for phone in phones)
    await asyncio.gather(*sending)

    for phone, message in messages.items():
        await expect_delivered(messenger_driver, message, phone)


@pytest.mark.parametrize("text", ["", "\n", "नमस्ते 你好 👩‍🚀", "\x00\x1b[2J\ud800", "a" * 5000])
async def test_no_text_raises_an_exception(messenger_driver: MessengerDriver, text: str) -> None:
    result = await send(messenger_driver, a_code_message(text=text))

    # Carriers reject an empty text and a very long one.
    assert result.status in (DeliveryStatus.ACCEPTED, DeliveryStatus.REJECTED)


async def test_without_a_provider_nothing_is_accepted_and_the_reason_has_no_secrets(
    messenger_driver: MessengerDriver,
) -> None:
    await messenger_driver.break_provider()
    result = await send(messenger_driver, a_code_message())
    assert result.status in WITHOUT_PROVIDER, f"send returned {result!r} without its provider"


async def test_after_an_outage_messages_are_sent_again_and_no_earlier_ones(
    messenger_driver: MessengerDriver,
) -> None:
    failed = [a_code_message() for _ in range(FAILED_CALLS)]
    await messenger_driver.break_provider()
    for message in failed:
        await send(messenger_driver, message)

    await messenger_driver.mend_provider()
    message = a_code_message()
    await send_accepted(messenger_driver, message)
    await expect_delivered(messenger_driver, message)
    for message in failed:
        assert not await delivered_with(messenger_driver, message.code), (
            "A message whose sending had failed was delivered after its provider was back"
        )


@pytest.mark.parametrize("failure", LOST_ANSWERS, ids=str)
async def test_a_message_without_an_answer_is_unknown_and_not_sent_again(
    messenger_driver: MessengerDriver, failure: LostAnswer
) -> None:
    message = a_code_message()
    await failure.begin(messenger_driver)
    result = await send(messenger_driver, message)
    assert result.status is DeliveryStatus.UNKNOWN, (
        f"send returned {result!r}, though the provider {failure}: it may have been sent"
    )

    await messenger_driver.mend_provider()
    count = len(await delivered_with(messenger_driver, message.code))
    assert count == 1, (
        f"The provider {failure}, and got {count} messages by one call of send. A request whose "
        "result is unknown is not repeated, and received() also lists what was not answered"
    )


async def test_an_invalid_number_has_a_reason_without_the_number(
    messenger_driver: MessengerDriver,
) -> None:
    await messenger_driver.invalidate_number()
    result = await send(messenger_driver, a_code_message())
    assert result.status is DeliveryStatus.INVALID_NUMBER, f"send returned {result!r}"


async def test_the_health_check_succeeds_with_a_provider(messenger_driver: MessengerDriver) -> None:
    outcome = await observe(messenger_driver.messenger.check(), CHECK_SECONDS)
    assert outcome.words == "returned None"


def require_health_check(messenger_driver: MessengerDriver) -> None:
    """Skip a test of a messenger that has no health check."""
    if not getattr(messenger_driver.messenger, "has_health_check", True):
        not_promised("it has no check()")


async def test_the_health_check_fails_without_a_provider(messenger_driver: MessengerDriver) -> None:
    require_health_check(messenger_driver)
    await messenger_driver.break_provider()

    calls = {"check": messenger_driver.messenger.check()}
    await expect_errors(calls, MessengerUnavailable, seconds=CHECK_SECONDS)


async def test_the_health_check_ends_in_time_if_the_provider_hangs(
    messenger_driver: MessengerDriver,
) -> None:
    require_health_check(messenger_driver)
    await messenger_driver.hang_provider()
    await expect_check_to_end(messenger_driver.messenger.check(), MessengerUnavailable)
