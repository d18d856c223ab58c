"""Challenges for passkeys, and invitations to add one."""

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Final

from domain.administration.audit import hide_phones
from domain.errors import DomainError, InvalidValue, TooLong
from domain.identities.identity import Identity
from domain.secret_hash import hash_secret


class PasskeyRejected(DomainError):
    """No staff signs in with this. Strangers are not told why; the security event says it."""


class SignCountFell(PasskeyRejected):
    """The passkey is right, but was used before elsewhere: its authenticator may have a copy."""


class ChallengeNotValid(DomainError):
    """The challenge was used, is older than five minutes, or is for something else."""


class InvitationNotValid(DomainError):
    """The link was used, is too old, or void: a role or all sessions ended meanwhile."""


class PasskeysNotPossible(DomainError):
    """There can be no passkeys with these settings; the message says why."""


class NotStaff(DomainError):
    """The account has no role, is blocked, or has a test OTP."""


class TooManyPasskeys(DomainError):
    """The identity has as many passkeys as it may."""


class PasskeyExists(DomainError):
    """The identity has this passkey."""


class LastPasskey(DomainError):
    """It is the only passkey of somebody who needs one."""


class PasskeyNotFound(DomainError):
    """The identity has no such passkey."""


CHALLENGE_BYTES: Final = 32
CHALLENGE_TTL: Final = timedelta(minutes=5)


class PasskeyPurpose(StrEnum):
    """What the response to a challenge does. The values are stored."""

    SIGN_IN = "sign_in"
    ENROL = "enrol"
    USE_FOR_ENROLMENT = "use_for_enrolment"


@dataclass(frozen=True, slots=True, kw_only=True)
class PasskeyChallenge:
    """A challenge that was sent to a browser. Whoever deletes its record has used it.

    Attributes:
        id: The hash of the challenge: see `hash_challenge`.
        invitation_id: The invitation that it belongs to; empty for another purpose.
    """

    id: str
    purpose: PasskeyPurpose
    invitation_id: str = field(default="", repr=False)
    created_at: datetime

    @property
    def expires_at(self) -> datetime:
        return self.created_at + CHALLENGE_TTL


def hash_challenge(challenge: bytes) -> str:
    """Return what the record of a challenge is found by."""
    return sha256(challenge).hexdigest()


SECRET_BYTES: Final = 32
LINK_TTL: Final = timedelta(minutes=15)
"""Of a link that an operator made."""
USE_TTL: Final = timedelta(minutes=5)
"""After the use of a passkey."""
MAX_NAME_LENGTH: Final = 50
_SECRET: Final = re.compile(rf"[0-9a-f]{{{2 * SECRET_BYTES}}}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PasskeyInvitation:
    """Lets one identity add one passkey. Whoever deletes its record has used it.

    Attributes:
        id: The hash of its secret, which has 256 random bits.
        session_version: The version that the identity had. Whatever ends all its sessions voids
            the invitation too: also a block, a change of the number, and a new passkey.
        passkey_id: The passkey that was used for it; empty for a link. It has to be there still.
    """

    id: str = field(repr=False)
    identity_id: str
    session_version: int
    passkey_id: str = ""
    created_at: datetime
    expires_at: datetime

    def admits(self, identity: Identity, now: datetime) -> bool:
        return (
            now < self.expires_at
            and self.session_version == identity.session_version
            and (not self.passkey_id or identity.staff.find_passkey(self.passkey_id) is not None)
        )


def find_invitation_id(secret: str) -> str | None:
    """Return the id of the invitation with this secret; None for a text that is no secret."""
    return hash_secret(secret) if _SECRET.fullmatch(secret) else None


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
