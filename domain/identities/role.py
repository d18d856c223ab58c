"""Roles of identities."""

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
        """How high it is: nobody acts on staff of the same or a higher rank."""
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
