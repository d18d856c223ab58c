from dataclasses import dataclass

from application.identities.authenticate import Principal
from application.ports.clock import Clock
from application.ports.errors import StorageUnavailable
from application.ports.identities import Identities
from application.ports.security_events import SecurityEvent, SecurityEvents, SecurityEventType
from application.update import update_identity
from domain.errors import SessionNotFound, Unavailable
from domain.identities.identity import Identity


@dataclass(frozen=True, slots=True)
class RevokeSession:
    """End one of the caller's sessions, wherever it is signed in."""

    identities: Identities
    clock: Clock
    events: SecurityEvents

    async def __call__(self, principal: Principal, session_id: str) -> None:
        """Raises SessionNotFound, Unauthenticated, Unavailable."""
        now = self.clock.now()

        def change(identity: Identity) -> Identity:
            if identity.find_session(session_id, now) is None:
                raise SessionNotFound
            return identity.revoke_session(session_id)

        try:
            await update_identity(self.identities, principal.identity.id, change)
        except StorageUnavailable as error:
            raise Unavailable from error
        self.events.emit(
            SecurityEvent(
                type=SecurityEventType.SESSION_REVOKED,
                user_id=principal.identity.id,
                reason="one session",
            )
        )
