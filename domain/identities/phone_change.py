"""A change of the phone of an identity, and its undo."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from domain.phone import PhoneNumber

UNDO_PERIOD: Final = timedelta(days=7)
"""For how long the former number can undo a change, and after an undo nothing can be changed."""


class PhoneChangeStep(StrEnum):
    """What is done next. The values are stored."""

    ASSIGN = "assign"
    """The new number is assigned to the identity, and then the identity gets it."""
    RELEASE = "release"
    """The former number is released."""
    NOTIFY = "notify"
    """The former number gets a message."""


class PhoneNotice(StrEnum):
    """A message without a code, to a number that an identity had or gets."""

    PHONE_CHANGED = "phone_changed"
    """The account has another number. The message says how to undo the change."""
    PHONE_CHANGED_WITHOUT_UNDO = "phone_changed_without_undo"
    """The account has another number."""
    PHONE_CHANGE_UNDONE = "phone_change_undone"
    """The account has its former number again."""
    PHONE_ASSIGNED = "phone_assigned"
    """To the new number: it signs in to an account. The message says how to disown the account."""
    PASSKEY_ADDED = "passkey_added"
    """To the number of somebody of the staff: the account has another passkey."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneChange:
    """A change under way. A process that is killed leaves it, and a retry or the cleanup ends it.

    Attributes:
        started_at: When it began; it identifies the change.
        attempted_at: When its step was attempted last.
        is_disown: Whether the owner of `old_phone` says that the account is somebody else's. The
            account loses this phone even if it cannot get its former one back.
        undo_until: Until when the change can be undone, None if it cannot be. Of an undo: the
            deadline of the change that it undoes.
        kept_session_id: The only session that does not end.
        locale: The language of the message to the former number, if a client asked for one.
    """

    new_phone: PhoneNumber
    old_phone: PhoneNumber
    step: PhoneChangeStep = PhoneChangeStep.ASSIGN
    started_at: datetime
    attempted_at: datetime
    is_undo: bool = False
    is_disown: bool = False
    undo_until: datetime | None = None
    kept_session_id: str | None = None
    is_by_operator: bool = False
    locale: str | None = None

    @property
    def notified_phone(self) -> PhoneNumber:
        """The number that gets the message: its owner did not make the change."""
        return self.new_phone if self.is_disown else self.old_phone

    @property
    def notice(self) -> PhoneNotice:
        """The message that this number gets."""
        if self.is_undo:
            return PhoneNotice.PHONE_CHANGE_UNDONE
        if self.undo_until is None:
            return PhoneNotice.PHONE_CHANGED_WITHOUT_UNDO
        return PhoneNotice.PHONE_CHANGED

    def keeps_role(self, undo_deadline_at_promotion: datetime | None) -> bool:
        """Return whether somebody of the staff keeps the role after this change.

        Not if an operator makes it, if the number is disowned, or if the change that is undone came
        before the promotion: the account goes to another person.
        """
        if self.is_by_operator or self.is_disown:
            return False
        if self.is_undo and self.undo_until and undo_deadline_at_promotion:
            return self.undo_until > undo_deadline_at_promotion
        return True
