from dataclasses import dataclass

from application.identities.update_user import update_user
from application.ports.identities import Identities
from application.ports.phone_verifications import PhoneVerifications
from application.ports.security_events import SecurityEvent, SecurityEvents, SecurityEventType
from domain.identities.identity import Identity
from domain.phone import PhoneNumber


@dataclass(frozen=True, slots=True)
class PromoteUser:
    """Make somebody an administrator, from the next request on."""

    identities: Identities
    phone_verifications: PhoneVerifications
    events: SecurityEvents

    async def __call__(self, user: str | PhoneNumber) -> Identity:
        """Find the user by id or by phone.

        Raises:
            UserNotFound
            StorageUnavailable
        """
        promoted = await update_user(
            self.identities, self.phone_verifications, user, Identity.promote
        )
        self.events.emit(
            SecurityEvent(
                type=SecurityEventType.ROLE_CHANGED,
                phone=promoted.phone,
                user_id=promoted.id,
                role=promoted.role,
            )
        )
        return promoted
