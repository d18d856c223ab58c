"""What is shown of the changes of a user's phone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from application.ports.system import Clock
from application.use_cases import UseCases
from domain.identities.identity import Identity
from domain.identities.phone_change import PhoneChange


@dataclass(frozen=True, slots=True)
class PhoneChangeDetails:
    """The changes of a user's phone.

    Attributes:
        change: The change under way; None without one.
        undo_deadlines: Until when changes can be undone, the next first.
        allowed_at: From when on the owner can change the phone again, after an undo; None if that
            is possible now.
    """

    change: PhoneChange | None
    undo_deadlines: Sequence[datetime]
    allowed_at: datetime | None


def add_phone_change_details(core: UseCases, clock: Clock) -> None:
    """Let the core show changes of phones, which are in the identity."""

    async def load(identity: Identity | None) -> PhoneChangeDetails | None:
        if identity is None or identity.is_deleted:
            return None
        now, has_phone = clock.now(), not identity.is_closed
        allowed_at = identity.phone_changes.next_allowed_at if has_phone else None
        return PhoneChangeDetails(
            identity.phone_changes.under_way,
            [each for each in identity.phone_changes.undo_deadlines if now < each]
            if has_phone
            else (),
            allowed_at if allowed_at and now < allowed_at else None,
        )

    core.administration.details_parts.append(load)
