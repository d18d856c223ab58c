from contextlib import suppress
from dataclasses import dataclass

from application.identities.authenticate import Principal
from application.media.mark_for_deletion import MarkForDeletion
from application.ports.clock import Clock
from application.ports.errors import StorageUnavailable
from application.ports.identities import Identities
from application.ports.security_events import SecurityEvent, SecurityEvents, SecurityEventType
from application.update import update_identity
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
    mark_for_deletion: MarkForDeletion
    clock: Clock
    events: SecurityEvents

    async def __call__(self, principal: Principal) -> None:
        """Raises Unauthenticated, Unavailable."""
        now = self.clock.now()

        def change(identity: Identity) -> Identity:
            return identity.delete(now)

        try:
            await update_identity(self.identities, principal.identity.id, change)
        except StorageUnavailable as error:
            raise Unavailable from error
        self.events.emit(
            SecurityEvent(type=SecurityEventType.USER_DELETED, user_id=principal.identity.id)
        )
        with suppress(StorageUnavailable):
            await self.mark_for_deletion.mark_some_of(principal.identity.id)
