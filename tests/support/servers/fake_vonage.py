"""A fake Vonage: its Messages API, and signed webhooks.

- https://developer.vonage.com/en/api/messages
- https://developer.vonage.com/en/api-errors/messages
- https://developer.vonage.com/en/getting-started/concepts/webhooks#decoding-signed-webhooks
"""

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from application.ports.webhooks import SignedRequest
from tests.support.servers.http_server import Behavior, Exchange, HttpServer, respond_with

APPLICATION: Final = "aaaaaaaa-bbbb-cccc-dddd-0123456789ab"
API_KEY: Final = "a1b2c3d"
SECRET: Final = "the-signature-secret-of-the-fake-vonage"
OTHER_SECRET: Final = "another-signature-secret-of-the-account"
NUMBER: Final = "15005550006"
_PROBLEM: Final = {"Content-Type": "application/json"}
_ERRORS: Final = "https://developer.vonage.com/api-errors"
_FIELDS: Final = {
    "to": r"[1-9]\d{6,14}",
    "from": r"[1-9]\d{6,14}|\d{3,8}|[A-Za-z0-9 ]{1,11}",
    "text": r"(?s).{1,1000}",
    "channel": "sms",
    "message_type": "text",
    "ttl": r"\d{1,6}",
    "client_ref": ".{1,100}",
    "webhook_url": "https?://.+",
    "webhook_version": "v1|v0.1",
    "sms": r"\{.+\}",
}
_REQUIRED: Final = ("to", "from", "text", "channel", "message_type")


@cache
def _private_key() -> RSAPrivateKey:
    return generate_private_key(public_exponent=65537, key_size=2048)


def private_pem() -> str:
    """Return the private key of the application, generated once per test run.

    Its text is as Vonage's dashboard offers it for download.
    """
    pem = _private_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return pem.decode()


class FakeVonage(HttpServer):
    """Vonage on a port of 127.0.0.1.

    - `behavior` replaces the documented behavior.
    - `messages` are those that were accepted, and `has_credit` whether any is.
    """

    has_credit = True

    def __init__(self) -> None:
        super().__init__(self.respond)
        self.environ = {
            "VONAGE_APPLICATION_ID": APPLICATION,
            "VONAGE_PRIVATE_KEY": private_pem(),
            "VONAGE_SIGNATURE_SECRET": SECRET,
            "VONAGE_FROM": f"+{NUMBER}",
            "VONAGE_API_BASE": self.url,
        }
        self.messages: list[dict[str, Any]] = []

    def respond(self, exchange: Exchange) -> None:
        """Respond as Vonage documents it."""
        request = exchange.received
        if (request.method, request.path) != ("POST", "/v1/messages"):
            return rejects(404, "not-found", "Not Found")(exchange)
        if not _is_token(request.headers.get("Authorization", "")):
            return rejects(401, "unauthorized", "Unauthorized")(exchange)
        if not self.has_credit:
            return rejects(402, "low-balance", "Low balance")(exchange)
        message = json.loads(request.body or b"{}")
        if invalid := _find_invalid(message):
            return rejects(422, "messages#1150", "Invalid params", invalid)(exchange)
        message_uuid = str(uuid4())
        self.messages.append({**message, "message_uuid": message_uuid})
        accepted = json.dumps({"message_uuid": message_uuid}).encode()
        return exchange.respond(202, accepted, _PROBLEM)


def rejects(
    status: int, code: str, title: str = "Error", parameters: Mapping[str, str] | None = None
) -> Behavior:
    """Reject every request with an error as RFC 7807 has it; `messages#…` is one of the API."""
    body: dict[str, Any] = {
        "type": f"{_ERRORS}/{code}" if "#" in code else f"{_ERRORS}#{code}",
        "title": title,
        "detail": f"About {code}.",
        "instance": uuid4().hex,
    }
    if parameters:
        body["invalid_parameters"] = [
            {"name": name, "reason": reason} for name, reason in parameters.items()
        ]
    return respond_with(status, json.dumps(body).encode(), _PROBLEM)


def make_status(message: Mapping[str, Any], status: str, error: int | None = None) -> bytes:
    """Return the body of a status."""
    body: dict[str, Any] = {
        "message_uuid": message["message_uuid"],
        "to": message["to"],
        "from": message["from"],
        "timestamp": "2026-01-01T14:00:00.000Z",
        "status": status,
        "client_ref": message.get("client_ref", ""),
        "channel": "sms",
        "usage": {"currency": "EUR", "price": "0.0333"},
    }
    if error is not None:
        body["error"] = {
            "type": f"{_ERRORS}/messages#{error}",
            "title": error,
            "detail": f"About {error}.",
            "instance": uuid4().hex,
        }
    return json.dumps(body).encode()


def sign(
    body: bytes, *, secret: str = SECRET, now: datetime | None = None, **claims: Any
) -> dict[str, str]:
    """Return the header of a webhook. A claim that is None is left out."""
    all_claims = {
        "iat": int((now or datetime.now(UTC)).timestamp()),
        "jti": str(uuid4()),
        "iss": "Vonage",
        "payload_hash": hashlib.sha256(body).hexdigest(),
        "api_key": API_KEY,
        "application_id": APPLICATION,
        **claims,
    }
    given = {name: claim for name, claim in all_claims.items() if claim is not None}
    return {"authorization": f"Bearer {jwt.encode(given, secret, algorithm='HS256')}"}


def sign_request(url: str, body: bytes, **claims: Any) -> SignedRequest:
    """Return a webhook as the service gets it."""
    return SignedRequest(url, sign(body, **claims), body=body)


def _is_token(header: str) -> bool:
    try:
        claims = jwt.decode(
            header.removeprefix("Bearer "),
            _private_key().public_key(),
            algorithms=["RS256"],
            options={"require": ["application_id", "iat", "exp", "jti"]},
        )
    except jwt.PyJWTError:
        return False
    return bool(claims["application_id"] == APPLICATION)


def _find_invalid(message: Mapping[str, Any]) -> dict[str, str]:
    texts = {**dict.fromkeys(_REQUIRED, ""), **message}
    return {
        name: "is missing, invalid or unknown"
        for name, value in texts.items()
        if name not in _FIELDS or not re.fullmatch(_FIELDS[name], str(value))
    }
