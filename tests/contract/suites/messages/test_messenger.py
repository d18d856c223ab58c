"""The promises of the port that sends messages to phones."""

import asyncio
from datetime import timedelta
from secrets import randbelow, token_hex
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
from application.ports.webhooks import coverage_of
from domain.identities.phone_change import PhoneNotice
from domain.otp.challenge import Purpose
from domain.phone import PhoneNumber
from tests.contract.suites.messages.driver import MessengerDriver, ReceivedMessage
from tests.contract.suites.outcomes import CHECK_SECONDS, find_logged, observe
from tests.contract.suites.promises import not_promised
from tests.contract.suites.provider_driver import (
    FAILED_CALLS,
    LOST_ANSWERS,
    WITHOUT_PROVIDER,
    LostAnswer,
    expect_check,
)

PHONE: Final = PhoneNumber("+14155550001")
STATUS_URL: Final = "https://dialtone.example.org/sms/status?delivery=" + "ab" * 16
SEND_SECONDS: Final = 10
"""See the port."""
MIN_LOGGED: Final = 6
"""Characters of a text that is looked for in the log. Shorter ones may be there by accident."""


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
    codes = [message.code] if isinstance(message, CodeMessage) else []
    texts = [*codes, *(message.text.split(code)[-1] for code in codes)]
    with find_logged([text for text in texts if len(text) >= MIN_LOGGED]) as found:
        outcome = await observe(messenger_driver.messenger.send(phone, message), SEND_SECONDS)
    assert not found, "A line of the log has the code, or the text of the message"
    result = outcome.result
    if not isinstance(result, DeliveryResult):
        expected = "A failure is a DeliveryResult: UNKNOWN if the message may have been sent"
        raise AssertionError(f"send {outcome.words}. {expected}.") from outcome.error
    if result.status is not DeliveryStatus.ACCEPTED:
        assert result.reason, f"send {outcome.words}, which has no reason"
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


async def delivered_with(messenger_driver: MessengerDriver, code: str) -> list[ReceivedMessage]:
    """Return the messages with a code as the provider got them."""
    return [message for message in await messenger_driver.delivered() if code in message.text]


async def expect_delivered(
    messenger_driver: MessengerDriver, message: CodeMessage, phone: PhoneNumber = PHONE
) -> ReceivedMessage:
    """Return what the provider got; fail unless the message was delivered once, unchanged."""
    delivered = await delivered_with(messenger_driver, message.code)
    assert len(delivered) == 1, f"{message!r} was accepted, and delivered {len(delivered)} times"
    assert delivered[0].number == phone.e164, f"{message!r} was delivered to another number"
    assert messenger_driver.has_own_texts or delivered[0].text == message.text, (
        f"The text {message.text!r} was accepted, and {delivered[0].text!r} was delivered. A "
        "messenger whose provider has texts of its own has the attribute has_own_texts = True"
    )
    return delivered[0]


async def test_an_accepted_message_is_delivered_to_the_number(
    messenger_driver: MessengerDriver,
) -> None:
    message = a_code_message()
    await send_accepted(messenger_driver, message)
    await expect_delivered(messenger_driver, message)


async def test_each_message_has_the_url_for_its_own_status(
    messenger_driver: MessengerDriver,
) -> None:
    if not hasattr(messenger_driver.messenger, "read_statuses"):
        not_promised("it has no read_statuses()")
    if not coverage_of(messenger_driver.messenger).url:
        not_promised("it declares that no signature covers the URL: the reference names a message")
    # One after the other, then together. One without a URL has not that of another.
    for count in (1, 1, 0, 3, 0):
        urls = [f"{STATUS_URL}{token_hex(8)}" for _ in range(count)] or [""]
        messages = [a_code_message(status_url=url) for url in urls]
        await asyncio.gather(*(send_accepted(messenger_driver, each) for each in messages))
        for message in messages:
            received = await expect_delivered(messenger_driver, message)
            assert received.status_url == message.status_url, (
                f"A message with the status URL {message.status_url!r} was sent with "
                f"{received.status_url!r}. Where a provider posts all to one fixed URL, the "
                "messenger has the attribute signature_coverage = SignatureCoverage(url=False)"
            )


WHOLE_TEXTS: Final = {
    "in several parts": "Do not share it with anyone, not even with us. " * 8 + "The end.",
    "in other scripts": "आपका कोड है, 你的验证码, ваш код, el código, ñ 👩‍🚀.",
    "in several lines": "It works once.\nDo not share it.\n\n@login.example.org\nFA+9qCX9VSu",
    "with signs of other languages": """Tom & Jerry's <b>50% "off"</b> + {app} %20 $x \\n `#`""",
}
"""Phones fill in a code by its last line: the domain of a website, or the hash of an app."""


@pytest.mark.parametrize("kind", WHOLE_TEXTS)
async def test_a_text_is_delivered_whole_or_rejected(
    messenger_driver: MessengerDriver, kind: str
) -> None:
    if messenger_driver.has_own_texts:
        not_promised("it declares that its provider has texts of its own")
    code = a_code_message().code
    message = a_code_message(code=code, text=f"{code}: {WHOLE_TEXTS[kind]}")
    if (await send(messenger_driver, message)).status is DeliveryStatus.REJECTED:
        # It may be the provider that rejects it.
        await expect_not_repeated(messenger_driver, message)
        return
    await expect_delivered(messenger_driver, message)


async def test_what_is_said_about_a_message_is_no_error_and_a_purpose_may_be_rejected(
    messenger_driver: MessengerDriver,
) -> None:
    reference = f"{'ab' * 16}-US"
    about: tuple[dict[str, Any], ...] = (
        {"requested_locale": "pt-BR", "reference": reference, "status_url": STATUS_URL},
        {"locale": None},
        {"locale": "zh-Hant"},
        {"lifetime": timedelta(seconds=61.5)},
        {"lifetime": timedelta(seconds=9)},
        *({"purpose": purpose} for purpose in Purpose),
    )
    for fields in about:
        message = a_code_message(**fields)
        status = (await send(messenger_driver, message)).status
        if status is DeliveryStatus.REJECTED and "purpose" in fields:
            await expect_not_repeated(messenger_driver, message)
        else:
            assert status is DeliveryStatus.ACCEPTED, f"send returned {status!r} for {message!r}"
            await expect_delivered(messenger_driver, message)


async def test_a_message_without_a_code_is_delivered_or_rejected(
    messenger_driver: MessengerDriver,
) -> None:
    has_own_texts = messenger_driver.has_own_texts
    for notice in (*PhoneNotice, "leaving_message"):
        text = f"Your account {token_hex(8)} has another number.\nWas it not you? Ask us."
        message = NoticeMessage(text=text, notice=str(notice), locale="en")
        before = len(await messenger_driver.delivered())
        status = (await send(messenger_driver, message)).status
        assert status in (DeliveryStatus.ACCEPTED, DeliveryStatus.REJECTED), (
            f"send returned {status!r} for {message!r}"
        )
        # Other tests may send to the same provider at the same time.
        new = (await messenger_driver.delivered())[before:]
        own = [each for each in new if has_own_texts or each.text == text]
        assert own or status is DeliveryStatus.REJECTED, (
            f"send returned {status!r} for {message!r}, and of {len(new)} messages that were "
            "delivered none has its text"
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


async def test_without_a_provider_nothing_is_sent_and_afterwards_only_new_messages_are(
    messenger_driver: MessengerDriver,
) -> None:
    failed = [a_code_message() for _ in range(FAILED_CALLS)]
    await send_accepted(messenger_driver, a_code_message())
    await messenger_driver.provider_is("away")
    for message in failed:
        result = await send(messenger_driver, message)
        assert result.status in WITHOUT_PROVIDER, f"send returned {result!r} without its provider"

    await messenger_driver.provider_is("well")
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
    await send_accepted(messenger_driver, a_code_message())  # a handshake is done
    await failure.begin(messenger_driver)
    result = await send(messenger_driver, message)
    assert result.status is DeliveryStatus.UNKNOWN, (
        f"send returned {result!r}, though the provider {failure}: it may have been sent"
    )

    await messenger_driver.provider_is("well")
    count = len(await delivered_with(messenger_driver, message.code))
    assert count == 1, (
        f"The provider {failure}, and got {count} messages by one call of send. A request whose "
        "result is unknown is not repeated, and received() also lists what was not answered"
    )


async def test_an_invalid_number_has_a_reason_without_the_number(
    messenger_driver: MessengerDriver,
) -> None:
    await messenger_driver.invalidate_number()
    message = a_code_message()
    result = await send(messenger_driver, message)
    assert result.status is DeliveryStatus.INVALID_NUMBER, f"send returned {result!r}"
    await expect_not_repeated(messenger_driver, message)


async def expect_not_repeated(messenger_driver: MessengerDriver, message: CodeMessage) -> None:
    """Fail if a message that the provider rejected was sent again."""
    await messenger_driver.wait_for_tasks()
    count = len(await delivered_with(messenger_driver, message.code))
    assert count <= 1, f"The provider rejected a message, and got it {count} times by one send"


async def test_a_message_that_the_provider_rejects_is_not_sent_again(
    messenger_driver: MessengerDriver,
) -> None:
    await messenger_driver.reject_message()
    message = a_code_message()
    result = await send(messenger_driver, message)
    assert result.status is DeliveryStatus.REJECTED, (
        f"send returned {result!r}, though the provider rejects the text"
    )
    await expect_not_repeated(messenger_driver, message)


async def test_an_account_that_is_refused_is_unavailable_and_no_invalid_number(
    messenger_driver: MessengerDriver,
) -> None:
    await messenger_driver.provider_is("refuses")
    message = a_code_message()
    result = await send(messenger_driver, message)
    # A protocol with a handshake refuses it before anything is sent.
    assert result.status in (DeliveryStatus.UNAVAILABLE, DeliveryStatus.NOT_CONNECTED), (
        f"send returned {result!r}, though the provider refuses the account and not the number: "
        "that is UNAVAILABLE, see DeliveryStatus"
    )
    await expect_not_repeated(messenger_driver, message)


async def test_no_log_line_has_the_text_or_the_code(messenger_driver: MessengerDriver) -> None:
    # The log masks a longer code, as if it were a phone number.
    code = f"{randbelow(10**6):06}"
    await send_accepted(messenger_driver, a_code_message(code=code, text=f"{code} is your code."))


async def test_the_health_check_succeeds_with_a_provider(messenger_driver: MessengerDriver) -> None:
    outcome = await observe(messenger_driver.messenger.check(), CHECK_SECONDS)
    assert outcome.words == "returned None"


@pytest.mark.parametrize("state", ["away", "silent"])
async def test_the_health_check_ends_in_time_and_fails_if_the_provider_is_away(
    messenger_driver: MessengerDriver, state: str
) -> None:
    await expect_check(messenger_driver, messenger_driver.messenger, state, MessengerUnavailable)
