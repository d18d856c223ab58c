"""Start sessions and issue their tokens."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from application.identities.additions import IdentityAdditions
from application.identities.token_claims import Claims, load_token_claims
from application.ports.keys import AccessTokens, KeyRing, TokenClaims
from application.ports.system import Randomness
from domain.errors import Unauthenticated
from domain.identifier import hash_secret
from domain.identities.claims import merge_claims
from domain.identities.device_token import DeviceToken, derive_device_secret
from domain.identities.identity import Identity
from domain.identities.refresh_token import RefreshToken, make_refresh_token
from domain.identities.session import (
    CONSOLE_LIMITS,
    NONCE_BYTES,
    AuthMethod,
    RefreshTokenFamily,
    Session,
    SessionKind,
    SessionLimits,
)

SESSION_ID_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens that a client gets. Lifetimes are whole seconds."""

    access_token: str
    expires_in: int
    refresh_token: str | None = None
    refresh_expires_in: int | None = None


@dataclass(frozen=True, slots=True)
class SessionFactory:
    """Starts and refreshes sessions, and issues the tokens that belong to them."""

    tokens: AccessTokens
    refresh_keys: KeyRing
    randomness: Randomness
    limits: SessionLimits
    additions: IdentityAdditions

    def start(
        self,
        session_id: str,
        now: datetime,
        device: str | None,
        *,
        with_refresh: bool,
        network: str,
        method: AuthMethod = AuthMethod.OTP,
        claims: str = "",
    ) -> Session:
        """Start a session, with refresh tokens or with one long-lived access token.

        Only one with refresh tokens keeps the claims: a long-lived token has none. `network` is the
        hash of the client's.
        """
        limits = self.limits
        lifetime = limits.max_age if with_refresh else min(limits.plain_token_ttl, limits.max_age)
        family = None
        if with_refresh:
            family = RefreshTokenFamily(self.randomness.bytes(NONCE_BYTES), rotated_at=now)
        return Session(
            id=session_id,
            created_at=now,
            expires_at=now + lifetime,
            device=device,
            token_family=family,
            idle_expires_at=now + limits.idle_timeout,
            claims=claims if with_refresh else "",
            amr=(method,),
            network=network,
        )

    def start_at_console(
        self, session_id: str, now: datetime, device: str | None, cookie: str
    ) -> Session:
        """Start a session of the console, with one token for an hour, which only we can verify."""
        return Session(
            id=session_id,
            created_at=now,
            expires_at=now + CONSOLE_LIMITS.max_age,
            device=device,
            idle_expires_at=now + CONSOLE_LIMITS.idle_timeout,
            amr=(AuthMethod.PASSKEY,),
            kind=SessionKind.CONSOLE,
            cookie_hash=hash_secret(cookie),
        )

    def make_device_token(
        self, identity_id: str, session_id: str, known: DeviceToken | None
    ) -> DeviceToken:
        """Make the device token of a new session: a recognized device keeps its secret."""
        if known is not None:
            return DeviceToken(identity_id, known.secret)
        key = self.refresh_keys.signing().key
        return DeviceToken(identity_id, derive_device_secret(key, session_id))

    def derive_device_secrets(self, session_id: str) -> list[bytes]:
        """Derive the secret of a device with each accepted key, the one for new tokens first."""
        keys = (self.refresh_keys.signing(), *self.refresh_keys.accepted())
        return [derive_device_secret(key.key, session_id) for key in keys]

    def find_session(
        self, token: RefreshToken, identity: Identity, now: datetime
    ) -> tuple[Session, RefreshTokenFamily]:
        """Return the active session of a refresh token, and its token family.

        Raises:
            Unauthenticated: there is no such session, or none of our keys made the token.
        """
        session = identity.find_session(token.session_id, now)
        if session is None or session.token_family is None:
            raise Unauthenticated
        keys = [key.key for key in self.refresh_keys.accepted()]
        if not token.has_valid_mac(keys, session.token_family.nonce):
            raise Unauthenticated
        return session, session.token_family

    async def load_claims(self, identity_id: str, session: Session) -> Claims | None:
        """Load the claims of extensions for a token that is issued next.

        It is done before the session is written: where one of them is missing there is no token.

        Returns:
            None for a session without refresh tokens: its token lives for months, so that the
            claims would be wrong one day, and nobody but this service may verify it.
        """
        sources = self.additions.token_claims
        if not sources or session.token_family is None:
            return None
        return await load_token_claims(sources, identity_id)

    def issue_tokens(
        self, identity: Identity, session: Session, now: datetime, claims: Claims | None
    ) -> Tokens:
        """Issue the tokens of the session as it is now, with the claims of `load_claims`."""
        identity_id, family = identity.id, session.token_family
        if family is None:
            of_token = TokenClaims(
                identity_id, session.id, now, session.expires_at, amr=session.amr
            )
            return Tokens(self.tokens.issue(of_token), _whole_seconds(session.expires_at - now))
        expires_at = min(now + self.limits.access_token_ttl, session.ends_at)
        of_token = TokenClaims(
            identity_id,
            session.id,
            now,
            expires_at,
            family.generation,
            authenticated_at=session.created_at,
            amr=session.amr,
            of_extensions=claims,
            of_app=merge_claims(identity.claims, session.claims) or None,
        )
        key = self.refresh_keys.signing().key
        refresh = make_refresh_token(
            identity_id, session.id, family.generation, key=key, nonce=family.nonce
        )
        return Tokens(
            self.tokens.issue(of_token),
            _whole_seconds(expires_at - now),
            refresh.text,
            _whole_seconds(session.ends_at - now),
        )


def _whole_seconds(duration: timedelta) -> int:
    return int(duration.total_seconds())
