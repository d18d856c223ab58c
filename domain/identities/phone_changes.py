"""The changes of the phone of an identity: which one is under way, and what earlier ones allow."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from domain.identities.phone_change import UNDO_PERIOD, PhoneChange, PhoneChangeStep


@dataclass(frozen=True, slots=True)
class PhoneChanges:
    """The change that is under way, and until when earlier ones can be undone, the next first.

    After an undo no other change is possible until `next_allowed_at`.
    """

    under_way: PhoneChange | None = None
    undo_deadlines: tuple[datetime, ...] = ()
    next_allowed_at: datetime | None = None

    @property
    def last_undo_deadline(self) -> datetime | None:
        """The deadline of the last change, None if no change can be undone."""
        return self.undo_deadlines[-1] if self.undo_deadlines else None

    def start(self, change: PhoneChange) -> "PhoneChanges":
        """Begin a change.

        Its deadline is after those of earlier changes, also if a clock was set back: the order of
        deadlines is that of changes.
        """
        last = self.last_undo_deadline
        if change.undo_until is not None and not change.is_undo and last is not None:
            after_last = last + timedelta(milliseconds=1)
            change = replace(change, undo_until=max(change.undo_until, after_last))
        return self.advance(change)

    def advance(self, change: PhoneChange | None) -> "PhoneChanges":
        """Put the change under way at another step; None ends it."""
        return replace(self, under_way=change)

    def assigns_next(self, change: PhoneChange) -> bool:
        """Return whether this change is under way, and assigns the new number next."""
        return self.under_way == change and change.step is PhoneChangeStep.ASSIGN

    def assign(self, change: PhoneChange, now: datetime) -> "PhoneChanges":
        """Record that the identity has the new number of the change under way.

        - The change can be undone until its deadline. An undo also voids the deadlines of all later
          changes, and no change is possible for `UNDO_PERIOD`.
        - If an operator's change cannot be undone, earlier changes cannot either: their numbers may
          have been stolen as well.
        """
        deadlines = [deadline for deadline in self.undo_deadlines if now < deadline]
        allowed_at = self.next_allowed_at
        if change.is_undo:
            undone = change.undo_until or now
            deadlines = [deadline for deadline in deadlines if deadline < undone]
            allowed_at = now + UNDO_PERIOD
        elif change.undo_until is not None:
            deadlines.append(change.undo_until)
        elif change.is_by_operator:
            deadlines = []
        released = replace(change, step=PhoneChangeStep.RELEASE, attempted_at=now)
        return PhoneChanges(released, tuple(deadlines), allowed_at)

    def disown(self) -> "PhoneChanges":
        """Void all deadlines: the owner of the number disowned the account."""
        return replace(self, undo_deadlines=())

    def keep_remains(self) -> "PhoneChanges":
        """Keep what a deleted identity has: the change under way still has to be completed."""
        return PhoneChanges(self.under_way)
