from dataclasses import dataclass

from application.identities.update_user import update_user
from application.ports.clock import Clock
from application.ports.identities import Identities
from application.ports.phone_verifications import PhoneVerifications
from application.ports.security_events import SecurityEvent, SecurityEvents, SecurityEventType
from domain.identities.identity import Identity
from domain.phone import PhoneNumber


@dataclass(frozen=True, slots=True)
class RevokePhoneSessions:
    """End every session of whoever holds a phone; every token of them stops with this one write.

    It may sign in again at once: what is to keep somebody out is a block.
    """

    identities: Identities
    phone_verifications: PhoneVerifications
    clock: Clock
    events: SecurityEvents

    async def __call__(self, phone: PhoneNumber) -> int:
        """Give how many sessions ended.

        Raises:
            UserNotFound: nobody has signed in with this phone, or they are deleted.
            StorageUnavailable
        """
        now = self.clock.now()
        ended = 0

        def change(identity: Identity) -> Identity:
            nonlocal ended
            ended = len(identity.active_sessions(now))
            return identity.revoke_all_sessions()

        identity = await update_user(self.identities, self.phone_verifications, phone, change)
        self.events.emit(
            SecurityEvent(
                type=SecurityEventType.SESSION_REVOKED,
                phone=phone,
                user_id=identity.id,
                reason=f"by an operator, sessions: {ended}",
            )
        )
        return ended
