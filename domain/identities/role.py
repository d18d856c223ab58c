"""Roles of identities."""

from enum import StrEnum


class Role(StrEnum):
    """What an identity may do."""

    MEMBER = "member"
    ADMINISTRATOR = "administrator"
