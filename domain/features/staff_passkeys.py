"""Invitations to add a passkey of the staff."""

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from domain.errors import DomainError
from domain.identities.identity import Identity
from domain.secret_hash import hash_secret


class InvitationNotValid(DomainError):
    """The link was used, is too old, or void: a role or all sessions ended meanwhile."""


class PasskeysNotPossible(DomainError):
    """There can be no passkeys with these settings; the message says why."""


class NotStaff(DomainError):
    """The account has no role, is blocked, or has a test OTP."""


class LastPasskey(DomainError):
    """It is the only passkey of somebody who needs one."""


SECRET_BYTES: Final = 32
LINK_TTL: Final = timedelta(minutes=15)
"""Of a link that an operator made."""
USE_TTL: Final = timedelta(minutes=5)
"""After the use of a passkey."""
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
