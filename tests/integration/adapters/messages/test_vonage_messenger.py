"""The Vonage messenger: what a request has, and what it gets."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import jwt
import pytest

from adapters.messages.vonage.messenger import VonageMessenger, open_vonage_messenger
from adapters.messages.vonage.tokens import TOKEN_TTL
from application.ports.otp import DeliveryStatus, NoticeMessage
from domain.phone import PhoneNumber
from tests.support.builders import a_message
from tests.support.servers.fake_vonage import (
    APPLICATION,
    NUMBER,
    SECRET,
    FakeVonage,
    private_pem,
)
from tests.support.timeouts import LONG

PHONE = PhoneNumber("+14155550001")
TEXT = "012345 is your code: a&b=c+d%20e;\n\n@a.example \x00"
REFERENCE = f"{'ab' * 16}-US-0123456789"
STATUS_URL = f"https://dialtone.example.org/sms/status?delivery={'ab' * 16}&country=US"


@pytest.fixture
async def messenger(vonage: FakeVonage) -> AsyncIterator[VonageMessenger]:
    async with open_vonage_messenger(
        APPLICATION,
        private_pem(),
        sender=NUMBER,
        signature_secrets=[SECRET],
        api_base=vonage.url,
        timeouts=LONG,
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
