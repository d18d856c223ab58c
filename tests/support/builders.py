"""Valid things of the domain, each with the details that a test is about."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Final

from domain.identities.identity import Identity, User
from domain.identities.session import Session
from domain.identities.username import Username
from domain.media.image import Image, ImageFormat
from domain.media.item import UPLOAD_TIMEOUT, ItemState, MediaItem
from domain.otp.challenge import OTP_TTL, Challenge, Purpose
from domain.otp.delivery import Delivery
from domain.otp.phone_verification import PhoneVerification
from domain.phone import PhoneNumber, parse_phone

NOW: Final = datetime(2026, 5, 1, 9, 30, tzinfo=UTC)
ADDRESS: Final = "203.0.113.7"


def an_id(number: int = 1) -> str:
    """A different id for each number."""
    return f"{number:024x}"


@cache
def a_phone(number: int = 1) -> PhoneNumber:
    """A different phone for each number below 10,000."""
    return parse_phone(f"+1415555{number:04d}")


def a_session(**changes: Any) -> Session:
    """A session of 90 days, begun now."""
    session = Session(id=an_id(), created_at=NOW, expires_at=NOW + timedelta(days=90))
    return replace(session, **changes)


def a_user(name: str = "Rahul Sharma") -> User:
    """A user since now."""
    return User(Username(name), NOW)


def an_identity(**changes: Any) -> Identity:
    """An identity made now, without a user."""
    return replace(Identity(id=an_id(), phone=a_phone(), created_at=NOW), **changes)


def a_tombstone(**changes: Any) -> Identity:
    """An identity deleted now, not swept yet."""
    return replace(an_identity().delete(NOW), **changes)


def a_challenge(**changes: Any) -> Challenge:
    """A challenge made now."""
    challenge = Challenge(
        id=an_id(),
        purpose=Purpose.SIGN_IN,
        nonce=bytes(range(16)),
        key_id="first",
        created_at=NOW,
        expires_at=NOW + OTP_TTL,
    )
    return replace(challenge, **changes)


def a_send(**changes: Any) -> Delivery:
    """A send of `a_challenge`, made now."""
    send = Delivery(request_id="a-request", challenge_id=an_id(), client_ip=ADDRESS, sent_at=NOW)
    return replace(send, **changes)


def a_phone_record(**changes: Any) -> PhoneVerification:
    """The record of a phone that asked for a code just now."""
    return replace(
        PhoneVerification(challenges=(a_challenge(),), deliveries=(a_send(),)), **changes
    )


def an_item(**changes: Any) -> MediaItem:
    """A ready JPEG made now; its key follows from its id."""
    item_id = changes.get("id", an_id())
    item = MediaItem(
        id=item_id,
        owner_id=an_id(),
        storage_key=f"{item_id}.jpg",
        image=Image(ImageFormat.JPEG, width=640, height=480, bytes=51_200),
        category=None,
        created_at=NOW,
        state=ItemState.READY,
        upload_deadline=NOW + UPLOAD_TIMEOUT,
    )
    return replace(item, **changes)


def a_gif(**changes: Any) -> MediaItem:
    """The same as a GIF."""
    return an_item(image=Image(ImageFormat.GIF, width=64, height=64, bytes=4096), **changes)
