from dataclasses import dataclass
from datetime import datetime, timedelta

from application.ports.access_tokens import AccessTokens, TokenClaims
from application.ports.randomness import Randomness
from application.ports.refresh_keys import RefreshKeys
from domain.errors import Unauthenticated
from domain.identities.identity import Identity
from domain.identities.refresh_token import RefreshToken, make_refresh_token
from domain.identities.session import NONCE_BYTES, RefreshTokenFamily, Session

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
class SessionFactory:
    """Begins sessions, and makes the tokens that belong to one."""

    tokens: AccessTokens
    refresh_keys: RefreshKeys
    randomness: Randomness
    lifetimes: TokenLifetimes

    def start(self, now: datetime, device: str | None, *, with_refresh: bool) -> Session:
        """Begin a session, with refresh tokens or with one that lives as long as it."""
        lifetime = self.lifetimes.refresh if with_refresh else self.lifetimes.plain
        nonce = self.randomness.bytes(NONCE_BYTES)
        return Session(
            id=self.randomness.bytes(SESSION_ID_BYTES).hex(),
            created_at=now,
            expires_at=now + lifetime,
            device=device,
            token_family=RefreshTokenFamily(nonce, rotated_at=now) if with_refresh else None,
        )

    def find_session(
        self, token: RefreshToken, identity: Identity, now: datetime
    ) -> tuple[Session, RefreshTokenFamily]:
        """Give the living session that the service made this token for, and its lineage.

        Raises:
            Unauthenticated: there is none, or no key of ours made the token.
        """
        session = identity.find_session(token.session_id, now)
        if session is None or session.token_family is None:
            raise Unauthenticated
        if not token.has_valid_mac(self.refresh_keys.accepted(), session.token_family.nonce):
            raise Unauthenticated
        return session, session.token_family

    def issue_tokens(self, identity_id: str, session: Session, now: datetime) -> Tokens:
        """Make the tokens of the session as it is now."""
        if session.token_family is None:
            access = self._access_token(identity_id, session, now, session.expires_at)
            return Tokens(access, _whole_seconds(session.expires_at - now))
        expires = min(now + self.lifetimes.access, session.expires_at)
        refresh = make_refresh_token(
            identity_id,
            session.id,
            session.token_family.generation,
            key=self.refresh_keys.signing(),
            nonce=session.token_family.nonce,
        )
        return Tokens(
            self._access_token(identity_id, session, now, expires),
            _whole_seconds(expires - now),
            refresh.text,
            _whole_seconds(session.expires_at - now),
        )

    def _access_token(
        self, identity_id: str, session: Session, now: datetime, expires: datetime
    ) -> str:
        return self.tokens.issue(TokenClaims(identity_id, session.id, now, expires))


def _whole_seconds(span: timedelta) -> int:
    return int(span.total_seconds())
