from dataclasses import dataclass

from application.identities.named_user import change_named
from application.ports.clock import Clock
from application.ports.identities import Identities
from application.ports.phone_records import PhoneRecords
from application.ports.security_events import SecurityEvent, SecurityEvents, SecurityEventType
from domain.identities.identity import Identity
from domain.phone import PhoneNumber


@dataclass(frozen=True, slots=True)
class SignOutPhone:
    """End every session of whoever holds a phone; every token of them stops with this one write.

    It may sign in again at once: what is to keep somebody out is a block.
    """

    identities: Identities
    phone_records: PhoneRecords
    clock: Clock
    events: SecurityEvents

    async def __call__(self, phone: PhoneNumber) -> int:
        """Give how many sessions ended.

        Raises:
            UserNotFound: nobody has signed in with this phone, or they are deleted.
            StoreUnavailable
        """
        now = self.clock.now()
        ended = 0

        def change(identity: Identity) -> Identity:
            nonlocal ended
            ended = len(identity.living_sessions(now))
            return identity.signed_out_everywhere()

        identity = await change_named(self.identities, self.phone_records, phone, change)
        self.events.emit(
            SecurityEvent(
                type=SecurityEventType.SESSION_REVOKED,
                phone=phone,
                user_id=identity.id,
                reason=f"by an operator, sessions: {ended}",
            )
        )
        return ended
