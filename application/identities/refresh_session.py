from dataclasses import dataclass

from application.identities.session_tokens import SessionTokens, Tokens
from application.ports.clock import Clock
from application.ports.errors import StoreUnavailable
from application.ports.identities import Identities
from application.ports.security_events import SecurityEvent, SecurityEvents, SecurityEventType
from application.swaps import change_identity
from domain.errors import RefreshTokenRefused, Unauthenticated, Unavailable
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
    session_tokens: SessionTokens
    clock: Clock
    events: SecurityEvents

    async def __call__(self, token: RefreshToken) -> Tokens:
        """Raises RefreshTokenRefused, Unavailable."""
        now = self.clock.now()
        lifetime = self.session_tokens.lifetimes.refresh

        def change(identity: Identity) -> Identity:
            session, lineage = self.session_tokens.session_of(token, identity, now)
            after = lineage.after(token.generation, now)
            if after is None:
                return identity.signed_out(session.id)
            if after is lineage:
                return identity
            return identity.with_session(session.refreshed(after, now, lifetime))

        try:
            identity = await change_identity(self.identities, token.identity_id, change)
        except Unauthenticated:
            self._emit(SecurityEventType.REFRESH_TOKEN_REJECTED, token.identity_id)
            raise RefreshTokenRefused from None
        except StoreUnavailable as error:
            raise Unavailable from error
        session = identity.session(token.session_id, now)
        if session is None:
            self._emit(SecurityEventType.REFRESH_TOKEN_REUSED, identity.id)
            raise RefreshTokenRefused
        self._emit(SecurityEventType.SESSION_REFRESHED, identity.id)
        return self.session_tokens.of(identity.id, session, now)

    def _emit(self, event_type: SecurityEventType, identity_id: str) -> None:
        self.events.emit(SecurityEvent(type=event_type, user_id=identity_id))
