"""Passkeys: challenges, and what may be wrong with an answer."""

import hmac
import re
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Final

from domain.administration.audit import hide_phones
from domain.errors import DomainError, InvalidValue, RateLimitExceeded, TooLong
from domain.identifier import hash_secret, parse_identifier
from domain.identities.identity import Identity
from domain.identities.passkey import MAX_PASSKEYS, Passkey, find_passkey
from domain.identities.role import Invitation
from domain.otp.fixed_codes import FixedCodes
from domain.otp.rate_limits import LimitPurpose, RateLimit
from domain.otp.sliding_window import SlidingWindow


class PasskeyRejected(DomainError):
    """A passkey is rejected. Strangers are not told why; the security event says it."""


class NewPasskeyRejected(PasskeyRejected):
    """A passkey is not added: its response cannot be verified, or it could sign nobody in."""


class SignCountFell(PasskeyRejected):
    """The passkey is right, but was used before elsewhere: its authenticator may have a copy."""


class ChallengeNotValid(DomainError):
    """The challenge was used, is older than five minutes, or is for something else."""


class TooManyPasskeys(DomainError):
    """The identity has as many passkeys as it may."""


class TooManyPasskeysAdded(RateLimitExceeded):
    """There is no permit for the message that tells of another passkey.

    `limit` names for operators which limit is used up.
    """

    def __init__(self, retry_after: int, limit: str = "") -> None:
        super().__init__(retry_after)
        self.limit = limit


class PasskeyExists(DomainError):
    """The identity has this passkey."""


class PasskeyNotFound(DomainError):
    """The identity has no such passkey."""


class InvitationNotValid(DomainError):
    """The link was used, is too old, or void: a role or all sessions ended meanwhile."""


class NotStaff(DomainError):
    """The account has no role, is blocked, or has a fixed code."""


class LastPasskey(DomainError):
    """It is the only passkey of somebody who needs one."""


class HasStaffPasskey(DomainError):
    """A link is for somebody who has no passkey for the console yet. Only a command makes more."""


class TouchRequired(DomainError):
    """The request needs the answer of a passkey that is there, to a challenge for this act."""


_DAY: Final = timedelta(days=1)
NOTICES_IN_DAY: Final = SlidingWindow(6, _DAY)
"""Messages to the number of an account that tell of its passkeys."""
ADDED_IN_DAY: Final = SlidingWindow(4, _DAY)
"""Messages about added passkeys: two are left to tell of a thief's removals."""
ADDED_IN_SESSION: Final = SlidingWindow(2, _DAY)
"""Messages about passkeys of one session: a thief leaves two to an owner who signs in anew."""
STAFF_ADDED_IN_DAY: Final = SlidingWindow(10, _DAY)
"""Passkeys that somebody of the staff adds, with a message or without."""


def limits_of_notice(identity_id: str) -> tuple[RateLimit, ...]:
    """Return the limits of an account for a message that tells of its passkeys."""
    return (RateLimit(f"identity:{identity_id}", LimitPurpose.NOTICES, "notices", NOTICES_IN_DAY),)


def limits_of_added(identity_id: str, session_id: str | None = None) -> tuple[RateLimit, ...]:
    """Return the limits of a message about a new passkey.

    A session of the console has no limit of its own: it ends when it adds one.
    """
    purpose, name = LimitPurpose.NOTICES, "added"
    limits = (
        *limits_of_notice(identity_id),
        RateLimit(f"identity:{identity_id}", purpose, name, ADDED_IN_DAY),
    )
    if session_id is None:
        return limits
    return (*limits, RateLimit(f"session:{session_id}", purpose, name, ADDED_IN_SESSION))


CHALLENGE_TTL: Final = timedelta(minutes=5)
RANDOM_BYTES: Final = 16
_SIGNED: Final = struct.Struct(f">{RANDOM_BYTES}sQ")
_LABEL: Final = b"dialtone passkey challenge\0"


class PasskeyPurpose(StrEnum):
    """What the response to a challenge does."""

    SIGN_IN = "sign_in"
    ADD = "add"
    CONSOLE_SIGN_IN = "console_sign_in"
    ADD_OF_STAFF = "add_of_staff"
    TOUCH = "touch"


@dataclass(frozen=True, slots=True)
class UsedPasskeyChallenge:
    """A challenge whose response was verified. Adding its record uses it.

    Attributes:
        id: Its hash.
    """

    id: str
    expires_at: datetime


def make_challenge(
    purpose: PasskeyPurpose, subject: str, random: bytes, key: bytes, now: datetime
) -> bytes:
    """Return what an authenticator signs: random bytes, the time, and a MAC (HMAC-SHA256).

    The MAC proves that the service made it, for this purpose and this subject, such as an identity
    in a session. So nothing of it is stored before it is used.
    """
    signed = _SIGNED.pack(random, int(now.timestamp()))
    return signed + _authenticate(signed, purpose, subject, key)


def verify_challenge(
    text: bytes, purpose: PasskeyPurpose, subject: str, keys: Iterable[bytes], now: datetime
) -> UsedPasskeyChallenge:
    """Return the record of a challenge that a key made for this use.

    Raises:
        ChallengeNotValid: Also if it has expired.
    """
    signed, mac = text[: _SIGNED.size], text[_SIGNED.size :]
    macs = [_authenticate(signed, purpose, subject, key) for key in keys]
    if not any(hmac.compare_digest(each, mac) for each in macs):
        raise ChallengeNotValid
    _, seconds = _SIGNED.unpack(signed)
    expires_at = datetime.fromtimestamp(seconds, UTC) + CHALLENGE_TTL
    if now >= expires_at:
        raise ChallengeNotValid
    return UsedPasskeyChallenge(sha256(text).hexdigest(), expires_at)


def _authenticate(signed: bytes, purpose: PasskeyPurpose, subject: str, key: bytes) -> bytes:
    names = f"{purpose}\0{subject}\0".encode()
    return hmac.digest(key, _LABEL + names + signed, sha256)


def check_number(passkeys: Sequence[Passkey]) -> None:
    """Check that a passkey may be added; raises TooManyPasskeys."""
    if len(passkeys) >= MAX_PASSKEYS:
        raise TooManyPasskeys


def check_room(identity: Identity, passkeys: Sequence[Passkey], added: Passkey) -> None:
    """Check that an identity may have another one beside these passkeys.

    Raises:
        PasskeyExists, TooManyPasskeys
    """
    if find_passkey(identity.passkeys, added.id) is not None:
        raise PasskeyExists
    check_number(passkeys)


_USER_HANDLE: Final = "u:"


def make_user_handle(identity_id: str) -> str:
    """Return the user handle of passkeys of users.

    With the console's user handle, the id, an authenticator would replace one by the other.
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
    numbered = (f"{first} {number}" for number in range(2, 2 * MAX_PASSKEYS + 2))
    used = {passkey.name for passkey in passkeys}
    return next(name for name in (first, *numbered) if name not in used)


SECRET_BYTES: Final = 32
_SECRET: Final = rf"[0-9a-f]{{{2 * SECRET_BYTES}}}"
_COOKIE: Final = re.compile(_SECRET)
LINK_TTL: Final = timedelta(minutes=15)
_LINK: Final = re.compile(rf"([0-9a-f]{{24}})\.{_SECRET}")


def is_cookie(text: str) -> bool:
    """Return whether a text may be a cookie that the console has set."""
    return _COOKIE.fullmatch(text) is not None


def make_link(identity_id: str, secret: bytes) -> str:
    """Return the fragment of a link to the console, with which an identity adds a passkey."""
    return f"{identity_id}.{secret.hex()}"


def find_invited(link: str) -> str | None:
    """Return the id of the identity that a link is for; None for another text."""
    match = _LINK.fullmatch(link)
    return match[1] if match else None


def find_invitation(identity: Identity, link: str, now: datetime) -> Invitation | None:
    """Return the invitation of an identity if it is valid, and this is its link."""
    invitation = identity.staff.invitation
    if invitation is None or now >= invitation.expires_at:
        return None
    is_same = hmac.compare_digest(invitation.secret_hash, hash_secret(link))
    return invitation if is_same else None


def is_open_staff(identity: Identity, fixed_codes: FixedCodes) -> bool:
    """Return whether this identity may use the console now.

    A number with a fixed code may not: many may know the code.
    """
    is_open = identity.is_staff and not identity.is_closed and not identity.is_blocked
    return is_open and identity.phone is not None and not fixed_codes.includes(identity.phone)


def find_usable(identity: Identity, fixed_codes: FixedCodes) -> Sequence[Passkey]:
    """Return the passkeys of the staff that this identity may use now."""
    return identity.staff_passkeys if is_open_staff(identity, fixed_codes) else ()


class TouchPurpose(StrEnum):
    """What somebody confirms with a passkey: what lasts longer than the session."""

    ADD_PASSKEY = "add_passkey"
    REMOVE_PASSKEY = "remove_passkey"
    INVITE = "invite"
