from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

from application.identities.authenticate import Principal
from application.identities.session_factory import SessionFactory
from application.ports.clock import Clock
from application.ports.errors import StorageUnavailable
from application.ports.identities import Identities
from application.ports.security_events import SecurityEvent, SecurityEvents, SecurityEventType
from application.update import update_identity
from domain.errors import Unauthenticated, Unavailable
from domain.identities.identity import Identity
from domain.identities.refresh_token import RefreshToken


class Scope(StrEnum):
    """Which of somebody's sessions end."""

    THIS = "this"
    OTHERS = "others"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Logout:
    """End sessions; every token of them stops with this one write.

    Who does it shows an access token, or a refresh token of the session that is meant. A refresh
    token that the service did not make, or whose session is over, ends nothing and is no error
    (RFC 7009 §2.2): either way it is good for nothing now.
    """

    identities: Identities
    sessions: SessionFactory
    clock: Clock
    events: SecurityEvents

    async def __call__(self, by: Principal | RefreshToken, scope: Scope = Scope.THIS) -> None:
        """Raises Unauthenticated, Unavailable."""
        if isinstance(by, Principal):
            await self._change(by.identity.id, lambda one: _ended(one, by.session.id, scope), scope)
            return
        now = self.clock.now()

        def change(identity: Identity) -> Identity:
            session, _ = self.sessions.find_session(by, identity, now)
            return _ended(identity, session.id, scope)

        with suppress(Unauthenticated):
            await self._change(by.identity_id, change, scope)

    async def _change(
        self, identity_id: str, change: Callable[[Identity], Identity], scope: Scope
    ) -> None:
        try:
            await update_identity(self.identities, identity_id, change)
        except StorageUnavailable as error:
            raise Unavailable from error
        self.events.emit(
            SecurityEvent(
                type=SecurityEventType.SESSION_REVOKED, user_id=identity_id, reason=f"scope {scope}"
            )
        )


def _ended(identity: Identity, session_id: str, scope: Scope) -> Identity:
    match scope:
        case Scope.THIS:
            return identity.revoke_session(session_id)
        case Scope.OTHERS:
            return identity.revoke_other_sessions(session_id)
        case Scope.ALL:
            return identity.revoke_all_sessions()
