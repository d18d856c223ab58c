from dataclasses import dataclass

from application.identities.named_user import change_named
from application.ports.identities import Identities
from application.ports.phone_records import PhoneRecords
from application.ports.security_events import SecurityEvent, SecurityEvents, SecurityEventType
from domain.identities.identity import Identity
from domain.phone import PhoneNumber


@dataclass(frozen=True, slots=True)
class PromoteUser:
    """Make somebody an administrator, from the next request on."""

    identities: Identities
    phone_records: PhoneRecords
    events: SecurityEvents

    async def __call__(self, user: str | PhoneNumber) -> Identity:
        """Find the user by id or by phone.

        Raises:
            UserNotFound
            StoreUnavailable
        """
        promoted = await change_named(self.identities, self.phone_records, user, Identity.promoted)
        self.events.emit(
            SecurityEvent(
                type=SecurityEventType.ROLE_CHANGED,
                phone=promoted.phone,
                user_id=promoted.id,
                role=promoted.role,
            )
        )
        return promoted
