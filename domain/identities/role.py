"""Roles of identities, and what somebody of the staff has."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Role(StrEnum):
    """What an identity may do for and with others. Everybody but a member is staff."""

    MEMBER = "member"
    SUPPORT = "support"
    MODERATOR = "moderator"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"

    @property
    def rank(self) -> int:
        """How high it is: staff cannot act on the same or a higher rank."""
        match self:
            case Role.MEMBER:
                return 0
            case Role.ADMINISTRATOR:
                return 2
            case _:
                return 1

    @property
    def is_staff(self) -> bool:
        return self is not Role.MEMBER


@dataclass(frozen=True, slots=True)
class Invitation:
    """A link with which its owner adds one passkey of the staff. What ends all sessions ends it.

    Attributes:
        secret_hash: SHA-256 of the fragment of the link, which has 256 random bits.
        made_by: The kind and the id of the link's maker, as in the audit.
    """

    secret_hash: str
    expires_at: datetime
    made_by: str


@dataclass(frozen=True, slots=True)
class Staff:
    """The role of an identity, and how it comes to its rights.

    Attributes:
        needs_passkey: Whether the rights count in sessions of the console only. The first passkey
            of the staff sets it; the end of the role or a command clears it. Otherwise the rights
            would come back to whoever gets the codes of the phone.
        invitation: The last link that was made.
    """

    role: Role = Role.MEMBER
    needs_passkey: bool = False
    invitation: Invitation | None = None
