"""A challenge: the code of messages to a phone, its life, and the counters of attempts at it."""

import hmac
import re
import unicodedata
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from domain.default_ignorable import drop_default_ignorable
from domain.errors import MalformedOtp
from domain.identities.session import LOGIN_REPEAT_PERIOD
from domain.otp.sliding_window import CLOCK_SKEW
from domain.phone import PhoneNumber

REPEAT_PERIOD: Final = timedelta(seconds=10)
"""An app submits a code when it is typed, and again on "done"."""


class ClientKind(StrEnum):
    """How the client of an attempt is told from others: the first of these that applies."""

    DEVICE = "device"
    """It is a recognized device."""
    REQUEST = "request"
    """It sends the id of a request for the code."""
    KNOWN_IP = "known_ip"
    """It sends no id, from an IP that is recognized."""
    NETWORK = "network"
    """It sends no id, from a network that requested the code."""
    OTHERS = "others"
    """It sends no id, from anywhere else. All of these are one client."""


@dataclass(frozen=True, slots=True)
class Client:
    """Whom an attempt counts on.

    `id` is that of a device or a request, or the hash of an IP or a network; empty for others.
    """

    kind: ClientKind
    id: str = ""


OTHERS: Final = Client(ClientKind.OTHERS)


@dataclass(frozen=True, slots=True)
class AttemptCounter:
    """The failed attempts of a client at a code. `last_digest` identifies what it tried last."""

    kind: ClientKind
    id: str
    used: int
    last_digest: str
    last_failed_at: datetime

    @property
    def client(self) -> Client:
        return Client(self.kind, self.id)

    def is_repeat(self, digest: str, now: datetime) -> bool:
        """Return whether it counted the same code less than ten seconds ago, and none since."""
        is_same = hmac.compare_digest(self.last_digest, digest)
        return is_same and now - self.last_failed_at < REPEAT_PERIOD


DEFAULT_OTP_LENGTH: Final = 6
MAX_OTP_LENGTH: Final = 8
OTP_TTL: Final = timedelta(minutes=5)
"""NIST SP 800-63B-4 and OWASP ASVS 5.0 6.5.5 allow at most ten minutes."""
MIN_RESEND_TTL: Final = timedelta(minutes=1)
"""A code that expires sooner is not sent again; a new challenge is made instead."""
MAX_ACTIVE_CHALLENGES: Final = 2
"""Per phone: a new challenge is made in the last minute of the previous one."""
MAX_CANDIDATES: Final = MAX_ACTIVE_CHALLENGES + 1
"""Attempts are also compared with the code that was used last."""
NONCE_BYTES: Final = 16
CHALLENGE_ID_BYTES: Final = 12
"""The id has twice as many hex digits."""
MAX_CODE_INPUT_LENGTH: Final = 40
"""Maximum length without invisible characters."""
_IGNORED: Final = re.compile(r"[\s\-\u2010-\u2015\u2212\uFE63\uFF0D]")


class Purpose(StrEnum):
    """What a correct code allows. A code for one purpose is invalid for any other."""

    SIGN_IN = "sign_in"
    CHANGE_PHONE = "change_phone"
    VERIFICATION = "verification"
    """A service token asks whether a person has the phone. It opens nothing."""


@dataclass(frozen=True, slots=True)
class Login:
    """What a code was used for: one session of an identity, chosen once.

    `request_id` is the one that the client sent with the code, if any. `session_id` is empty where
    the code opened no session. `claims` are those of the session: a retry that opens it has them.
    """

    identity_id: str
    session_id: str
    request_id: str | None = None
    claims: str = ""


@dataclass(frozen=True, slots=True)
class Challenge:
    """A one-time code's identity and life. The code is used at most once (ASVS 5.0 6.5.1).

    No code is stored: it is derived from the challenge and from a key that is kept elsewhere.
    `bound_to` is set where the code is valid for one identity or service token only: its id. These
    are the codes for a change of its phone, and for a verification.
    """

    id: str
    purpose: Purpose
    nonce: bytes
    key_id: str
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None = None
    login: Login | None = None
    bound_to: str | None = None
    counters: tuple[AttemptCounter, ...] = ()

    @property
    def retained_until(self) -> datetime:
        """Until when attempts count on it; after its use, while its login can be repeated."""
        return self.used_at + LOGIN_REPEAT_PERIOD if self.used_at else self.expires_at

    def is_active(self, now: datetime) -> bool:
        """Return whether a correct code is accepted now.

        A challenge from the future is not active: after the clock was set back it would live
        longer than allowed.
        """
        if self.used_at is not None or now >= self.expires_at:
            return False
        return self.created_at - CLOCK_SKEW <= now

    def is_resendable(self, now: datetime, key_ids: Collection[str]) -> bool:
        """Return whether the code lives long enough to be sent again, and its key is available."""
        lives_long_enough = self.is_active(now) and self.expires_at - now >= MIN_RESEND_TTL
        return lives_long_enough and self.key_id in key_ids

    def find_counter(self, client: Client) -> AttemptCounter | None:
        return next((counter for counter in self.counters if counter.client == client), None)

    def attempts_used(self, client: Client) -> int:
        counter = self.find_counter(client)
        return counter.used if counter else 0

    def count(self, client: Client, digest: str, now: datetime) -> "Challenge":
        counted = AttemptCounter(
            client.kind, client.id, self.attempts_used(client) + 1, digest, now
        )
        others = [counter for counter in self.counters if counter.client != client]
        return replace(self, counters=(*others, counted))

    def mark_used(self, now: datetime, login: Login) -> "Challenge":
        return replace(self, used_at=now, login=login)

    def is_for(self, purpose: Purpose, bound_to: str | None = None) -> bool:
        return self.purpose is purpose and self.bound_to == bound_to

    def was_used_with(self, request_id: str | None) -> bool:
        return self.login is not None and self.login.request_id == request_id is not None

    def move_login(self, identity_id: str) -> "Challenge":
        """Return the challenge with its login at the identity that replaced a deleted one."""
        return replace(self, login=self.login and replace(self.login, identity_id=identity_id))

    def forget_claims(self) -> "Challenge":
        return replace(self, login=self.login and replace(self.login, claims=""))

    def derive_code(self, key: bytes, phone: PhoneNumber, length: int = DEFAULT_OTP_LENGTH) -> str:
        """Derive `length` digits from an HMAC-SHA256, as in RFC 4226 §5.3, by the key `key_id`."""
        parts = (self.purpose.encode(), self.id.encode(), phone.e164.encode(), self.nonce)
        message = join_parts(*parts)
        # `hmac.digest` releases the interpreter's lock, and waits until other threads give it back.
        number = int.from_bytes(hmac.new(key, message, "sha256").digest()[:8], "big")
        return str(number % 10**length).zfill(length)


@dataclass(frozen=True, slots=True, repr=False)
class OtpCode:
    """ASCII digits. The repr hides them, so that a code cannot get into a log."""

    digits: str

    def __repr__(self) -> str:
        return "OtpCode(******)"


def join_parts(*parts: bytes) -> bytes:
    """Return a message for an HMAC in which each part is preceded by its length."""
    return b"".join(len(part).to_bytes(2, "big") + part for part in parts)


def drop_separators(text: str) -> str:
    """Return a code as a user typed it, without spaces, hyphens and invisible characters.

    A code in a right-to-left message is between invisible isolates. A text that is too long for
    any code is empty.
    """
    text = drop_default_ignorable(text)
    return _IGNORED.sub("", text) if len(text) <= MAX_CODE_INPUT_LENGTH else ""


def parse_otp_code(text: str, length: int = DEFAULT_OTP_LENGTH) -> OtpCode:
    """Parse a code: spaces and hyphens are dropped, digits of any script are read.

    Raises:
        MalformedOtp: the rest is not `length` digits.
    """
    kept = drop_separators(text)
    if len(kept) != length or not kept.isdecimal():
        raise MalformedOtp(f"A code is {length} digits, as in the message.")
    return OtpCode("".join(str(unicodedata.decimal(digit)) for digit in kept))


@dataclass(frozen=True, slots=True)
class MessageChallenges:
    """The challenges of a phone, in their order."""

    all: tuple[Challenge, ...] = ()

    @property
    def expiry_times(self) -> list[datetime]:
        return [challenge.retained_until for challenge in self.all]

    def for_purpose(self, purpose: Purpose, bound_to: str | None = None) -> list[Challenge]:
        return [challenge for challenge in self.all if challenge.is_for(purpose, bound_to)]

    def active(self, now: datetime) -> list[Challenge]:
        of_sign_in = self.for_purpose(Purpose.SIGN_IN)
        return [challenge for challenge in of_sign_in if challenge.is_active(now)]

    def find(self, challenge_id: str | None) -> Challenge | None:
        return next((found for found in self.all if found.id == challenge_id), None)

    def map(self, change: Callable[[Challenge], Challenge]) -> "MessageChallenges":
        return MessageChallenges(tuple([change(challenge) for challenge in self.all]))

    def keep(self, ids: Collection[str]) -> "MessageChallenges":
        return MessageChallenges(tuple([found for found in self.all if found.id in ids]))

    def prune(self, now: datetime) -> "MessageChallenges":
        if not self.all:
            return self
        latest = now + CLOCK_SKEW
        kept = [
            challenge
            for challenge in self.all
            if now < challenge.retained_until and challenge.created_at <= latest
        ]
        return MessageChallenges(tuple(kept))
