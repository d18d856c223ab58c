"""The Twilio messenger and everything that can happen to a request."""

import asyncio
import gzip
import json
import re
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager

import pytest

from adapters.twilio import Timeouts, TwilioMessenger, open_twilio_messenger
from adapters.twilio.client import TwilioClient
from adapters.twilio.transport import HttpResponse, Transport
from application.ports.messenger import DeliveryResult, DeliveryStatus
from tests.support.builders import a_phone
from tests.support.servers import behaviors
from tests.support.servers.behaviors import delay, respond_with
from tests.support.servers.fake_twilio import FakeTwilio, rejects
from tests.support.servers.http_server import Behavior, Exchange

PHONE = a_phone()
TEXT = "012345 is your code"
NUMBER = "+15005550006"
SERVICE = "MG" + "0a" * 16
SHORT_TIMEOUTS = Timeouts(read=0.2, total=0.5)
CREATED = {"sid": "SM" + "0" * 32, "status": "queued"}


@pytest.fixture
def twilio() -> Iterator[FakeTwilio]:
    with FakeTwilio() as twilio:
        yield twilio


def open_messenger(
    twilio: FakeTwilio, sender: str = NUMBER, timeouts: Timeouts | None = None
) -> AbstractAsyncContextManager[TwilioMessenger]:
    return open_twilio_messenger(
        twilio.account_sid,
        twilio.auth_token,
        sender=sender,
        api_base=twilio.url,
        timeouts=timeouts,
    )


@pytest.fixture
async def messenger(twilio: FakeTwilio) -> AsyncIterator[TwilioMessenger]:
    async with open_messenger(twilio) as messenger:
        yield messenger


def responds(status: int, content: object) -> Behavior:
    return respond_with(status, json.dumps(content).encode(), {"Content-Type": "application/json"})


async def test_a_message_is_sent_as_twilio_documents_it(
    twilio: FakeTwilio, messenger: TwilioMessenger
) -> None:
    assert await messenger.send(PHONE, TEXT) == DeliveryResult(DeliveryStatus.ACCEPTED)

    [request] = twilio.requests
    assert request.method == "POST"
    assert request.path == f"/2010-04-01/Accounts/{twilio.account_sid}/Messages.json"
    assert request.credentials == (twilio.account_sid, twilio.auth_token)
    assert request.form == {"To": PHONE.e164, "From": NUMBER, "Body": TEXT}


async def test_a_message_names_where_its_status_is_posted(
    twilio: FakeTwilio, messenger: TwilioMessenger
) -> None:
    url = "https://dialtone.example.org/sms/status?delivery=4f2a"

    assert await messenger.send(PHONE, TEXT, url) == DeliveryResult(DeliveryStatus.ACCEPTED)

    [form] = twilio.messages
    assert form == {"To": PHONE.e164, "From": NUMBER, "Body": TEXT, "StatusCallback": url}


@pytest.mark.parametrize(
    ("sender", "field"),
    [
        (SERVICE, "MessagingServiceSid"),
        (NUMBER, "From"),
        ("Dialtone", "From"),
        ("MG4U", "From"),
    ],
)
async def test_the_sender_is_a_messaging_service_a_number_or_a_name(
    twilio: FakeTwilio, sender: str, field: str
) -> None:
    async with open_messenger(twilio, sender) as messenger:
        assert (await messenger.send(PHONE, TEXT)).status is DeliveryStatus.ACCEPTED

    assert twilio.messages == [{"To": PHONE.e164, field: sender, "Body": TEXT}]


@pytest.mark.parametrize(
    "text", ["नमस्ते 你好 👩‍🚀", "a&b=c+d%20e;\n\n@example.com #012345", "\x00 \x1b[2J"]
)
async def test_a_text_arrives_unchanged(
    twilio: FakeTwilio, messenger: TwilioMessenger, text: str
) -> None:
    await messenger.send(PHONE, text)

    assert twilio.messages[0]["Body"] == text


async def test_a_lone_surrogate_is_replaced(twilio: FakeTwilio, messenger: TwilioMessenger) -> None:
    await messenger.send(PHONE, "a\ud83db")

    assert twilio.messages[0]["Body"] == "a?b"


NO_SUCH_NUMBER = "No phone has this number; check it."
NOT_MOBILE = "This number cannot get text messages; use the number of a mobile phone."
BLOCKED = "Text messages to this number are blocked; use another number."
INVALID_NUMBER_REASONS = {
    21408: "Text messages to this number's region are not enabled.",
    21211: NO_SUCH_NUMBER,
    21217: NO_SUCH_NUMBER,
    21265: NO_SUCH_NUMBER,
    21266: NO_SUCH_NUMBER,
    21268: NOT_MOBILE,
    21610: "This number has unsubscribed from these messages; reply START to one of them, or use"
    " another number.",
    21612: "Text messages do not reach this number; use another number.",
    21614: NOT_MOBILE,
    21635: NOT_MOBILE,
    30003: "The phone with this number cannot be reached; switch it on, or use another number.",
    30004: BLOCKED,
    30005: "No carrier knows this number; check it, or use another number.",
    30006: NOT_MOBILE,
    30450: BLOCKED,
}
REJECTED_REASONS = {
    10001: "This service's account with the message service is not active.",
    20003: "The message service does not accept this service's credentials.",
    20005: "This service's account with the message service is not active.",
    20404: "The message service does not know this service's account.",
    20429: "The message service gets too many requests; try again shortly.",
    20500: "The message service is unavailable; try again shortly.",
    21212: "The message service does not allow sending from this service's number.",
    21601: "The message service does not allow sending from this service's number.",
    21602: "The message service does not accept this text.",
    21603: "The message service does not allow sending from this service's number.",
    21606: "The message service does not allow sending from this service's number.",
    21608: "The message service is on trial and sends to verified numbers only.",
    21611: "The message service gets too many requests; try again shortly.",
    21617: "The message service does not accept this text.",
    21659: "The message service does not allow sending from this service's number.",
    21660: "The message service does not allow sending from this service's number.",
    21661: "The message service does not allow sending from this service's number.",
    21703: "The message service does not allow sending from this service's number.",
    30001: "The message service gets too many requests; try again shortly.",
    30002: "This service's account with the message service is not active.",
    30007: "The message service filtered this message.",
    30034: "The message service filtered this message.",
    63038: "The message service rejected the message.",
}


@pytest.mark.parametrize(("code", "reason"), INVALID_NUMBER_REASONS.items())
async def test_error_codes_of_the_number_are_an_invalid_number(
    twilio: FakeTwilio, messenger: TwilioMessenger, code: int, reason: str
) -> None:
    twilio.behavior = rejects(code)

    assert await messenger.send(PHONE, TEXT) == DeliveryResult(
        DeliveryStatus.INVALID_NUMBER, reason
    )


@pytest.mark.parametrize(("code", "reason"), REJECTED_REASONS.items())
async def test_all_other_error_codes_are_a_rejection(
    twilio: FakeTwilio, messenger: TwilioMessenger, code: int, reason: str
) -> None:
    twilio.behavior = rejects(code)

    assert await messenger.send(PHONE, TEXT) == DeliveryResult(DeliveryStatus.REJECTED, reason)


@pytest.mark.parametrize(
    "reason", sorted({*INVALID_NUMBER_REASONS.values(), *REJECTED_REASONS.values()})
)
def test_reasons_contain_no_digits_and_no_names(reason: str) -> None:
    assert re.fullmatch(r"[A-Z][A-Za-z',; ]+\.", reason)


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (302, "The response is not from the message service."),
        (307, "The response is not from the message service."),
        (400, "The message service rejected the message."),
        (401, "The message service does not accept this service's credentials."),
        (403, "The message service does not accept this service's credentials."),
        (404, "The message service rejected the message."),
        (429, "The message service gets too many requests; try again shortly."),
        (500, "The message service is unavailable; try again shortly."),
        (502, "The message service is unavailable; try again shortly."),
        (503, "The message service is unavailable; try again shortly."),
    ],
)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"null",
        b'"code"',
        b"{}",
        b'{"code": null}',
        b'{"code": "21610"}',
        b'{"code": 3}',
        b'{"code": {}, "message": 7}',
        b"\xff\xfe",
    ],
)
async def test_an_error_without_a_code_is_mapped_by_its_http_status(
    twilio: FakeTwilio, messenger: TwilioMessenger, status: int, body: bytes, reason: str
) -> None:
    twilio.behavior = respond_with(status, body, {"Location": "https://elsewhere.example/"})

    assert await messenger.send(PHONE, TEXT) == DeliveryResult(DeliveryStatus.REJECTED, reason)
    assert len(twilio.requests) == 1


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (400, 21610, DeliveryStatus.INVALID_NUMBER),
        ("400", 21610, DeliveryStatus.INVALID_NUMBER),
        (503, 20503, DeliveryStatus.REJECTED),
        ("503", None, DeliveryStatus.REJECTED),
        (None, [], DeliveryStatus.REJECTED),
    ],
)
async def test_errors_in_the_format_of_rfc_9457_are_understood(
    twilio: FakeTwilio,
    messenger: TwilioMessenger,
    status: object,
    code: object,
    expected: DeliveryStatus,
) -> None:
    problem = {"type": "about:blank", "title": "Something", "status": status, "code": code}
    twilio.behavior = responds(400, problem)

    assert (await messenger.send(PHONE, TEXT)).status is expected


async def test_a_gateway_timeout_is_unknown_unless_it_is_twilios_own(
    twilio: FakeTwilio, messenger: TwilioMessenger
) -> None:
    twilio.behavior = respond_with(504, b"<html>")
    assert (await messenger.send(PHONE, TEXT)).status is DeliveryStatus.UNKNOWN

    twilio.behavior = rejects(20504, 504)
    assert (await messenger.send(PHONE, TEXT)).status is DeliveryStatus.REJECTED


@pytest.mark.parametrize("status", ["failed", "undelivered", "canceled"])
@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (30006, DeliveryStatus.INVALID_NUMBER),
        (30001, DeliveryStatus.REJECTED),
        (None, DeliveryStatus.REJECTED),
    ],
)
async def test_a_message_that_failed_at_its_creation_is_not_accepted(
    twilio: FakeTwilio,
    messenger: TwilioMessenger,
    status: str,
    code: int | None,
    expected: DeliveryStatus,
) -> None:
    twilio.behavior = responds(201, {**CREATED, "status": status, "error_code": code})

    result = await messenger.send(PHONE, TEXT)

    assert result.status is expected
    if code is None:
        assert result.reason == "The message service rejected the message."


@pytest.mark.parametrize("status", [200, 201, 202])
@pytest.mark.parametrize("state", ["queued", "accepted", "sending", "sent", "delivered", None])
async def test_a_message_with_a_sid_is_accepted(
    twilio: FakeTwilio, messenger: TwilioMessenger, status: int, state: str | None
) -> None:
    twilio.behavior = responds(status, {**CREATED, "status": state})

    assert await messenger.send(PHONE, TEXT) == DeliveryResult(DeliveryStatus.ACCEPTED)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>It works!</html>",
        b"[]",
        b"null",
        b"7",
        b"{}",
        b'{"sid": null}',
        b'{"sid": ""}',
        b'{"sid": 7}',
        b'{"sid": "SM00", "status": "queued"}',
        b'{"sid": "CA%b"}' % (b"0" * 32),
        b'{"sid": "SM%b\\n"}' % (b"0" * 32),
        b'{"sid": "SM',
        b'{"status": "failed", "error_code": 30006}',
        b"[" * 60_000,
        b"\xff\xfe",
        b" " * 100_000,
    ],
)
@pytest.mark.parametrize("status", [200, 201])
async def test_a_success_that_is_no_message_of_twilio_is_unknown(
    twilio: FakeTwilio, messenger: TwilioMessenger, status: int, body: bytes
) -> None:
    twilio.behavior = respond_with(status, body)

    result = await messenger.send(PHONE, TEXT)

    assert result == DeliveryResult(
        DeliveryStatus.UNKNOWN, "The response is not from the message service."
    )
    assert len(twilio.received) == 1


async def test_no_content_is_unknown(twilio: FakeTwilio, messenger: TwilioMessenger) -> None:
    twilio.behavior = respond_with(204)

    assert (await messenger.send(PHONE, TEXT)).status is DeliveryStatus.UNKNOWN


async def test_a_compressed_body_is_not_requested_and_not_decompressed(
    twilio: FakeTwilio, messenger: TwilioMessenger
) -> None:
    compressed = gzip.compress(json.dumps(CREATED).encode())
    twilio.behavior = respond_with(201, compressed, {"Content-Encoding": "gzip"})

    assert (await messenger.send(PHONE, TEXT)).status is DeliveryStatus.UNKNOWN
    assert twilio.requests[0].headers["Accept-Encoding"] == "identity"


def not_http(exchange: Exchange) -> None:
    _ = exchange.body
    exchange.send(b"SMTP ready\r\n\r\n")
    exchange.close()


def invalid_gzip(exchange: Exchange) -> None:
    _ = exchange.body
    exchange.respond(201, b"no gzip at all", {"Content-Encoding": "gzip"})


def endless_headers(exchange: Exchange) -> None:
    _ = exchange.body
    exchange.send(b"HTTP/1.1 201 Created\r\n")
    while not exchange.is_closing.wait(0.01):
        exchange.send(b"X-More: yes\r\n")


@pytest.mark.parametrize(
    "behavior",
    [
        behaviors.close_before_body,
        behaviors.close_connection,
        behaviors.never_respond,
        behaviors.truncate(201, b'{"sid": "SM00"}'),
        behaviors.stall(201, b'{"sid": "SM00"}'),
        behaviors.drip(201),
        not_http,
        invalid_gzip,
        endless_headers,
        delay(30, rejects(20500)),
    ],
    ids=lambda behavior: behavior.__qualname__.partition(".")[0],
)
async def test_a_request_without_a_response_is_unknown_and_not_repeated(
    twilio: FakeTwilio, behavior: Behavior
) -> None:
    twilio.behavior = behavior

    async with open_messenger(twilio, timeouts=SHORT_TIMEOUTS) as messenger:
        assert (await messenger.send(PHONE, TEXT)).status is DeliveryStatus.UNKNOWN
    assert len(twilio.received) == 1


@pytest.mark.parametrize(
    "behavior",
    [behaviors.truncate(400, b"{}" * 9), behaviors.stall(500, b"{}"), behaviors.drip(429)],
    ids=["breaks_off", "stalls", "drips"],
)
async def test_an_error_status_without_its_body_is_a_rejection(
    twilio: FakeTwilio, behavior: Behavior
) -> None:
    twilio.behavior = behavior

    async with open_messenger(twilio, timeouts=Timeouts(read=1.0, total=1.5)) as messenger:
        assert (await messenger.send(PHONE, TEXT)).status is DeliveryStatus.REJECTED


async def test_without_a_server_the_message_is_rejected(
    twilio: FakeTwilio, messenger: TwilioMessenger
) -> None:
    twilio.close()

    assert await messenger.send(PHONE, TEXT) == DeliveryResult(
        DeliveryStatus.REJECTED, "The message service cannot be reached; try again shortly."
    )


@pytest.mark.parametrize(
    "api_base", ["http://host.invalid", "https://", "gopher://a", "http://[::"]
)
async def test_with_an_unusable_url_the_message_is_rejected(api_base: str) -> None:
    opening = open_twilio_messenger("AC0", "token", sender=NUMBER, api_base=api_base)
    async with opening as messenger:
        assert (await messenger.send(PHONE, TEXT)).status is DeliveryStatus.REJECTED


async def test_without_a_tls_handshake_the_message_is_rejected() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent_server:
        opening = open_twilio_messenger(
            "AC0",
            "token",
            sender=NUMBER,
            api_base=f"https://127.0.0.1:{silent_server.getsockname()[1]}",
            timeouts=Timeouts(connect=0.1),
        )
        async with opening as messenger:
            assert (await messenger.send(PHONE, TEXT)).status is DeliveryStatus.REJECTED


async def test_without_a_free_connection_the_message_is_rejected(twilio: FakeTwilio) -> None:
    gate = threading.Event()
    twilio.behavior = behaviors.wait_for_event(gate, twilio.respond)
    async with open_messenger(twilio, timeouts=Timeouts(pool=0.05)) as messenger:
        sending = [asyncio.create_task(messenger.send(PHONE, TEXT)) for _ in range(100)]
        await asyncio.to_thread(twilio.wait_for_requests, 100)

        assert (await messenger.send(PHONE, TEXT)).status is DeliveryStatus.REJECTED

        gate.set()
        assert {result.status for result in await asyncio.gather(*sending)} == {
            DeliveryStatus.ACCEPTED
        }
    assert len(twilio.messages) == 100


async def test_connections_are_reused(twilio: FakeTwilio, messenger: TwilioMessenger) -> None:
    for _ in range(5):
        await messenger.send(PHONE, TEXT)

    assert twilio.connections == 1


async def test_a_closed_connection_is_replaced(
    twilio: FakeTwilio, messenger: TwilioMessenger
) -> None:
    await messenger.send(PHONE, TEXT)
    twilio.close_connections()

    assert await messenger.send(PHONE, TEXT) == DeliveryResult(DeliveryStatus.ACCEPTED)


async def test_the_environment_of_the_process_is_ignored(
    monkeypatch: pytest.MonkeyPatch, twilio: FakeTwilio
) -> None:
    monkeypatch.setenv("TWILIO_EDGE", "sydney")
    monkeypatch.setenv("TWILIO_REGION", "au1")
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", "AC" + "1" * 32)

    async with open_messenger(twilio) as messenger:
        assert await messenger.send(PHONE, TEXT) == DeliveryResult(DeliveryStatus.ACCEPTED)


async def test_the_log_contains_no_number_code_or_token(
    twilio: FakeTwilio, messenger: TwilioMessenger, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO"):
        await messenger.send(PHONE, TEXT)
        twilio.behavior = rejects(21610)
        await messenger.send(PHONE, TEXT)

    for secret in (PHONE.e164[1:], "012345", twilio.auth_token):
        assert secret not in caplog.text


class RecordingTransport(Transport):
    """Keeps the URLs of requests and sends none."""

    def __init__(self) -> None:
        self.urls: list[str] = []

    async def request(self, method: str, url: str, **_: object) -> HttpResponse:
        self.urls.append(url)
        return HttpResponse(200, '{"status": "active"}')


async def test_the_default_url_is_twilios() -> None:
    transport = RecordingTransport()

    await TwilioClient("AC0", "token", None, transport).fetch_account_status()

    assert transport.urls == ["https://api.twilio.com/2010-04-01/Accounts/AC0.json"]
