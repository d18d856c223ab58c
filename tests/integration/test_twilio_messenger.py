"""The Twilio messenger and everything that can happen to a request."""

import asyncio
import gzip
import json
import socket
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager

import httpx
import pytest

from adapters.http import Timeouts, Transport
from adapters.twilio.client import TwilioClient
from adapters.twilio.messenger import TwilioMessenger, open_twilio_messenger
from application.ports.otp import DeliveryStatus
from tests.support.builders import a_phone
from tests.support.servers import http_server
from tests.support.servers.fake_twilio import FakeTwilio, rejects
from tests.support.servers.http_server import Behavior, Exchange, respond_with, truncate

PHONE = a_phone()
TEXT = "012345 is your code"
NUMBER = "+15005550006"
SERVICE = "MG" + "0a" * 16
NOT_SENT = ("failed", "canceled")
CREATED = {"sid": "SM" + "0" * 32, "status": "queued"}


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


async def test_a_message_is_sent_as_twilio_documents_it(
    twilio: FakeTwilio, messenger: TwilioMessenger
) -> None:
    url = "https://dialtone.example.org/sms/status?delivery=4f2a"

    sent = await messenger.send(PHONE, TEXT, url)

    assert sent.status is DeliveryStatus.ACCEPTED
    assert sent.provider_message_id.startswith("SM")
    [request] = twilio.requests
    assert request.method == "POST"
    assert request.path == f"/2010-04-01/Accounts/{twilio.account_sid}/Messages.json"
    assert request.credentials == (twilio.account_sid, twilio.auth_token)
    assert request.form == {
        "To": PHONE.e164,
        "From": NUMBER,
        "Body": TEXT,
        "StatusCallback": url,
    }


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
    ("text", "sent"),
    [
        ("नमस्ते 你好 👩‍🚀", "नमस्ते 你好 👩‍🚀"),
        ("a&b=c+d%20e;\n\n@a.example \x00\x1b[2J", "a&b=c+d%20e;\n\n@a.example \x00\x1b[2J"),
        ("a\ud83db", "a?b"),
    ],
)
async def test_a_text_arrives_unchanged_but_for_a_lone_surrogate(
    twilio: FakeTwilio, messenger: TwilioMessenger, text: str, sent: str
) -> None:
    await messenger.send(PHONE, text)

    assert twilio.messages[0]["Body"] == sent


RFC_9457 = {"type": "about:blank", "title": "Something", "code": 21610}
RESPONSES: dict[DeliveryStatus, list[tuple[int, object]]] = {
    DeliveryStatus.ACCEPTED: [
        *((201, {**CREATED, "status": status}) for status in ("queued", "accepted", "sent", None)),
        (200, CREATED),
    ],
    DeliveryStatus.INVALID_NUMBER: [
        *((400, {**RFC_9457, "status": status}) for status in (400, "400", None)),
        *((201, {**CREATED, "status": status, "error_code": 30006}) for status in NOT_SENT),
    ],
    DeliveryStatus.UNAVAILABLE: [
        (401, {"code": 20003, "message": "Authenticate"}),
        (429, {"code": 20429, "message": "Too Many Requests"}),
        (503, {"code": 20503, "message": "Service unavailable"}),
        *((201, {**CREATED, "status": status, "error_code": 30002}) for status in NOT_SENT),
    ],
    DeliveryStatus.REJECTED: [
        *(
            (201, {**CREATED, "status": status, "error_code": code})
            for status in NOT_SENT
            for code in (None, 30007)
        ),
    ],
    DeliveryStatus.UNKNOWN: [
        *((502, body) for body in (b"", b"<html>", b"[]", b"null", b"\xff\xfe")),
        (500, {"code": 20500, "message": "Internal Server Error"}),
        (503, {"code": {}, "message": 7}),
        *((status, b"") for status in (302, 307, 400, 401, 404, 429, 500, 503, 504)),
        (400, {"message": "Bad Request"}),
        # A carrier filtered it, or the phone is off: the message was sent.
        *(
            (201, {**CREATED, "status": "undelivered", "error_code": code})
            for code in (None, 30003, 30007)
        ),
        *((201, body) for body in (b"", b"<html>It works!</html>", b"[]", b"{}", b'{"sid": "SM')),
        *((201, body) for body in (b"[" * 60_000, b" " * 100_000)),
        (201, {"sid": None}),
        (201, {"sid": "SM00", "status": "queued"}),
        (201, {"sid": "CA" + "0" * 32}),
        (201, {"sid": CREATED["sid"] + "\n"}),
    ],
}


@pytest.mark.parametrize(("expected", "responses"), RESPONSES.items())
async def test_one_response_decides_and_no_redirect_is_followed(
    twilio: FakeTwilio,
    messenger: TwilioMessenger,
    expected: DeliveryStatus,
    responses: list[tuple[int, object]],
) -> None:
    for status, content in responses:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        twilio.behavior = respond_with(status, body, {"Location": f"{twilio.url}/other"})
        twilio.requests.clear()

        assert (await messenger.send(PHONE, TEXT)).status is expected, (status, body[:80])
        assert len(twilio.requests) == 1


async def test_a_compressed_body_is_not_requested_and_not_decompressed(
    twilio: FakeTwilio, messenger: TwilioMessenger
) -> None:
    compressed = gzip.compress(json.dumps(CREATED).encode())
    twilio.behavior = respond_with(201, compressed, {"Content-Encoding": "gzip"})

    assert (await messenger.send(PHONE, TEXT)).status is DeliveryStatus.UNKNOWN
    assert twilio.requests[0].headers["Accept-Encoding"] == "identity"


def not_http(exchange: Exchange) -> None:
    exchange.send(b"SMTP ready\r\n\r\n")


def endless_headers(exchange: Exchange) -> None:
    exchange.send(b"HTTP/1.1 201 Created\r\n")
    while not exchange.wait(0.01):
        exchange.send(b"X-More: yes\r\n")


@pytest.mark.parametrize(
    "behavior",
    [
        http_server.reset_connection,
        http_server.close_connection,
        truncate(201, b'{"sid": "SM00"}'),
        not_http,
    ],
)
async def test_a_request_without_a_response_is_unknown_and_not_repeated(
    twilio: FakeTwilio, messenger: TwilioMessenger, behavior: Behavior
) -> None:
    twilio.behavior = behavior

    assert (await messenger.send(PHONE, TEXT)).status is DeliveryStatus.UNKNOWN
    assert len(twilio.requests) == 1


@pytest.mark.parametrize(
    "behavior",
    [
        http_server.never_respond,
        truncate(201, b'{"sid": "SM00"}', stalls=True),
        http_server.drip(201),
        endless_headers,
    ],
)
async def test_a_request_that_takes_too_long_is_unknown_and_not_repeated(
    twilio: FakeTwilio, behavior: Behavior
) -> None:
    twilio.behavior = behavior

    async with open_messenger(twilio, timeouts=Timeouts(read=0.2, total=0.5)) as messenger:
        assert (await messenger.send(PHONE, TEXT)).status is DeliveryStatus.UNKNOWN
    await asyncio.to_thread(twilio.wait_for_requests)
    assert len(twilio.requests) == 1


async def test_without_a_usable_url_or_a_tls_handshake_nothing_is_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent_server:
        silent_url = f"https://127.0.0.1:{silent_server.getsockname()[1]}"
        for api_base in ("https://", "gopher://a", "http://[::", silent_url):
            opening = open_twilio_messenger(
                "AC0", "token", sender=NUMBER, api_base=api_base, timeouts=Timeouts(connect=0.1)
            )
            async with opening as messenger:
                result = await messenger.send(PHONE, TEXT)
                assert result.status is DeliveryStatus.NOT_CONNECTED, api_base


async def test_the_log_contains_no_number_code_or_token(
    twilio: FakeTwilio, messenger: TwilioMessenger, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO"):
        await messenger.send(PHONE, TEXT)
        twilio.behavior = rejects(21610)
        await messenger.send(PHONE, TEXT)

    for secret in (PHONE.e164[1:], "012345", twilio.auth_token):
        assert secret not in caplog.text


async def test_the_default_url_is_twilios() -> None:
    urls: list[str] = []

    def respond(request: httpx.Request) -> httpx.Response:
        urls.append(str(request.url))
        return httpx.Response(200, stream=httpx.ByteStream(b'{"status": "active"}'))

    async with httpx.AsyncClient(transport=httpx.MockTransport(respond)) as http:
        client = TwilioClient("AC0", "token", None, Transport(http, Timeouts()))
        await client.fetch_account_status()

    assert urls == ["https://api.twilio.com/2010-04-01/Accounts/AC0.json"]
