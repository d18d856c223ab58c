"""The promises of the port that sends messages to phones."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final, cast
from urllib.parse import parse_qsl

import pytest

from application.ports.errors import MessengerUnavailable
from application.ports.otp import CodeMessage, DeliveryResult, DeliveryStatus, TextMessage
from application.ports.webhooks import MessageStatus, SignedRequest
from domain.otp.challenge import Purpose
from domain.otp.delivery_report import ReportedStatus
from domain.phone import PhoneNumber
from pytest_dialtone.external_adapter import is_given
from pytest_dialtone.outcomes import expect_errors, observe
from pytest_dialtone.promises import not_promised
from pytest_dialtone.suites.messages.driver import MessengerDriver

PHONE: Final = PhoneNumber("+14155550001")
TEXT: Final = (
    "012345 is your Dialtone code. It works once, for 5 minutes. Do not share it with anyone."
)
STATUS_URL: Final = "https://dialtone.example.org/sms/status?delivery=" + "ab" * 16
SEND_SECONDS: Final = 10
CHECK_SECONDS: Final = 15
"""See the ports."""
WITHOUT_PROVIDER: Final = (
    DeliveryStatus.NOT_CONNECTED,
    DeliveryStatus.UNAVAILABLE,
    DeliveryStatus.REJECTED,
    # The provider of an external adapter may also break off.
    *([DeliveryStatus.UNKNOWN] if is_given() else []),
)
BODIES: Final = (b"", b"{}", b"[]", b"null", b"\xff{", b"[" * 50_000, b"MessageStatus=delivered")


def a_code_message(text: str = TEXT, **fields: Any) -> CodeMessage:
    """Return a message with a code."""
    about_code = {"code": "012345", "purpose": Purpose.SIGN_IN, "lifetime": timedelta(minutes=5)}
    return CodeMessage(text=text, **{**about_code, "locale": "en", **fields})


async def send(
    messenger_driver: MessengerDriver, text: str = TEXT, message: TextMessage | None = None
) -> DeliveryResult:
    """Send a message; fail in words if the messenger does not keep its promises."""
    message = message or a_code_message(text)
    outcome = await observe(messenger_driver.messenger.send(PHONE, message), SEND_SECONDS)
    if not isinstance(outcome.result, DeliveryResult):
        expected = "A failure is a DeliveryResult: UNKNOWN if the message may have been sent"
        raise AssertionError(f"send {outcome.words}. {expected}.") from outcome.error
    return outcome.result


async def test_an_accepted_message_is_delivered_to_the_number(
    messenger_driver: MessengerDriver,
) -> None:
    result = await send(messenger_driver)

    assert (result.status, result.reason) == (DeliveryStatus.ACCEPTED, "")
    delivered = await messenger_driver.delivered()
    assert PHONE.e164 in delivered
    assert TEXT in delivered


async def test_a_message_may_have_a_status_url_and_a_locale(
    messenger_driver: MessengerDriver,
) -> None:
    message = a_code_message(
        requested_locale="pt-BR", status_url=STATUS_URL, reference=f"{'ab' * 16}-US"
    )

    result = await send(messenger_driver, message=message)

    assert (result.status, result.reason) == (DeliveryStatus.ACCEPTED, "")
    assert TEXT in await messenger_driver.delivered()


async def test_many_messages_at_the_same_time_are_all_delivered(
    messenger_driver: MessengerDriver,
) -> None:
    texts = [f"{number:06} is your code" for number in range(50)]

    results = await asyncio.gather(*(send(messenger_driver, text) for text in texts))

    assert {result.status for result in results} == {DeliveryStatus.ACCEPTED}
    delivered = await messenger_driver.delivered()
    assert [text for text in texts if delivered.count(text) != 1] == []


@pytest.mark.parametrize("text", ["", "\n", "नमस्ते 你好 👩‍🚀", "\x00\x1b[2J\ud800", "a" * 5000])
async def test_no_text_raises_an_exception(messenger_driver: MessengerDriver, text: str) -> None:
    result = await send(messenger_driver, text)

    # Carriers reject an empty text and a very long one.
    assert result.status in (DeliveryStatus.ACCEPTED, DeliveryStatus.REJECTED)


async def test_without_a_provider_nothing_is_accepted_and_the_reason_has_no_secrets(
    messenger_driver: MessengerDriver,
) -> None:
    await messenger_driver.break_provider()

    result = await send(messenger_driver)

    assert result.status in WITHOUT_PROVIDER, f"send returned {result!r} without its provider"
    assert result.reason
    assert not secrets_in(result.reason, PHONE)


async def test_an_invalid_number_has_a_reason_without_the_number(
    messenger_driver: MessengerDriver,
) -> None:
    messenger_driver.invalidate_number()

    result = await send(messenger_driver)

    assert result.status is DeliveryStatus.INVALID_NUMBER
    assert result.reason
    assert not secrets_in(result.reason, PHONE)


async def test_the_health_check_succeeds_with_a_provider(messenger_driver: MessengerDriver) -> None:
    outcome = await observe(messenger_driver.messenger.check(), CHECK_SECONDS)

    assert outcome.words == "returned None"


async def test_the_health_check_fails_without_a_provider(messenger_driver: MessengerDriver) -> None:
    if not getattr(messenger_driver.messenger, "has_health_check", True):
        not_promised("it has no check()")
    await messenger_driver.break_provider()

    calls = {"check": messenger_driver.messenger.check()}
    await expect_errors(calls, MessengerUnavailable, seconds=CHECK_SECONDS)


def read_statuses(
    messenger_driver: MessengerDriver, request: SignedRequest
) -> Sequence[MessageStatus] | None:
    """Read a status callback; fail in words if it raises or returns something else."""
    messenger: Any = messenger_driver.messenger
    try:
        statuses = messenger.read_statuses(request)
    except Exception as error:
        raise AssertionError(f"read_statuses raised {error!r}: no request may do that") from error
    is_sequence = isinstance(statuses, Sequence)
    if statuses is not None and not (
        is_sequence and all(isinstance(status, MessageStatus) for status in statuses)
    ):
        pytest.fail(
            f"read_statuses returned {statuses!r}, neither a list of MessageStatus nor None"
        )
    return cast("Sequence[MessageStatus] | None", statuses)


async def test_a_request_without_a_signature_is_no_status_callback(
    messenger_driver: MessengerDriver,
) -> None:
    if not hasattr(messenger_driver.messenger, "read_statuses"):
        not_promised("it has no read_statuses()")
    for body in BODIES:
        form = parse_qsl(body.decode("latin-1"), keep_blank_values=True)
        statuses = read_statuses(messenger_driver, SignedRequest(STATUS_URL, {}, form, body))
        assert statuses is None, f"read_statuses accepted {body[:40]!r} without a signature"


async def test_a_status_callback_counts_with_its_signature_only(
    messenger_driver: MessengerDriver,
) -> None:
    signed = await messenger_driver.sign_status(STATUS_URL, None)

    statuses = read_statuses(messenger_driver, signed)

    assert statuses is not None, "read_statuses rejected what sign_status() has signed"
    assert [status.status for status in statuses] == [ReportedStatus.DELIVERED]
    other_form = [*signed.form, ("Another", "field")] if signed.form else ()
    changed = {
        "without a signature": replace(signed, headers={}),
        "of another message": replace(signed, url=f"{STATUS_URL}0"),
        "with another body": replace(signed, body=signed.body + b" ", form=other_form),
    }
    accepted = [
        how
        for how, request in changed.items()
        if read_statuses(messenger_driver, request) is not None
    ]
    assert accepted == [], f"read_statuses accepted a callback {', '.join(accepted)}"


async def test_no_signed_body_raises_an_exception(messenger_driver: MessengerDriver) -> None:
    for body in BODIES:
        read_statuses(messenger_driver, await messenger_driver.sign_status(STATUS_URL, body))


def secrets_in(text: str, phone: PhoneNumber) -> list[str]:
    return [secret for secret in (phone.e164, phone.e164[1:], "012345") if secret in text]
