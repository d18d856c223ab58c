"""Sessions of the web console, and the browsers that it recognizes."""

import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from domain.identities.device_token import MAX_DEVICES
from domain.identities.identity import Identity
from domain.identities.session import FRESH_LOGIN_PERIOD, LOGIN_REPEAT_PERIOD
from domain.otp.challenge import CHALLENGE_ID_BYTES
from domain.secret_hash import hash_secret

CONSOLE_DEVICE_TTL: Final = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class ConsoleDevice:
    """A browser that the console recognizes until `expires_at`.

    `session_version` is the version that the identity had at the sign-in: whatever ends all
    sessions of the identity, or its role, ends the console device too.
    """

    id: str
    session_version: int
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class ConsoleDevices:
    """The console devices of an identity, by its id.

    - They are no part of the identity: whatever ends them raises its version.
    - A console device is recognized at the sign-in to the web console only, and a recognized device
      only elsewhere: apps keep their tokens where scripts can read them, and whoever gets such a
      token must not get attempts at a code of the console.
    """

    id: str
    devices: tuple[ConsoleDevice, ...] = ()

    @property
    def expires_at(self) -> datetime:
        """When the last of them expires. There is no record without any."""
        return max(device.expires_at for device in self.devices)

    def active(self, identity: Identity, now: datetime) -> Sequence[ConsoleDevice]:
        """Return those that the console recognizes now: only somebody of the staff has some."""
        if not identity.is_staff or identity.is_closed or identity.is_blocked:
            return ()
        return [
            device
            for device in self.devices
            if device.session_version == identity.session_version and now < device.expires_at
        ]

    def add(self, added: ConsoleDevice, now: datetime) -> "ConsoleDevices":
        """Return them with this one; above `MAX_DEVICES` without the oldest.

        Those of an earlier version have ended. So has the added one, if there is a later one.
        """
        if any(device.session_version > added.session_version for device in self.devices):
            return self
        others = [
            device
            for device in self.devices
            if device.session_version == added.session_version
            and device.id != added.id
            and now < device.expires_at
        ]
        return replace(self, devices=(*others, added)[-MAX_DEVICES:])


SECRET_BYTES: Final = 32
MAX_AGE: Final = timedelta(minutes=60)
IDLE_TIMEOUT: Final = timedelta(minutes=15)
UPDATE_INTERVAL: Final = timedelta(seconds=10)
"""How old the recorded last use is before another use is worth a write. A session that is not used
ends earlier by up to this interval."""
_COOKIE: Final = re.compile(
    rf"([0-9a-f]{{{2 * CHALLENGE_ID_BYTES}}})\.([0-9a-f]{{{2 * SECRET_BYTES}}})"
)
_SECRET: Final = re.compile(rf"[0-9a-f]{{{2 * SECRET_BYTES}}}")
_FORM_LABEL: Final = b"dialtone console form"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleSession:
    """A sign-in to the web console, until it is signed out, unused for too long, or too old.

    Attributes:
        id: The id of the challenge whose code opened the session: a code opens one session only.
            Random, if a passkey opened it.
        secret_hash: SHA-256 of the secret in the cookie, which has 256 random bits. Empty after
            the sign-out.
        session_version: The version that the identity had at the sign-in. Whatever ends all
            sessions of the identity changes its version, and so ends this session.
        last_used_at: When it was used, or up to `UPDATE_INTERVAL` before.
        passkey_id: The passkey that opened it; None for a code.
    """

    id: str
    secret_hash: str = field(repr=False)
    identity_id: str
    session_version: int
    created_at: datetime
    last_used_at: datetime
    passkey_id: str | None = None

    @property
    def expires_at(self) -> datetime:
        """When it ends if it is not used again."""
        return min(self.created_at + MAX_AGE, self.last_used_at + IDLE_TIMEOUT)

    def accepts(self, secret: str, now: datetime) -> bool:
        return now < self.expires_at and hmac.compare_digest(self.secret_hash, hash_secret(secret))

    def is_fresh(self, now: datetime) -> bool:
        """Return whether the sign-in is recent enough for what is final."""
        return now - self.created_at < FRESH_LOGIN_PERIOD

    def record_use(self, now: datetime) -> "ConsoleSession":
        """Return the session after a use now; the same object if the use is not worth a write."""
        if now - self.last_used_at < UPDATE_INTERVAL:
            return self
        return replace(self, last_used_at=now)

    def repeat_sign_in(self, secret: str, now: datetime) -> "ConsoleSession | None":
        """Return the session for a client that lost the response, or clicked twice; None later.

        It gets a new secret, and the former one is void.
        """
        if not self.secret_hash or now - self.created_at >= LOGIN_REPEAT_PERIOD:
            return None
        return replace(self, secret_hash=hash_secret(secret))

    def sign_out(self) -> "ConsoleSession":
        """Return the session that no secret opens.

        It is kept so that its code opens no other session.
        """
        return replace(self, secret_hash="")


def format_cookie(session_id: str, secret: str) -> str:
    """Return the value of the cookie: `<id>.<secret>`."""
    return f"{session_id}.{secret}"


def parse_cookie(text: str) -> tuple[str, str] | None:
    """Return the id of the session and its secret; None for another text."""
    match = _COOKIE.fullmatch(text)
    return (match[1], match[2]) if match else None


def is_secret(text: str) -> bool:
    """Return whether a text looks like a secret of ours: clients may send any."""
    return _SECRET.fullmatch(text) is not None


def make_form_token(secret: str) -> str:
    """Return the hidden field of all forms that belong to the secret of a cookie."""
    return hmac.new(secret.encode(), _FORM_LABEL, sha256).hexdigest()


def is_form_token(text: str, secret: str) -> bool:
    """Return whether a form has the token of this secret."""
    return hmac.compare_digest(text.encode(), make_form_token(secret).encode())
