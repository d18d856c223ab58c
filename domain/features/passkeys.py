"""Passkeys: challenges, and what may be wrong with an answer."""

import hmac
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Final

from domain.administration.audit import hide_phones
from domain.errors import DomainError, InvalidValue, RateLimitExceeded, TooLong
from domain.identifier import parse_identifier
from domain.identities.passkey import MAX_PASSKEYS, Passkey, find_passkey
from domain.otp.sliding_window import SlidingWindow


class PasskeyRejected(DomainError):
    """Nobody signs in with this. Strangers are not told why; the security event says it."""


class SignCountFell(PasskeyRejected):
    """The passkey is right, but was used before elsewhere: its authenticator may have a copy."""


class ChallengeNotValid(DomainError):
    """The challenge was used, is older than five minutes, or is for something else."""


class TooManyPasskeys(DomainError):
    """The identity has as many passkeys as it may."""


class TooManyPasskeysAdded(RateLimitExceeded):
    """The identity has added as many passkeys as it may in a day."""


class PasskeyExists(DomainError):
    """The identity has this passkey."""


class PasskeyNotFound(DomainError):
    """The identity has no such passkey."""


ADDED_IN_DAY: Final = SlidingWindow(10, timedelta(days=1))
"""Passkeys that a user adds: each costs a message."""
CHALLENGE_TTL: Final = timedelta(minutes=5)
RANDOM_BYTES: Final = 16
_SIGNED: Final = struct.Struct(f">{RANDOM_BYTES}sQ")
_CHALLENGE: Final = struct.Struct(f">{RANDOM_BYTES}sQ32s")
_LABEL: Final = b"dialtone passkey challenge\0"


class PasskeyPurpose(StrEnum):
    """What the response to a challenge does."""

    SIGN_IN = "sign_in"
    ADD = "add"
    CONSOLE_SIGN_IN = "console_sign_in"
    ENROL = "enrol"
    USE_FOR_ENROLMENT = "use_for_enrolment"


@dataclass(frozen=True, slots=True)
class PasskeyChallenge:
    """What an authenticator signs: random bytes and the time. Nothing of it is stored.

    Its MAC (HMAC-SHA256) proves that the service made it, for this purpose and this subject, such
    as an identity in a session.
    """

    purpose: PasskeyPurpose
    subject: str
    random: bytes
    created_at: datetime

    @property
    def expires_at(self) -> datetime:
        return self.created_at + CHALLENGE_TTL

    def sign(self, key: bytes) -> bytes:
        """Return the text of the challenge, with its MAC."""
        signed = _SIGNED.pack(self.random, int(self.created_at.timestamp()))
        names = f"{self.purpose}\0{self.subject}\0".encode()
        return signed + hmac.digest(key, _LABEL + names + signed, sha256)


def verify_challenge(
    text: bytes, purpose: PasskeyPurpose, subject: str, keys: Iterable[bytes], now: datetime
) -> PasskeyChallenge:
    """Return a challenge that one of the keys made, for this, and that has not expired.

    Raises:
        ChallengeNotValid
    """
    if len(text) == _CHALLENGE.size:
        random, seconds, _ = _CHALLENGE.unpack(text)
        # A time that no date has fits into no MAC of ours.
        time = datetime.fromtimestamp(min(seconds, 2**32), UTC)
        challenge = PasskeyChallenge(purpose, subject, random, time)
        is_ours = any(hmac.compare_digest(challenge.sign(key), text) for key in keys)
        if is_ours and now < challenge.expires_at:
            return challenge
    raise ChallengeNotValid


@dataclass(frozen=True, slots=True)
class UsedPasskeyChallenge:
    """A challenge whose response was verified. Whoever adds its record has used it.

    Attributes:
        id: The hash of the challenge: see `hash_challenge`.
    """

    id: str
    expires_at: datetime


def hash_challenge(challenge: bytes) -> str:
    """Return what the record of a challenge is found by."""
    return sha256(challenge).hexdigest()


def check_number(passkeys: Sequence[Passkey]) -> None:
    """Check that there may be one more; raises TooManyPasskeys."""
    if len(passkeys) >= MAX_PASSKEYS:
        raise TooManyPasskeys


def check_room(passkeys: Sequence[Passkey], added: Passkey) -> None:
    """Check that a passkey may be added to those that there are.

    Raises:
        PasskeyExists, TooManyPasskeys
    """
    if find_passkey(passkeys, added.id) is not None:
        raise PasskeyExists
    check_number(passkeys)


_USER_HANDLE: Final = "u:"


def make_user_handle(identity_id: str) -> str:
    """Return the user handle of passkeys of users.

    With that of the console's, which is the id, an authenticator would put one in place of the
    other.
    """
    return f"{_USER_HANDLE}{identity_id}"


def parse_user_handle(text: str) -> str | None:
    """Return the id of an identity; None for a text that is no user handle of a user."""
    is_of_user = text.startswith(_USER_HANDLE)
    return parse_identifier(text.removeprefix(_USER_HANDLE)) if is_of_user else None


MAX_NAME_LENGTH: Final = 50


def parse_passkey_name(text: str) -> str:
    """Parse what somebody calls a passkey: one line. The digits of a phone in it are masked.

    Raises:
        InvalidValue, TooLong
    """
    name = " ".join(text.split())
    if not name or not name.isprintable():
        raise InvalidValue("The name of a passkey is one line of text, such as that of the device.")
    if len(name) > MAX_NAME_LENGTH:
        raise TooLong(f"The name of a passkey has at most {MAX_NAME_LENGTH} characters.")
    return hide_phones(name)


_DEFAULT_NAME: Final = "Passkey"
_MAX_DEFAULT_LENGTH: Final = 40


def make_passkey_name(device: str | None, passkeys: Sequence[Passkey]) -> str:
    """Return a name for a passkey that got none: that of the device, and a number if it is used."""
    first = parse_passkey_name((device or _DEFAULT_NAME)[:_MAX_DEFAULT_LENGTH])
    numbered = (f"{first} {number}" for number in range(2, MAX_PASSKEYS + 2))
    used = {passkey.name for passkey in passkeys}
    return next(name for name in (first, *numbered) if name not in used)
