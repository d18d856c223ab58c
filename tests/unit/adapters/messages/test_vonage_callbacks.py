"""Vonage's signed callbacks, and what they report.

https://developer.vonage.com/en/getting-started/concepts/webhooks#decoding-signed-webhooks
"""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest

from adapters.messages.vonage.error_codes import find_reason
from adapters.messages.vonage.messenger import read_message_statuses
from adapters.messages.vonage.signatures import VonageSignatures
from application.ports.webhooks import MessageStatus, SignedRequest
from domain.otp.delivery import ReportedStatus
from tests.support.servers.fake_vonage import (
    APPLICATION,
    OTHER_SECRET,
    SECRET,
    make_status,
    private_pem,
    sign,
    sign_request,
)

URL = "https://dialtone.example.org/sms/status"
MESSAGE = {"message_uuid": "11112222-3333-4444-5555-666677778888", "to": "14155550001",
           "from": "Acme", "client_ref": "ab-US"}  # fmt: skip
BODY = make_status(MESSAGE, "delivered")
SIGNATURES = VonageSignatures(APPLICATION, [SECRET, ""])
GOOD = {"payload_hash": hashlib.sha256(BODY).hexdigest(), "application_id": APPLICATION, "jti": "1"}


def encode(part: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


def with_token(token: str) -> SignedRequest:
    return SignedRequest(URL, {"authorization": f"Bearer {token}"}, body=BODY)


def now(**difference: float) -> int:
    return int((datetime.now(UTC) + timedelta(**difference)).timestamp())


def test_a_signed_callback_counts_at_any_url() -> None:
    assert SIGNATURES.verify(sign_request(URL, BODY))
    assert SIGNATURES.verify(sign_request(f"{URL}?x=1", BODY))
    # The name of a scheme has no case (RFC 9110 §11.1), and hex digits have none.
    token = sign(BODY, payload_hash=GOOD["payload_hash"].upper())["authorization"][7:]
    assert SIGNATURES.verify(SignedRequest(URL, {"authorization": f"bearer {token}"}, body=BODY))


@pytest.mark.parametrize(
    "claims",
    [
        {"application_id": "aaaaaaaa-bbbb-cccc-dddd-0123456789ac"},
        {"payload_hash": hashlib.sha256(BODY + b" ").hexdigest()},
        {"payload_hash": "\ud800"},
        {"jti": ""},
        *({name: None} for name in ("iat", "jti", "payload_hash", "application_id")),
        {"iat": str(now())},
        {"exp": now(seconds=-60)},
    ],
)
def test_a_claim_that_is_wrong_or_missing_is_not_authentic(claims: dict[str, Any]) -> None:
    assert not SIGNATURES.verify(sign_request(URL, BODY, **claims))


def test_the_header_of_a_token_does_not_choose_its_algorithm() -> None:
    claims = {**GOOD, "iat": now()}
    unsigned = f"{encode({'alg': 'none', 'typ': 'JWT'})}.{encode(claims)}."
    by_application = jwt.encode(claims, private_pem(), algorithm="RS256")
    longer = jwt.encode(claims, SECRET * 2, algorithm="HS512")
    # A header that names RS256, over a signature by the secret.
    content = f"{encode({'alg': 'RS256', 'typ': 'JWT'})}.{encode(claims)}"
    mac = hmac.digest(SECRET.encode(), content.encode(), "sha256")
    confused = f"{content}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"
    for token in (unsigned, unsigned[:-1], by_application, longer, confused):
        assert not SIGNATURES.verify(with_token(token))
    assert SIGNATURES.verify(with_token(jwt.encode(claims, SECRET, algorithm="HS256")))


def test_two_secrets_are_valid_while_one_is_replaced() -> None:
    rotating = VonageSignatures(APPLICATION, [OTHER_SECRET, SECRET])
    for secret in (SECRET, OTHER_SECRET):
        assert rotating.verify(sign_request(URL, BODY, secret=secret))
    # An empty secret signs nothing.
    content = f"{encode({'alg': 'HS256', 'typ': 'JWT'})}.{encode({**GOOD, 'iat': now()})}"
    mac = base64.urlsafe_b64encode(hmac.digest(b"", content.encode(), "sha256")).decode()
    assert not SIGNATURES.verify(with_token(f"{content}.{mac.rstrip('=')}"))


@pytest.mark.parametrize(
    ("status", "error", "expected"),
    [
        ("submitted", None, ReportedStatus.SENT),
        ("read", None, ReportedStatus.DELIVERED),
        ("rejected", 1210, ReportedStatus.UNDELIVERED),
        ("undeliverable", 1331, ReportedStatus.FAILED),
    ],
)
def test_a_status_names_its_message_and_its_error(
    status: str, error: int | None, expected: ReportedStatus
) -> None:
    [read] = read_message_statuses(make_status(MESSAGE, status, error).decode())
    uuid, code = MESSAGE["message_uuid"], "" if error is None else str(error)
    assert read == MessageStatus(expected, code, uuid, "ab-US", reason=find_reason(code))
    assert bool(read.reason) is (code == "1210")
