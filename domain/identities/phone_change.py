"""A change of the phone of an identity."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.phone import PhoneNumber


class PhoneChangeStep(StrEnum):
    """What is done next. The values are stored."""

    ASSIGN = "assign"
    """The new number is assigned to the identity, and then the identity gets it."""
    RELEASE = "release"
    """The former number is released."""
    NOTIFY = "notify"
    """The former number gets a message."""


class PhoneNotice(StrEnum):
    """A message without a code, to a number that an identity had or has."""

    PHONE_CHANGED = "phone_changed"
    """To the former number: the account has another one."""
    PASSKEY_ADDED = "passkey_added"
    """To the number of a user: the account has another passkey."""
    PASSKEY_REMOVED = "passkey_removed"
    """To the number of a user: the account has lost a passkey."""
    CONSOLE_PASSKEY_ADDED = "console_passkey_added"
    """To the number of somebody of the staff: the account has another passkey."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneChange:
    """A change under way. A process that is killed leaves it, and a retry or the cleanup ends it.

    Attributes:
        old_phone: The former number; None of an identity that is detached, and gets one again.
        started_at: When it began; it identifies the change.
    """

    new_phone: PhoneNumber
    old_phone: PhoneNumber | None
    step: PhoneChangeStep = PhoneChangeStep.ASSIGN
    started_at: datetime
    attempted_at: datetime
    kept_session_id: str | None = None
    is_by_operator: bool = False
