"""Exchange a refresh token for the next one."""

from dataclasses import dataclass

from application.identities.session_factory import SessionFactory, Tokens
from application.ports.identities import Identities
from application.ports.security_events import SecurityEvents, SecurityEventType
from application.ports.system import Clock
from application.update import update_identity
from domain.errors import InvalidRefreshToken, Unauthenticated
from domain.identities.identity import Identity
from domain.identities.refresh_token import RefreshToken


@dataclass(frozen=True, slots=True)
class RefreshSession:
    """Exchange a refresh token for the next one and a fresh access token.

    - A token that the service did not make has no effect: to know a session's id is not enough
      to revoke it.
    - However many requests send the current token in parallel, there is one successor.
    - A client that lost the response sends the previous token again: it gets the same refresh
      token and a fresh access token, until it uses one of these. A repeat extends nothing.
    - Any other reused token revokes its session (RFC 9700 §4.14.2).
    """

    identities: Identities
    sessions: SessionFactory
    clock: Clock
    events: SecurityEvents

    async def __call__(self, token: RefreshToken | None) -> Tokens:
        """Refresh the session; None is a text that is no refresh token.

        Raises:
            InvalidRefreshToken
            StorageError
        """
        if token is None:
            self.events.emit(SecurityEventType.REFRESH_TOKEN_REJECTED)
            raise InvalidRefreshToken
        now = self.clock.now()

        def rotate(identity: Identity) -> Identity:
            session, family = self.sessions.find_session(token, identity, now)
            rotated = family.rotate(token.generation, now)
            if rotated is None:
                return identity.revoke_session(session.id)
            if rotated is family:
                return identity
            return identity.replace_session(self.sessions.refresh(session, rotated, now))

        try:
            identity = await update_identity(self.identities, token.identity_id, rotate)
        except Unauthenticated:
            self.events.emit(SecurityEventType.REFRESH_TOKEN_REJECTED, user_id=token.identity_id)
            raise InvalidRefreshToken from None
        session = identity.find_session(token.session_id, now)
        if session is None:
            self.events.emit(SecurityEventType.REFRESH_TOKEN_REUSED, user_id=identity.id)
            raise InvalidRefreshToken
        self.events.emit(SecurityEventType.SESSION_REFRESHED, user_id=identity.id)
        return self.sessions.issue_tokens(identity.id, session, now)
