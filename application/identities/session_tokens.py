from dataclasses import dataclass
from datetime import datetime, timedelta

from application.ports.access_tokens import AccessTokens, TokenClaims
from application.ports.randomness import Randomness
from application.ports.refresh_keys import RefreshKeys
from domain.errors import Unauthenticated
from domain.identities.identity import Identity
from domain.identities.refresh_token import RefreshToken, make_refresh_token
from domain.identities.session import NONCE_BYTES, Lineage, Session

SESSION_ID_BYTES = 16


@dataclass(frozen=True, slots=True)
class TokenLifetimes:
    """How long tokens live; a refresh token's life begins anew with each refresh."""

    plain: timedelta = timedelta(days=90)
    access: timedelta = timedelta(minutes=15)
    refresh: timedelta = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a client gets; lifetimes are whole seconds. A plain token comes alone."""

    access_token: str
    expires_in: int
    refresh_token: str | None = None
    refresh_expires_in: int | None = None


@dataclass(frozen=True, slots=True)
class SessionTokens:
    """Begins sessions, and makes the tokens that belong to one."""

    tokens: AccessTokens
    refresh_keys: RefreshKeys
    randomness: Randomness
    lifetimes: TokenLifetimes

    def begin(self, now: datetime, device: str | None, *, refreshing: bool) -> Session:
        """Begin a session, with refresh tokens or with one that lives as long as it."""
        lifetime = self.lifetimes.refresh if refreshing else self.lifetimes.plain
        nonce = self.randomness.bytes(NONCE_BYTES)
        return Session(
            id=self.randomness.bytes(SESSION_ID_BYTES).hex(),
            created=now,
            expires=now + lifetime,
            device=device,
            lineage=Lineage(nonce, rotated=now) if refreshing else None,
        )

    def session_of(
        self, token: RefreshToken, identity: Identity, now: datetime
    ) -> tuple[Session, Lineage]:
        """Give the living session that the service made this token for, and its lineage.

        Raises:
            Unauthenticated: there is none, or no key of ours made the token.
        """
        session = identity.session(token.session_id, now)
        if session is None or session.lineage is None:
            raise Unauthenticated
        if not token.is_made_by(self.refresh_keys.accepted(), session.lineage.nonce):
            raise Unauthenticated
        return session, session.lineage

    def of(self, identity_id: str, session: Session, now: datetime) -> Tokens:
        """Make the tokens of the session as it is now."""
        if session.lineage is None:
            access = self._access_token(identity_id, session, now, session.expires)
            return Tokens(access, _whole_seconds(session.expires - now))
        expires = min(now + self.lifetimes.access, session.expires)
        refresh = make_refresh_token(
            identity_id,
            session.id,
            session.lineage.generation,
            key=self.refresh_keys.signing(),
            nonce=session.lineage.nonce,
        )
        return Tokens(
            self._access_token(identity_id, session, now, expires),
            _whole_seconds(expires - now),
            refresh.text,
            _whole_seconds(session.expires - now),
        )

    def _access_token(
        self, identity_id: str, session: Session, now: datetime, expires: datetime
    ) -> str:
        return self.tokens.issue(TokenClaims(identity_id, session.id, now, expires))


def _whole_seconds(span: timedelta) -> int:
    return int(span.total_seconds())
