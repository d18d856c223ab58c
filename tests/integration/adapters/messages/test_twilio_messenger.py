"""The Twilio messenger and everything that can happen to a request."""

import json
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager

import httpx
import pytest

from adapters.messages.twilio.client import TwilioClient
from adapters.messages.twilio.messenger import TwilioMessenger, open_twilio_messenger
from adapters.shared.http import Transport
from application.ports.otp import DeliveryStatus
from application.ports.webhooks import SignedRequest
from entrypoints.opening.providers import TWILIO
from entrypoints.settings.read import read_settings
from tests.support.builders import a_message, a_phone
from tests.support.servers.fake_twilio import FakeTwilio, rejects
from tests.support.servers.fake_twilio.server import sign_webhook
from tests.support.servers.http_server import respond_with
from tests.support.timeouts import LONG

PHONE = a_phone()
TEXT = "012345 is your code"
NUMBER = "+15005550006"
SERVICE = "MG" + "0a" * 16
NOT_SENT = ("failed", "canceled")
CREATED = {"sid": "SM" + "0" * 32, "status": "queued"}


def open_messenger(
    twilio: FakeTwilio, sender: str = NUMBER
) -> AbstractAsyncContextManager[TwilioMessenger]:
    return open_twilio_messenger(
        twilio.account_sid,
        twilio.auth_token,
        sender=sender,
        api_base=twilio.url,
        timeouts=LONG,
    )


@pytest.fixture
async def messenger(twilio: FakeTwilio) -> AsyncIterator[TwilioMessenger]:
    async with open_messenger(twilio) as messenger:
        yield messenger


async def test_a_message_is_sent_as_twilio_documents_it(
    twilio: FakeTwilio, messenger: TwilioMessenger
) -> None:
    url = "https://dialtone.example.org/sms/status?delivery=4f2a"

    sent = await messenger.send(PHONE, a_message(TEXT, status_url=url))

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
        ("Dialtone", "From"),
        ("MG4U", "From"),
    ],
)
async def test_the_sender_is_a_messaging_service_a_number_or_a_name(
    twilio: FakeTwilio, sender: str, field: str
) -> None:
    async with open_messenger(twilio, sender) as messenger:
        assert (await messenger.send(PHONE, a_message(TEXT))).status is DeliveryStatus.ACCEPTED

    assert twilio.messages == [{"To": PHONE.e164, field: sender, "Body": TEXT}]


async def test_a_text_arrives_unchanged_but_for_a_lone_surrogate(
    twilio: FakeTwilio, messenger: TwilioMessenger
) -> None:
    text = "नमस्ते 👩‍🚀 a&b=c+d%20e;\n\n@a.example \x00\x1b[2J"
    await messenger.send(PHONE, a_message(text + "\ud83d"))
    assert twilio.messages[0]["Body"] == f"{text}?"


RESPONSES: dict[DeliveryStatus, list[tuple[int, object]]] = {
    DeliveryStatus.ACCEPTED: [(201, {**CREATED, "status": None}), (200, CREATED)],
    DeliveryStatus.INVALID_NUMBER: [
        # The status of RFC 9457 is not that of a message.
        (400, {"type": "about:blank", "title": "Something", "code": 21610, "status": 400}),
        *((201, {**CREATED, "status": status, "error_code": 30006}) for status in NOT_SENT),
    ],
    DeliveryStatus.UNAVAILABLE: [
        (401, {"code": 20003, "message": "Authenticate"}),
        (503, {"code": 20503, "message": "Service unavailable"}),
        (201, {**CREATED, "status": "failed", "error_code": 30002}),
    ],
    DeliveryStatus.REJECTED: [
        *((201, {**CREATED, "status": "failed", "error_code": code}) for code in (None, 30007)),
    ],
    DeliveryStatus.UNKNOWN: [
        *((502, body) for body in (b"<html>", b"[]", b"\xff\xfe")),
        (500, {"code": 20500, "message": "Internal Server Error"}),
        (503, {"code": {}, "message": 7}),
        *((status, b"") for status in (400, 401, 429)),
        # A carrier filtered it, or the phone is off: the message was sent.
        *(
            (201, {**CREATED, "status": "undelivered", "error_code": code})
            for code in (None, 30003)
        ),
        *((201, body) for body in (b"<html>It works!</html>", b"[]", b"{}", b"[" * 60_000)),
        (201, {"sid": None}),
        (201, {"sid": "SM00", "status": "queued"}),
        (201, {"sid": "CA" + "0" * 32}),
        (201, {"sid": CREATED["sid"] + "\n"}),
    ],
}


@pytest.mark.parametrize(("expected", "responses"), RESPONSES.items())
async def test_one_response_decides(
    twilio: FakeTwilio,
    messenger: TwilioMessenger,
    expected: DeliveryStatus,
    responses: list[tuple[int, object]],
) -> None:
    for status, content in responses:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        twilio.behavior = respond_with(status, body)
        twilio.requests.clear()

        assert (await messenger.send(PHONE, a_message(TEXT))).status is expected, (
            status,
            body[:80],
        )
        assert len(twilio.requests) == 1


async def test_the_log_contains_no_number_code_or_token(
    twilio: FakeTwilio, messenger: TwilioMessenger, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO"):
        await messenger.send(PHONE, a_message(TEXT))
        twilio.behavior = rejects(21610)
        await messenger.send(PHONE, a_message(TEXT))

    for secret in (PHONE.e164[1:], "012345", twilio.auth_token):
        assert secret not in caplog.text


async def test_the_default_url_is_twilios() -> None:
    urls: list[str] = []

    def respond(request: httpx.Request) -> httpx.Response:
        urls.append(str(request.url))
        return httpx.Response(200, stream=httpx.ByteStream(b'{"status": "active"}'))

    async with httpx.AsyncClient(transport=httpx.MockTransport(respond)) as http:
        client = TwilioClient("AC0", "token", None, Transport(http, LONG))
        await client.fetch_account_status()

    assert urls == ["https://api.twilio.com/2010-04-01/Accounts/AC0.json"]


async def test_of_several_tokens_the_first_sends_and_all_verify(twilio: FakeTwilio) -> None:
    tokens = (twilio.auth_token, "the-former-token")
    service = {
        "DIALTONE_SMS": "twilio",
        "DIALTONE_VOICE": "none",
        "DIALTONE_COUNTRIES": "US",
    }
    environ = service | twilio.environ | {"TWILIO_AUTH_TOKEN": " , ".join(tokens)}
    fields = (("AccountSid", twilio.account_sid), ("MessageStatus", "delivered"))
    url = "https://dialtone.example.org/sms/status"

    async with TWILIO.open_messenger(read_settings(environ, None)) as messenger:
        assert isinstance(messenger, TwilioMessenger)
        sent = await messenger.send(PHONE, a_message(TEXT))
        accepted = [
            messenger.read_statuses(
                SignedRequest(url, {"x-twilio-signature": sign_webhook(token, url, fields)}, fields)
            )
            is not None
            for token in (*tokens, "another-token")
        ]

    assert sent.status is DeliveryStatus.ACCEPTED
    assert [request.credentials for request in twilio.requests] == [
        (twilio.account_sid, twilio.auth_token)
    ]
    assert accepted == [True, True, False]
