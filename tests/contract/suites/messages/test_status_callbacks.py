"""The promises of the port that reads what a provider reports of messages."""

from dataclasses import replace
from datetime import timedelta
from typing import Final
from urllib.parse import parse_qsl

from application.ports.webhooks import MAX_SIGNATURE_AGE, SignedRequest, coverage_of
from domain.otp.delivery_report import ReportedStatus
from tests.contract.suites.messages.driver import MessengerDriver
from tests.contract.suites.messages.statuses import (
    expect_rejected,
    now,
    read_statuses,
    with_other_body,
)
from tests.contract.suites.promises import not_promised
from tests.contract.suites.signed_headers import find_accepted_parts, with_headers_of

STATUS_URL: Final = f"https://dialtone.example.org/sms/status?delivery={'ab' * 16}"
BODIES: Final = (b"", b"{}", b"[]", b"null", b"\xff{", b"[" * 50_000, b"MessageStatus=delivered")
MINUTE: Final = timedelta(minutes=1)


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
    signed = await messenger_driver.sign_status(STATUS_URL, None, now())

    statuses = read_statuses(messenger_driver, signed)

    assert statuses is not None, "read_statuses rejected what sign_status() has signed"
    assert [status.status for status in statuses] == [ReportedStatus.DELIVERED]
    other_headers = {name: f"{text}0" for name, text in signed.headers.items()}
    expect_rejected(
        messenger_driver,
        {
            "without a signature": replace(signed, headers={}),
            "with another signature": replace(signed, headers=other_headers),
            "with another body": with_other_body(signed),
        },
    )
    parts = find_accepted_parts(
        signed, lambda request: read_statuses(messenger_driver, request) is not None
    )
    assert parts == [], f"read_statuses accepted a callback with a part of its header {parts}"


async def test_a_message_that_was_not_delivered_is_not_reported_as_delivered(
    messenger_driver: MessengerDriver,
) -> None:
    statuses = read_statuses(
        messenger_driver, await messenger_driver.sign_undelivered(STATUS_URL, now())
    )

    assert statuses, "read_statuses rejected what sign_undelivered() has signed"
    [status] = statuses
    assert status.status in (ReportedStatus.UNDELIVERED, ReportedStatus.FAILED), (
        f"read_statuses returned {status.status!r} for a message that was not delivered"
    )


async def test_a_message_that_is_on_its_way_has_no_final_status(
    messenger_driver: MessengerDriver,
) -> None:
    statuses = read_statuses(messenger_driver, await messenger_driver.sign_sent(STATUS_URL, now()))

    assert statuses is not None, "read_statuses rejected what sign_sent() has signed"
    for status in statuses:
        assert status.status is None or not status.status.is_final, (
            f"read_statuses returned {status.status!r} for a message that was sent, and that may "
            "arrive or not"
        )


async def test_a_status_callback_counts_for_its_message_only(
    messenger_driver: MessengerDriver,
) -> None:
    if not coverage_of(messenger_driver.messenger).url:
        not_promised("it declares that no signature covers the URL: see test_fixed_webhook.py")
    signed = await messenger_driver.sign_status(STATUS_URL, None, now())
    other = replace(signed, url=f"{STATUS_URL}0")
    expect_rejected(messenger_driver, {"of another message": other})


async def test_a_status_callback_may_be_late(messenger_driver: MessengerDriver) -> None:
    late = await messenger_driver.sign_status(STATUS_URL, None, now() - MINUTE)
    assert read_statuses(messenger_driver, late), "read_statuses rejected one of a minute ago"


async def test_an_old_status_callback_is_not_authentic(messenger_driver: MessengerDriver) -> None:
    if not coverage_of(messenger_driver.messenger).time:
        not_promised("it declares that its provider signs no time")
    for difference in (-MAX_SIGNATURE_AGE - MINUTE, MAX_SIGNATURE_AGE + MINUTE):
        other = await messenger_driver.sign_status(STATUS_URL, None, now() + difference)
        assert read_statuses(messenger_driver, other) is None, (
            f"read_statuses accepted a callback that was signed {difference // MINUTE:+} minutes "
            "from now. If its provider signs no time, the messenger has the attribute "
            "signature_coverage = SignatureCoverage(time=False)"
        )


async def test_an_old_status_callback_gets_no_new_time(messenger_driver: MessengerDriver) -> None:
    if not coverage_of(messenger_driver.messenger).time:
        not_promised("it declares that its provider signs no time")
    old_time = now() - MAX_SIGNATURE_AGE - MINUTE
    old = await messenger_driver.sign_status(STATUS_URL, None, old_time)
    later = await messenger_driver.sign_status(f"{STATUS_URL}0", None, now())
    if coverage_of(messenger_driver.messenger).url or old.body != later.body:
        expect_rejected(messenger_driver, with_headers_of(old, later))


async def test_no_signed_body_raises_an_exception(messenger_driver: MessengerDriver) -> None:
    for body in BODIES:
        signed = await messenger_driver.sign_status(STATUS_URL, body, now())
        read_statuses(messenger_driver, signed)
