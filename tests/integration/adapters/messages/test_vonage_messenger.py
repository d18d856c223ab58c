"""The Vonage messenger: what a request has, what a response means, and its health check."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import jwt
import pytest

from adapters.messages.vonage.client import VonageClient, VonageError
from adapters.messages.vonage.messenger import VonageMessenger, open_vonage_messenger
from adapters.messages.vonage.tokens import TOKEN_TTL, ApplicationTokens
from adapters.shared.account_health_check import FAILURE_TTL, SUCCESS_TTL
from adapters.shared.http import Transport
from application.ports.errors import ConfigurationError, MessengerUnavailable
from application.ports.otp import DeliveryStatus, NoticeMessage
from domain.phone import PhoneNumber
from entrypoints.opening.providers import VONAGE
from entrypoints.settings.read import read_settings
from tests.support.builders import a_message
from tests.support.fakes.clock import SecondsClock
from tests.support.servers import http_server
from tests.support.servers.fake_vonage import (
    APPLICATION,
    NUMBER,
    SECRET,
    FakeVonage,
    make_status,
    private_pem,
    rejects,
    sign_request,
)
from tests.support.servers.http_server import Behavior, respond_with
from tests.support.timeouts import LONG

PHONE = PhoneNumber("+14155550001")
TEXT = "012345 is your code"
REFERENCE = f"{'ab' * 16}-US-0123456789"
STATUS_URL = f"https://dialtone.example.org/sms/status?delivery={'ab' * 16}&country=US"


async def test_callbacks_are_signed_with_any_of_several_secrets(vonage: FakeVonage) -> None:
    secrets = (SECRET, f"another-{SECRET}")
    service = {"DIALTONE_SMS": "vonage", "DIALTONE_COUNTRIES": "US"}
    environ = service | vonage.environ | {"VONAGE_SIGNATURE_SECRET": ",".join(secrets)}
    message = {"message_uuid": APPLICATION, "to": "14155550001", "from": NUMBER}
    body = make_status(message, "delivered")

    async with VONAGE.open_messenger(read_settings(environ, None)) as messenger:
        assert isinstance(messenger, VonageMessenger)
        accepted = [
            messenger.read_statuses(sign_request(STATUS_URL, body, secret=secret)) is not None
            for secret in (*secrets, f"a-third-{SECRET}")
        ]

    assert accepted == [True, True, False]


@pytest.fixture
def clock() -> SecondsClock:
    return SecondsClock()


@pytest.fixture
async def messenger(
    vonage: FakeVonage, clock: SecondsClock, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[VonageMessenger]:
    monkeypatch.setattr("adapters.shared.account_health_check.HEALTH_CHECK_TIMEOUT", 30)
    async with open_vonage_messenger(
        APPLICATION,
        private_pem(),
        sender=NUMBER,
        signature_secrets=[SECRET],
        api_base=vonage.url,
        timeouts=LONG,
        now=clock,
    ) as messenger:
        yield messenger


def posted(vonage: FakeVonage) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(vonage.requests[-1].body)
    return body


async def test_a_message_is_sent_as_vonage_documents_it(
    vonage: FakeVonage, messenger: VonageMessenger
) -> None:
    message = a_message(
        TEXT, lifetime=timedelta(seconds=299.7), reference=REFERENCE, status_url=STATUS_URL
    )

    sent = await messenger.send(PHONE, message)

    assert sent.status is DeliveryStatus.ACCEPTED
    assert sent.provider_message_id == vonage.messages[0]["message_uuid"]
    [request] = vonage.requests
    assert (request.method, request.path) == ("POST", "/v1/messages")
    assert request.headers["Content-Type"] == "application/json"
    assert posted(vonage) == {
        "channel": "sms",
        "message_type": "text",
        "to": PHONE.e164[1:],
        "from": NUMBER,
        "text": TEXT,
        "sms": {"encoding_type": "auto"},
        "ttl": 299,
        "client_ref": REFERENCE,
        # Its query names the message, which nothing signs.
        "webhook_url": "https://dialtone.example.org/sms/status",
        "webhook_version": "v1",
    }


async def test_each_request_has_a_token_of_its_own_for_some_minutes(
    vonage: FakeVonage, messenger: VonageMessenger
) -> None:
    for _ in range(2):
        await messenger.send(PHONE, a_message(TEXT))
    tokens = [request.headers["Authorization"][7:] for request in vonage.requests]
    claims = [jwt.decode(token, options={"verify_signature": False}) for token in tokens]
    assert {jwt.get_unverified_header(token)["alg"] for token in tokens} == {"RS256"}
    assert claims[0]["jti"] != claims[1]["jti"]
    assert {each["exp"] - each["iat"] for each in claims} == {TOKEN_TTL}


async def test_a_message_without_a_code_has_no_end_and_one_without_reports_no_reference(
    vonage: FakeVonage, messenger: VonageMessenger
) -> None:
    await messenger.send(PHONE, NoticeMessage(text=TEXT, notice="phone_changed"))
    assert posted(vonage).keys() == {"channel", "message_type", "to", "from", "text", "sms"}


async def test_a_text_arrives_unchanged_but_for_a_lone_surrogate(
    vonage: FakeVonage, messenger: VonageMessenger
) -> None:
    text = "नमस्ते 👩‍🚀 a&b=c+d%20e;\n\n@a.example \x00\x1b[2J"
    await messenger.send(PHONE, a_message(text + "\ud83d"))
    assert posted(vonage)["text"] == f"{text}?"


ACCEPTED = b'{"message_uuid": "aaaaaaaa-bbbb-cccc-dddd-0123456789ab"}'
RESPONSES: dict[DeliveryStatus, list[Behavior]] = {
    DeliveryStatus.ACCEPTED: [respond_with(202, ACCEPTED), respond_with(200, ACCEPTED)],
    DeliveryStatus.INVALID_NUMBER: [
        rejects(422, "messages#1150", parameters={"to": "invalid value"}),
        rejects(422, "messages#1170"),
    ],
    DeliveryStatus.UNAVAILABLE: [
        rejects(401, "unauthorized"),
        rejects(402, "low-balance"),
        rejects(429, "messages#1000"),
        rejects(422, "messages#1150", parameters={"from": "invalid value"}),
    ],
    DeliveryStatus.REJECTED: [rejects(422, "messages#1150", parameters={"text": "too long"})],
    DeliveryStatus.UNKNOWN: [
        *(respond_with(502, body) for body in (b"<html>", b"[]", b"\xff\xfe", b"[" * 60_000)),
        rejects(500, "messages#1030"),
        *(respond_with(status) for status in (301, 400, 401, 403, 429)),
        *(respond_with(202, body) for body in (b"<html>", b"[]", b"{}", b"[" * 60_000)),
        respond_with(202, b'{"message_uuid": null}'),
        respond_with(202, b'{"message_uuid": "+14155550001 is ok"}'),
        http_server.close_connection,
        http_server.truncate(202, ACCEPTED),
    ],
}


@pytest.mark.parametrize(("expected", "behaviors"), RESPONSES.items())
async def test_one_response_decides(
    vonage: FakeVonage,
    messenger: VonageMessenger,
    expected: DeliveryStatus,
    behaviors: list[Behavior],
) -> None:
    for number, behavior in enumerate(behaviors):
        vonage.behavior = behavior
        vonage.requests.clear()

        assert (await messenger.send(PHONE, a_message(TEXT))).status is expected, number
        assert len(vonage.requests) == 1


async def test_the_log_contains_no_number_code_or_token(
    vonage: FakeVonage, messenger: VonageMessenger, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO"):
        await messenger.send(PHONE, a_message(TEXT))
        vonage.behavior = rejects(422, "messages#1240")
        await messenger.send(PHONE, a_message(TEXT))

    token = vonage.requests[-1].headers["Authorization"][7:]
    for secret in (PHONE.e164[1:], "012345", token, "PRIVATE KEY", SECRET):
        assert secret not in caplog.text


async def failure_of(messenger: VonageMessenger) -> str:
    with pytest.raises(MessengerUnavailable) as error:
        await messenger.check()
    return str(error.value)


async def test_a_check_sends_no_message_and_uses_one_request_until_its_result_expires(
    vonage: FakeVonage, messenger: VonageMessenger, clock: SecondsClock
) -> None:
    await messenger.check()
    clock.seconds += SUCCESS_TTL - 1
    await messenger.check()
    assert [request.body for request in vonage.requests] == [b"{}"]
    assert vonage.messages == []

    clock.seconds += 1
    vonage.has_credit = False
    await failure_of(messenger)
    await failure_of(messenger)
    assert len(vonage.requests) == 2

    # A failure expires sooner than a success.
    vonage.has_credit = True
    clock.seconds += FAILURE_TTL - 1
    await failure_of(messenger)
    clock.seconds += 1
    await messenger.check()


@pytest.mark.parametrize(
    ("behavior", "reason"),
    [
        (rejects(401, "unauthorized"), "does not accept this service's credentials."),
        (rejects(402, "low-balance"), "account with the message service is not active."),
        (rejects(404, "not-found"), "does not know this service's account."),
        (respond_with(422), "The response is not from the message service."),
        (respond_with(200, b"<html>"), "The response is not from the message service."),
        (respond_with(503), "The message service is unavailable; try again shortly."),
        (http_server.close_connection, "The message service does not respond."),
    ],
)
async def test_every_failure_has_a_reason(
    vonage: FakeVonage, messenger: VonageMessenger, behavior: Behavior, reason: str
) -> None:
    vonage.behavior = behavior
    assert (await failure_of(messenger)).endswith(reason)


async def test_a_check_ends_after_its_timeout(
    vonage: FakeVonage, messenger: VonageMessenger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.shared.account_health_check.HEALTH_CHECK_TIMEOUT", 0.05)
    vonage.behavior = http_server.never_respond
    assert await failure_of(messenger) == "The message service does not respond."


async def test_the_reason_says_why_there_is_no_connection(
    vonage: FakeVonage, messenger: VonageMessenger
) -> None:
    vonage.stop_listening()
    assert "(the connection was refused or the host is unknown)" in await failure_of(messenger)
    vonage.listen()


async def test_a_signed_body_that_is_no_object_is_not_authentic(messenger: VonageMessenger) -> None:
    for body in (b"", b"null", b"[]", b"\xff{", b"[" * 50_000):
        assert messenger.read_statuses(sign_request(STATUS_URL, body)) is None


async def test_a_key_that_cannot_be_used_is_an_error_before_the_first_message() -> None:
    opening = open_vonage_messenger(
        APPLICATION, "no key", sender=NUMBER, signature_secrets=[SECRET]
    )
    with pytest.raises(ConfigurationError, match="Must be the private key of the application"):
        async with opening:
            pass


async def test_the_default_url_is_vonages() -> None:
    urls: list[str] = []

    def respond(request: httpx.Request) -> httpx.Response:
        urls.append(str(request.url))
        return httpx.Response(401, stream=httpx.ByteStream(b"{}"))

    async with httpx.AsyncClient(transport=httpx.MockTransport(respond)) as http:
        tokens = ApplicationTokens(APPLICATION, private_pem())
        with pytest.raises(VonageError):
            await VonageClient(tokens, None, Transport(http, LONG)).check_access()

    assert urls == ["https://api.nexmo.com/v1/messages"]
