"""The numbers that an identity got by changes, while their owners can disown the account."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from domain.identities.phone_change import UNDO_PERIOD, PhoneChange
from domain.phone import PhoneNumber

NOTICE_PERIOD: Final = timedelta(days=1)
"""For how long it is tried to send a message that every provider rejects."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneAssignment:
    """A number that a change gave to an identity.

    Attributes:
        assigned_at: When the change began; it identifies the change.
        phone: The number.
        former_phone: The number that the identity had before.
        kept_session_id: The session that the change did not end. All others that the identity has
            since were opened by a code of the number.
    """

    assigned_at: datetime
    phone: PhoneNumber
    former_phone: PhoneNumber
    kept_session_id: str | None = None

    @property
    def disown_until(self) -> datetime:
        """Until when whoever signs in with the number can say that the account is not theirs."""
        return self.assigned_at + UNDO_PERIOD


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneAssignments:
    """The assignments of the last seven days of one identity, the latest last.

    An undo deletes none of them: the one counts whose number the identity has.

    Attributes:
        id: The id of the identity.
        assignments: The assignments.
        notice_due_at: When it is attempted next to send the message to the latest number; None if
            nothing is to be sent.
        locale: The language of that message, if a client asked for one.
    """

    id: str
    assignments: tuple[PhoneAssignment, ...] = ()
    notice_due_at: datetime | None = None
    locale: str | None = None

    @property
    def expires_at(self) -> datetime:
        """When nothing of it counts anymore."""
        return self.assignments[-1].disown_until

    @property
    def latest(self) -> PhoneAssignment:
        """The latest assignment, whose number gets the message."""
        return self.assignments[-1]

    def add(self, change: PhoneChange, now: datetime) -> "PhoneAssignments":
        """Return the assignments with that of a change, whose message is due. A repeat is harmless.

        Those that expired are dropped.
        """
        added = PhoneAssignment(
            assigned_at=change.started_at,
            phone=change.new_phone,
            former_phone=change.old_phone,
            kept_session_id=change.kept_session_id,
        )
        if added in self.assignments:
            return self
        kept = [each for each in self.assignments if now < each.disown_until]
        return replace(self, assignments=(*kept, added), notice_due_at=now, locale=change.locale)

    def find(self, phone: PhoneNumber | None, now: datetime) -> PhoneAssignment | None:
        """Return the latest assignment of a number, if the account can be disowned by it."""
        for assignment in reversed(self.assignments):
            if assignment.phone == phone:
                return assignment if now < assignment.disown_until else None
        return None

    def is_notice_due(self, now: datetime) -> bool:
        """Return whether the message to the latest number is to be attempted."""
        return self.notice_due_at is not None and self.notice_due_at <= now

    def set_notice_due(self, due_at: datetime | None) -> "PhoneAssignments":
        """Return the assignments whose message is attempted at this time, never for None."""
        return replace(self, notice_due_at=due_at)
