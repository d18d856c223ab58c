from contextlib import suppress
from dataclasses import dataclass

from application.identities.authenticate import Caller
from application.media.doom import Doom
from application.ports.clock import Clock
from application.ports.errors import StoreUnavailable
from application.ports.identities import Identities
from application.ports.security_events import SecurityEvent, SecurityEvents, SecurityEventType
from application.swaps import change_identity
from domain.errors import Unavailable
from domain.identities.identity import Identity


@dataclass(frozen=True, slots=True)
class DeleteUser:
    """Delete the caller's identity by one write.

    From then on every token of it is refused and nothing of it is shown, because whatever
    reads respects the tombstone. What it left behind is cleared away as far as that goes at
    once; the sweeper sees to the rest.
    """

    identities: Identities
    doom: Doom
    clock: Clock
    events: SecurityEvents

    async def __call__(self, caller: Caller) -> None:
        """Raises Unauthenticated, Unavailable."""
        now = self.clock.now()

        def change(identity: Identity) -> Identity:
            return identity.deleted_at(now)

        try:
            await change_identity(self.identities, caller.identity.id, change)
        except StoreUnavailable as error:
            raise Unavailable from error
        self.events.emit(
            SecurityEvent(type=SecurityEventType.USER_DELETED, user_id=caller.identity.id)
        )
        with suppress(StoreUnavailable):
            await self.doom.some_of(caller.identity.id)
