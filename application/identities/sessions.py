"""List, refresh and revoke one's own sessions."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

from application.identities.events import (
    RefreshTokenRejected,
    RefreshTokenRepeated,
    RefreshTokenReused,
    SessionRefreshed,
    SessionRevoked,
)
from application.identities.session_factory import SessionFactory, Tokens
from application.identities.token_claims import Claims
from application.ports.identities import Identities
from application.ports.keyed_hashes import KeyedHashes
from application.ports.security_events import SecurityEvents
from application.ports.system import Clock
from application.principal import Principal
from application.update import change
from domain.errors import InvalidRefreshToken, SessionNotFound, Unauthenticated
from domain.identities.identity import Identity
from domain.identities.refresh_token import RefreshToken
from domain.identities.session import Session


@dataclass(frozen=True, slots=True)
class ListSessions:
    """List the principal's active sessions, the last used first."""

    clock: Clock

    async def __call__(self, principal: Principal) -> Sequence[Session]:
        """Return the sessions as they were when the request was authenticated."""
        now = self.clock.now()
        return sorted(
            principal.identity.active_sessions(now),
            key=lambda session: (session.last_seen_at, session.created_at, session.id),
            reverse=True,
        )


@dataclass(frozen=True, slots=True)
class RevokeSession:
    """Revoke one of the principal's sessions by its id, with its recognized device."""

    identities: Identities
    clock: Clock
    events: SecurityEvents

    async def __call__(self, principal: Principal, session_id: str) -> None:
        now = self.clock.now()

        def revoke(identity: Identity) -> tuple[Identity, None]:
            if identity.require_open().find_session(session_id, now) is None:
                raise SessionNotFound
            return identity.revoke_session(session_id).revoke_device_of(session_id), None

        await change(self.identities, principal.identity.id, revoke, missing=Unauthenticated)
        self.events.record(
            SessionRevoked(
                user_id=principal.identity.id,
                session_id=session_id,
                reason="one session, by its id",
            )
        )


@dataclass(frozen=True, slots=True)
class RefreshSession:
    """Exchange a refresh token for the next one and a fresh access token.

    - A token that the service did not make has no effect: to know a session's id is not enough
      to revoke it.
    - However many requests send the current token in parallel, there is one successor.
    - A client that lost the response sends the previous token again. Soon it gets the same refresh
      token and a fresh access token, which extends nothing; if it comes from another network then,
      operators are warned. Later, until it uses one of these, it gets another refresh token, and
      the unused one is void.
    - Without the claims of extensions nothing is exchanged, and the client sends the token again.
    - Any other reused token, such as a void one, revokes its session (RFC 9700 §4.14.2).
    """

    identities: Identities
    sessions: SessionFactory
    keyed_hashes: KeyedHashes
    clock: Clock
    events: SecurityEvents

    async def __call__(self, token: RefreshToken | None, client_ip: str) -> Tokens:
        """Refresh the session.

        Raises:
            InvalidRefreshToken
        """
        if token is None:
            self.events.record(RefreshTokenRejected())
            raise InvalidRefreshToken
        network = self.keyed_hashes.hash_client_ip(client_ip).network
        now = self.clock.now()

        async def rotate(
            identity: Identity,
        ) -> tuple[Identity, tuple[Identity, Session | None, Claims | None, bool]]:
            session, family = self.sessions.find_session(token, identity.require_open(), now)
            rotated = family.rotate(token.generation, now)
            is_repeated_elsewhere = rotated is family and session.is_elsewhere(network)
            if rotated is None:
                successor = identity.revoke_session(session.id)
            elif is_repeated_elsewhere:
                successor = identity.record_token_repeat(session, now)
            elif rotated is family:
                successor = identity
            else:
                refreshed = session.refresh(rotated, now, self.sessions.limits, network)
                successor = identity.replace_session(refreshed)
            kept = successor.find_session(session.id, now)
            claims = await self.sessions.load_claims(identity.id, kept) if kept else None
            return successor, (successor, kept, claims, is_repeated_elsewhere)

        try:
            identity, session, claims, is_repeated_elsewhere = await change(
                self.identities, token.identity_id, rotate, missing=Unauthenticated
            )
        except Unauthenticated:
            self.events.record(RefreshTokenRejected(user_id=token.identity_id))
            raise InvalidRefreshToken from None
        if session is None:
            self.events.record(RefreshTokenReused(user_id=identity.id, session_id=token.session_id))
            raise InvalidRefreshToken
        if is_repeated_elsewhere:
            self.events.record(RefreshTokenRepeated(user_id=identity.id, session_id=session.id))
        self.events.record(SessionRefreshed(user_id=identity.id, session_id=session.id))
        return self.sessions.issue_tokens(identity, session, now, claims)


class LogoutScope(StrEnum):
    """Which sessions a logout revokes."""

    THIS = "this"
    OTHERS = "others"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Logout:
    """Revoke sessions. All their tokens stop working with this one write.

    Revoking others, or all, also revokes the recognized devices of these sessions. An ordinary
    logout keeps the device recognized: strangers who use up the limits do not delay its next login.

    The client proves itself with an access token, or with a refresh token of the session. A refresh
    token that the service did not make, or of a session that has ended, revokes nothing and is no
    error (RFC 7009 §2.2): it is invalid either way. A refresh token that a refresh would not accept
    may be stolen: it revokes its own session, whatever the scope.
    """

    identities: Identities
    sessions: SessionFactory
    clock: Clock
    events: SecurityEvents

    async def __call__(
        self, by: Principal | RefreshToken, scope: LogoutScope = LogoutScope.THIS
    ) -> None:
        """Log out. A session that has ended in the meantime is no error either."""
        now = self.clock.now()

        def revoke(identity: Identity) -> tuple[Identity, bool]:
            identity = identity.require_open()
            if isinstance(by, Principal):
                session = by.session
            else:
                session, family = self.sessions.find_session(by, identity, now)
                if family.rotate(by.generation, now) is None:
                    return identity.revoke_session(session.id), True
            match scope:
                case LogoutScope.THIS:
                    return identity.revoke_session(session.id), False
                case LogoutScope.OTHERS:
                    return identity.revoke_other_sessions(session.id), False
                case LogoutScope.ALL:
                    return identity.revoke_all_sessions(), False

        if isinstance(by, Principal):
            identity_id, session_id = by.identity.id, by.session.id
        else:
            identity_id, session_id = by.identity_id, by.session_id
        with suppress(Unauthenticated):
            is_reused = await change(self.identities, identity_id, revoke, missing=Unauthenticated)
            if is_reused:
                self.events.record(RefreshTokenReused(user_id=identity_id, session_id=session_id))
            else:
                self.events.record(
                    SessionRevoked(
                        user_id=identity_id, session_id=session_id, reason=f"scope {scope}"
                    )
                )
