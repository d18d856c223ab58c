from dataclasses import dataclass

from application.identities.session_factory import SessionFactory, Tokens
from application.ports.clock import Clock
from application.ports.errors import StorageUnavailable
from application.ports.identities import Identities
from application.ports.security_events import SecurityEvent, SecurityEvents, SecurityEventType
from application.update import update_identity
from domain.errors import InvalidRefreshToken, Unauthenticated, Unavailable
from domain.identities.identity import Identity
from domain.identities.refresh_token import RefreshToken


@dataclass(frozen=True, slots=True)
class RefreshSession:
    """Trade a refresh token for the next one and a fresh access token.

    - One that the service did not make has no effect: to know a session is not enough to end it.
    - However often the current one is traded at the same time, one successor comes of it.
    - One that was traded before ends its session, unless its client just lost the answer
      (RFC 9700 §4.14.2).
    """

    identities: Identities
    sessions: SessionFactory
    clock: Clock
    events: SecurityEvents

    async def __call__(self, token: RefreshToken) -> Tokens:
        """Raises InvalidRefreshToken, Unavailable."""
        now = self.clock.now()
        lifetime = self.sessions.lifetimes.refresh

        def change(identity: Identity) -> Identity:
            session, lineage = self.sessions.find_session(token, identity, now)
            after = lineage.rotate(token.generation, now)
            if after is None:
                return identity.revoke_session(session.id)
            if after is lineage:
                return identity
            return identity.replace_session(session.refresh(after, now, lifetime))

        try:
            identity = await update_identity(self.identities, token.identity_id, change)
        except Unauthenticated:
            self._emit(SecurityEventType.REFRESH_TOKEN_REJECTED, token.identity_id)
            raise InvalidRefreshToken from None
        except StorageUnavailable as error:
            raise Unavailable from error
        session = identity.find_session(token.session_id, now)
        if session is None:
            self._emit(SecurityEventType.REFRESH_TOKEN_REUSED, identity.id)
            raise InvalidRefreshToken
        self._emit(SecurityEventType.SESSION_REFRESHED, identity.id)
        return self.sessions.issue_tokens(identity.id, session, now)

    def _emit(self, event_type: SecurityEventType, identity_id: str) -> None:
        self.events.emit(SecurityEvent(type=event_type, user_id=identity_id))
