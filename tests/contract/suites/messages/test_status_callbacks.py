"""The promises of the port that reads what a provider reports of messages."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast
from urllib.parse import parse_qsl

import pytest

from application.ports.webhooks import (
    MAX_HANDSHAKE_LENGTH,
    MAX_SIGNATURE_AGE,
    MessageStatus,
    SignedRequest,
    coverage_of,
)
from domain.otp.delivery import ReportedStatus
from tests.contract.suites.messages.driver import MessengerDriver
from tests.contract.suites.promises import not_promised
from tests.contract.suites.signed_headers import find_accepted_parts, with_headers_of

URL: Final = "https://dialtone.example.org/sms/status"
STATUS_URL: Final = f"{URL}?delivery={'ab' * 16}"
BODIES: Final = (b"", b"{}", b"[]", b"null", b"\xff{", b"[" * 50_000, b"MessageStatus=delivered")
MINUTE: Final = timedelta(minutes=1)

REFERENCES: Final = (f"{'ab' * 31}-1", f"{'ab' * 31}-2")
"""As long as they may be, see `TextMessage`. Their ends are different."""
WORD: Final = "1158201444"
"""What strangers hope to get back."""
OF_STRANGERS: Final = (
    "",
    "?delivery=1",
    f"?hub.mode=subscribe&hub.challenge={WORD}&hub.verify_token=",
    f"?hub.mode=subscribe&hub.challenge={WORD}",
    f"?hub.challenge={WORD}&hub.challenge={WORD}&hub.verify_token=a&hub.verify_token=b",
    f"?challenge={WORD}&token={WORD}&crc_token={WORD}&validationToken={WORD}",
    "?%ff=%ff&a[]=%00",
    f"?{WORD * 1000}",
)


def now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


def read_statuses(
    messenger_driver: MessengerDriver, request: SignedRequest
) -> Sequence[MessageStatus] | None:
    """Read a status callback; fail in words if it raises or returns something else."""
    messenger: Any = messenger_driver.messenger
    try:
        statuses = messenger.read_statuses(request)
    except Exception as error:
        words = f"read_statuses raised {type(error).__name__}: no request may do that"
        raise AssertionError(words) from error
    is_sequence = isinstance(statuses, Sequence)
    if statuses is not None and not (
        is_sequence and all(isinstance(status, MessageStatus) for status in statuses)
    ):
        pytest.fail(
            f"read_statuses returned {statuses!r}, neither a list of MessageStatus nor None"
        )
    return cast("Sequence[MessageStatus] | None", statuses)


def with_other_body(request: SignedRequest) -> SignedRequest:
    """Return a request whose signature is for another body."""
    form = [*request.form, ("Another", "field")] if request.form else ()
    return replace(request, body=request.body + b" ", form=form)


def expect_rejected(
    messenger_driver: MessengerDriver, requests: Mapping[str, SignedRequest]
) -> None:
    """Fail with what is different in each request that is taken for authentic."""
    accepted = [
        how
        for how, request in requests.items()
        if read_statuses(messenger_driver, request) is not None
    ]
    assert accepted == [], f"read_statuses accepted a callback {', '.join(accepted)}"


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
        not_promised("it declares that no signature covers the URL: the reference names it")
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


# Providers that post to one fixed URL: references in bodies, and a handshake.


async def test_the_statuses_of_several_messages_have_the_reference_of_each(
    messenger_driver: MessengerDriver,
) -> None:
    if coverage_of(messenger_driver.messenger).url and not messenger_driver.reports_references:
        not_promised("its provider posts to the URL of each message")
    requests = await messenger_driver.sign_references(URL, REFERENCES, now())

    read = [read_statuses(messenger_driver, request) for request in requests]
    assert None not in read, "read_statuses rejected what sign_references() has signed"
    statuses = [status for statuses in read for status in statuses or ()]
    reported = {status.reference: status.status for status in statuses}
    assert reported == dict.fromkeys(REFERENCES, ReportedStatus.DELIVERED), (
        f"read_statuses returned {reported!r} of the delivered messages {REFERENCES!r}. Each "
        "status has the `reference` of its message, because no URL names it"
    )
    for request, known in zip(requests, read, strict=True):
        expect_rejected(messenger_driver, {"with another body": with_other_body(request)})
        elsewhere = read_statuses(messenger_driver, replace(request, url=f"{URL}?of=another"))
        assert elsewhere in (None, known), (
            f"read_statuses returned {elsewhere!r} where the same request has another URL, which "
            "nobody has signed. The `reference` is in the body"
        )


def answer(messenger_driver: MessengerDriver, request: SignedRequest) -> str | None:
    """Answer a GET request; fail in words if that raises or returns something else."""
    messenger: Any = messenger_driver.messenger
    try:
        text = messenger.answer_handshake(request)
    except Exception as error:
        words = f"answer_handshake raised {type(error).__name__}: no request may do that"
        raise AssertionError(words) from error
    assert text is None or isinstance(text, str), f"answer_handshake returned {text!r}"
    return text


async def test_a_stranger_gets_nothing_back(messenger_driver: MessengerDriver) -> None:
    if not hasattr(messenger_driver.messenger, "answer_handshake"):
        not_promised("it has no answer_handshake()")
    for query in OF_STRANGERS:
        for headers in ({}, {"x-signature": WORD}):
            text = answer(messenger_driver, SignedRequest(f"{URL}{query}", headers))
            assert text is None, f"answer_handshake returned {text!r} to a stranger's {query[:60]}"


async def test_a_handshake_of_the_provider_is_answered_with_its_secret_only(
    messenger_driver: MessengerDriver,
) -> None:
    request, expected = await messenger_driver.make_handshake(URL)

    text = answer(messenger_driver, request)

    assert text == expected, f"answer_handshake returned {text!r}, not {expected!r}"
    assert text.isascii()
    assert text.isprintable()
    assert 0 < len(text) <= MAX_HANDSHAKE_LENGTH
    forged, _ = await messenger_driver.make_handshake(URL, is_forged=True)
    text = answer(messenger_driver, forged)
    assert text is None, f"answer_handshake returned {text!r} to somebody without the secret"
