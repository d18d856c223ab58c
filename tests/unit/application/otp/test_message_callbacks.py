"""What providers report of messages, by a URL for each or one for all, and what clients learn."""

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from application.otp.delivery_status import AnswerHandshake
from application.otp.events import OtpDelivered, OtpUndelivered
from application.ports.webhooks import (
    MAX_HANDSHAKE_LENGTH,
    MAX_STATUSES,
    MessageStatus,
    SignatureCoverage,
    SignedRequest,
)
from domain.otp.delivery import ReportedStatus, parse_report_id
from tests.support.builders import NOW, a_phone
from tests.support.core_harness import A_MESSAGE, WEBHOOK_URLS, CoreHarness, make_core_policy

QUEUED, SENT, DELIVERED = ReportedStatus.QUEUED, ReportedStatus.SENT, ReportedStatus.DELIVERED
UNDELIVERED = ReportedStatus.UNDELIVERED
REQUEST = SignedRequest("", {})


@dataclass
class Messenger:
    """Reports these statuses, or does something else, for each request."""

    statuses: Sequence[MessageStatus] | None = ()
    do: Callable[[], Any] | None = None
    signature_coverage: SignatureCoverage = SignatureCoverage()

    def read_statuses(self, request: SignedRequest) -> Sequence[MessageStatus] | None:
        return self.do() if self.do else self.statuses

    def answer_handshake(self, request: SignedRequest) -> str | None:
        return self.do() if self.do else None


def fail() -> object:
    raise ValueError("+14155550001")


def app_with(**messengers: Messenger) -> CoreHarness:
    policy = make_core_policy(webhook_urls=WEBHOOK_URLS)
    return CoreHarness(policy=policy, status_callbacks=messengers)


async def test_one_request_reports_several_messages_by_their_references() -> None:
    meta = Messenger()
    app = app_with(meta=meta)
    request_ids = [(await app.request_otp(a_phone(number))).request_id for number in (1, 2, 3)]
    references = [message.reference for message in app.messenger.sent]
    meta.statuses = [
        MessageStatus(None, reference=references[0]),
        MessageStatus(DELIVERED, reference="of another system"),
        MessageStatus(DELIVERED, reference=references[1].replace("-US-", "-IN-")),
        MessageStatus(DELIVERED, reference=f"{references[1][:-10]}{'0' * 10}"),
        MessageStatus(DELIVERED, reference="\ud800"),
        MessageStatus(DELIVERED),
        MessageStatus(DELIVERED, reference=references[0]),
        MessageStatus(UNDELIVERED, "30003", reference=references[2]),
    ]

    assert await app.otp.record_message_status(REQUEST, {})

    statuses = [await app.otp.get_delivery_status(one) for one in request_ids]
    assert statuses == [(DELIVERED, None), (QUEUED, None), (UNDELIVERED, "30003")]
    # The log says of the phone what it says where the URL names the message.
    labels = [app.labels_of(a_phone(number)) for number in (1, 3)]
    events = [*app.events.of_type(OtpDelivered), *app.events.of_type(OtpUndelivered)]
    assert [(one.country, one.phone_hash) for one in events] == [
        (one.country, one.phone_hash) for one in labels
    ]


@pytest.mark.parametrize(("is_url_signed", "expected"), [(True, DELIVERED), (False, QUEUED)])
async def test_a_url_that_is_not_signed_names_no_message(
    is_url_signed: bool, expected: ReportedStatus
) -> None:
    coverage = SignatureCoverage(url=is_url_signed)
    app = app_with(acme=Messenger([MessageStatus(DELIVERED)], signature_coverage=coverage))
    request_id = (await app.request_otp()).request_id

    assert await app.otp.record_message_status(REQUEST, app.messenger.status_parameters())

    assert await app.otp.get_delivery_status(request_id) == (expected, None)


async def test_statuses_above_the_limit_are_dropped() -> None:
    meta = Messenger()
    app = app_with(meta=meta)
    request_id = (await app.request_otp()).request_id
    late = MessageStatus(DELIVERED, reference=app.messenger.sent[0].reference)
    meta.statuses = [MessageStatus(None)] * MAX_STATUSES + [late]

    assert await app.otp.record_message_status(REQUEST, {})

    assert await app.otp.get_delivery_status(request_id) == (QUEUED, None)


NUMBER: Any = 131026


@pytest.mark.parametrize(
    "do",
    [fail, sys.exit, lambda: MessageStatus(DELIVERED), lambda: [MessageStatus(DELIVERED, NUMBER)]],
)
async def test_a_messenger_that_breaks_its_promise_hides_no_other(
    do: Callable[[], object], caplog: pytest.LogCaptureFixture
) -> None:
    app = app_with(broken=Messenger(do=do), other=Messenger(statuses=None), acme=Messenger())

    assert await app.otp.record_message_status(REQUEST, {})

    (line,) = caplog.records
    assert line.msg == {"event": "message_callback_failed", "provider": "broken"}


def test_a_handshake_is_answered_by_the_messenger_that_recognizes_it() -> None:
    too_long = "1" * (MAX_HANDSHAKE_LENGTH + 1)
    answers = ["1158201444", "", "<script>\n", "\N{SNOWMAN}", too_long]
    third = Messenger(do=lambda: answers.pop(0))
    handshakes = {"first": Messenger(), "second": Messenger(do=fail), "third": third}
    answered = [AnswerHandshake(handshakes)(REQUEST) for _ in range(5)]
    assert answered == ["1158201444", None, None, None, None]


# What clients learn about a delivery


async def report(
    app: CoreHarness, request_id: str, reported: ReportedStatus, error_code: str | None = None
) -> None:
    """Report a status, as the provider does."""
    report_id = parse_report_id(request_id) or ""
    await app.otp.report_delivery(report_id, reported, A_MESSAGE, error_code)


async def test_the_url_for_the_status_names_the_report_and_not_the_request() -> None:
    app = app_with()
    request_id = (await app.request_otp()).request_id
    (status_url,) = app.messenger.status_urls
    report_id, labels = parse_report_id(request_id), app.labels_of(a_phone())
    # Its parameters are in alphabetical order.
    assert status_url == (
        "https://dialtone.example.org/sms/status"
        f"?country=US&delivery={report_id}&phone_hash={labels.phone_hash}"
    )
    assert request_id[:32] not in status_url


async def test_a_delivery_without_a_report_is_queued_and_so_is_an_unknown_one() -> None:
    app = app_with()
    request_id = (await app.request_otp()).request_id
    for sent_id in (request_id, "0" * 64, request_id[:32], "unknown", ""):
        assert await app.otp.get_delivery_status(sent_id) == (QUEUED, None)
    await report(app, request_id, QUEUED)
    assert app.database.delivery_reports == {}


async def test_the_status_and_the_code_are_those_of_the_latest_status_and_only_advance() -> None:
    app = app_with()
    request_id = (await app.request_otp()).request_id
    for error_code in (None, "30003"):
        await report(app, request_id, SENT, error_code)
        assert await app.otp.get_delivery_status(request_id) == (SENT, None)
    await report(app, request_id, UNDELIVERED, "30003")
    for late in ReportedStatus:
        await report(app, request_id, late, "30005")
        assert await app.otp.get_delivery_status(request_id) == (UNDELIVERED, "30003")
    (stored,) = app.database.delivery_reports.values()
    assert stored.value.expires_at == NOW + timedelta(days=1)


async def test_a_later_error_code_completes_a_failure_that_is_logged_once() -> None:
    app = app_with()
    request_id = (await app.request_otp()).request_id
    for error_code in (None, "30003", "30005"):
        await report(app, request_id, UNDELIVERED, error_code)
    assert await app.otp.get_delivery_status(request_id) == (UNDELIVERED, "30003")
    assert len(app.events.of_type(OtpUndelivered)) == 1
    delivered = (await app.request_otp(a_phone(2))).request_id
    await report(app, delivered, DELIVERED)
    await report(app, delivered, UNDELIVERED, "30003")
    assert await app.otp.get_delivery_status(delivered) == (DELIVERED, None)


async def test_a_request_within_the_cooldown_shows_the_delivery_that_it_refers_to() -> None:
    app = app_with()
    first, again = await app.request_otp(), await app.request_otp(client_ip="198.51.100.1")
    assert not again.sent
    await report(app, first.request_id, DELIVERED)
    app.advance(15)
    resend = await app.request_otp()
    statuses = [await app.otp.get_delivery_status(each.request_id) for each in (again, resend)]
    assert statuses == [(DELIVERED, None), (QUEUED, None)]


@pytest.mark.parametrize(
    ("written", "text"),
    [
        (rb"A\ud83d", "A\ufffd"),
        (rb"\uDE00\u0041", "\ufffdA"),
        (rb"\ude00\ud83d\ud83d\ude00", "\ufffd\ufffd\U0001f600"),
        (rb"\\\ud83d", "\\\ufffd"),
        (b"Jos\xe9", "Jos\ufffd"),
        (b"\xed\xa0\xbd", "\ufffd" * 3),
        (b"a\0\x1f\nb", "a   b"),
        (rb"\\ud83d \" \u00e9 \uD83D\uDE00 \ud83d\\ude00", '\\ud83d " é \U0001f600 \ufffd\\ude00'),
        ("\ufeffé\u2028".encode(), "\ufeffé\u2028"),
    ],
)
def test_text_that_is_no_unicode_is_replaced_in_json(written: bytes, text: str) -> None:
    request = SignedRequest("", {}, body=b'\xef\xbb\xbf{\r\n"a":\t"' + written + b'"}')

    assert json.loads(request.json_text) == {"a": text}
