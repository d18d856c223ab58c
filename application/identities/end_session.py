from dataclasses import dataclass

from application.identities.authenticate import Caller
from application.ports.clock import Clock
from application.ports.errors import StoreUnavailable
from application.ports.identities import Identities
from application.ports.security_events import SecurityEvent, SecurityEvents, SecurityEventType
from application.swaps import change_identity
from domain.errors import SessionNotFound, Unavailable
from domain.identities.identity import Identity


@dataclass(frozen=True, slots=True)
class EndSession:
    """End one of the caller's sessions, wherever it is signed in."""

    identities: Identities
    clock: Clock
    events: SecurityEvents

    async def __call__(self, caller: Caller, session_id: str) -> None:
        """Raises SessionNotFound, Unauthenticated, Unavailable."""
        now = self.clock.now()

        def change(identity: Identity) -> Identity:
            if identity.session(session_id, now) is None:
                raise SessionNotFound
            return identity.signed_out(session_id)

        try:
            await change_identity(self.identities, caller.identity.id, change)
        except StoreUnavailable as error:
            raise Unavailable from error
        self.events.emit(
            SecurityEvent(
                type=SecurityEventType.SESSION_REVOKED,
                user_id=caller.identity.id,
                reason="one session",
            )
        )
