"""The challenge that an authenticator signs, once."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Final

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
