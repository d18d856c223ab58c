"""Builders of valid domain objects. Keyword arguments replace the details that a test is about."""

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Final, TypeVar

from application.ports.otp import CodeMessage
from domain.identities.identity import Identity, User
from domain.identities.refresh_token import RefreshToken, parse_refresh_token
from domain.identities.session import Session
from domain.identities.username import Username
from domain.otp.challenge import OTP_TTL, Challenge, MessageChallenges, Purpose
from domain.otp.delivery import (
    REPORT_TTL,
    Channel,
    Deliveries,
    Delivery,
    DeliveryReport,
    HashedClientIp,
    ReportedStatus,
)
from domain.otp.phone_verification import PhoneVerification
from domain.phone import PhoneNumber, parse_phone
from tests.support.fakes.phone_encryption import FakePhoneEncryption

NOW: Final = datetime(2026, 5, 1, 9, 30, tzinfo=UTC)
CLIENT_IP: Final = "203.0.113.7"
T = TypeVar("T", bound=Any)


def an_id(number: int = 1) -> str:
    """Return a different id for each number."""
    return f"{number:024x}"


def made_id(number: int = 1) -> str:
    """Return a different id for each number, which was made now."""
    return f"{int(NOW.timestamp()):08x}{number:016x}"


@cache
def a_parsed_token(text: str | None) -> RefreshToken:
    """Return the refresh token of a response."""
    token = parse_refresh_token(text or "")
    assert token is not None
    return token


def a_phone(number: int = 1) -> PhoneNumber:
    """Return a different phone for each number below 10,000."""
    return parse_phone(f"+1415555{number:04d}")


@cache
def a_hashed_ip(client_ip: str = CLIENT_IP) -> HashedClientIp:
    """Return the hashes of a client IP."""
    return FakePhoneEncryption().hash_client_ip(client_ip)


def a_user(name: str = "Rahul Sharma") -> User:
    """Return a user that was created now."""
    return User(Username(name), NOW)


def builder(make: Callable[[], T]) -> Callable[..., T]:
    """Return a function that makes a value with other details."""
    return lambda **changes: replace(make(), **changes)


def change_parts(whole: T, values: Mapping[str, Any]) -> T:
    """Return a dataclass with other values in its parts. Each goes to those that have its name."""
    attributes = {part.name: getattr(whole, part.name) for part in fields(whole)}
    parts: dict[str, Any] = {name: part for name, part in attributes.items() if is_dataclass(part)}
    names = {part: {field.name for field in fields(value)} for part, value in parts.items()}
    assert values.keys() <= set[str]().union(*names.values()), values
    changed = {
        part: replace(value, **{name: values[name] for name in values.keys() & names[part]})
        for part, value in parts.items()
    }
    return replace(whole, **changed)


def a_message(text: str = "012345 is your code", **fields: Any) -> CodeMessage:
    """Return a message with a code to sign in."""
    details = {"code": "012345", "purpose": Purpose.SIGN_IN, "lifetime": OTP_TTL, **fields}
    return CodeMessage(text=text, **details)


a_session: Final = builder(
    lambda: Session(id=an_id(), created_at=NOW, expires_at=NOW + timedelta(days=90))
)
"""Created now; it lives for 90 days."""

an_identity: Final = builder(lambda: Identity(id=an_id(), phone=a_phone(), created_at=NOW))
"""Created now, without a user."""

a_deleted_identity: Final = builder(lambda: an_identity().delete(NOW))
"""Deleted now and not purged yet."""

a_challenge: Final = builder(
    lambda: Challenge(
        id=an_id(),
        purpose=Purpose.SIGN_IN,
        nonce=bytes(range(16)),
        key_id="first",
        created_at=NOW,
        expires_at=NOW + OTP_TTL,
    )
)
a_delivery: Final = builder(
    lambda: Delivery(
        request_id="a-request",
        challenge_id=an_id(),
        client_ip=a_hashed_ip(),
        sent_at=NOW,
        channel=Channel.SMS,
        provider="",
    )
)
"""The delivery of the code of `a_challenge`, sent now."""

a_phone_verification: Final = builder(
    lambda: PhoneVerification(
        challenges=MessageChallenges((a_challenge(),)), deliveries=Deliveries((a_delivery(),))
    )
)
"""The verification of a phone that requested a code now."""

a_delivery_report: Final = builder(
    lambda: DeliveryReport(
        id=a_delivery().report_id, status=ReportedStatus.SENT, expires_at=NOW + REPORT_TTL
    )
)
