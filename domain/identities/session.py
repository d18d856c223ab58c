"""A session, its refresh tokens, and the rules of their rotation."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from hmac import compare_digest
from typing import Final

from domain.identifier import hash_secret

MAX_SESSIONS: Final = 20
MAX_CONSOLE_SESSIONS: Final = 5
MAX_DEVICE_NAME_LENGTH: Final = 200
NONCE_BYTES: Final = 16
REUSE_GRACE_PERIOD: Final = timedelta(seconds=10)
"""How long the previous refresh token gets the same successor: requests may have been parallel."""
TOKEN_REPEAT_TTL: Final = timedelta(days=30)
MAX_TOKEN_REPEATS: Final = 5
RECENT_LOGIN_PERIOD: Final = timedelta(days=1)
FRESH_LOGIN_PERIOD: Final = timedelta(minutes=15)
"""How long after a login an administrator sees full phone numbers, and deletes and exports."""
MAX_UPDATE_INTERVAL: Final = timedelta(days=1)
"""How old the recorded last use may be, before another use is worth a write."""
LOGIN_REPEAT_PERIOD: Final = timedelta(minutes=1)
"""How long a client that lost the response to its login may repeat the request."""


@dataclass(frozen=True, slots=True)
class RefreshTokenFamily:
    """The refresh tokens of a session. Exactly one generation is current: the latest.

    RFC 9700 §4.14.2 requires rotation, and the end of the session when an old token is reused,
    for clients that cannot keep a secret.

    A generation is void if another one replaced it before it was confirmed. So two holders of one
    token do not get the same successors again and again: the tokens of one of them are void.

    `is_confirmed` is set when the client uses an access token of the current generation: it has
    received the response of the rotation. `previous` is the generation that was exchanged for the
    current one; None before the first rotation. `oldest_valid` is the oldest generation
    whose access tokens are valid, beside those of the previous one.
    """

    nonce: bytes
    rotated_at: datetime
    generation: int = 1
    is_confirmed: bool = True
    previous: int | None = None
    oldest_valid: int = 0

    def rotate(self, generation: int, now: datetime) -> "RefreshTokenFamily | None":
        """Return the family after a valid token of this generation, None if it was reused.

        - The current generation is exchanged for the next, which is not confirmed.
        - The previous generation comes from a client that lost the response. For
          `REUSE_GRACE_PERIOD` it gets the same successor again. Later, while the successor is not
          confirmed, it gets a new successor, which has such a period of its own, and the
          unconfirmed one is void.
        - Any other generation, such as a void one, may be stolen: the session has to be revoked.

        After a clock was set back, the period is longer, until the next rotation.
        """
        successor = replace(
            self,
            generation=self.generation + 1,
            rotated_at=now,
            is_confirmed=False,
        )
        if generation == self.generation:
            return replace(successor, previous=generation)
        if generation != self.previous:
            return None
        if now - self.rotated_at < REUSE_GRACE_PERIOD:
            return self
        if self.is_confirmed:
            return None
        return replace(successor, previous=generation, oldest_valid=successor.generation)

    def accepts(self, generation: int | None) -> bool:
        """Return whether access tokens of this generation are valid until they expire.

        Tokens of void generations are not valid, also after the current generation was exchanged. A
        generation of None is that of a token that cannot be refreshed.
        """
        if generation is None or self.oldest_valid <= generation <= self.generation:
            return True
        return generation == self.previous

    def confirm(self, generation: int | None) -> "RefreshTokenFamily":
        if self.is_confirmed or generation != self.generation:
            return self
        return replace(self, is_confirmed=True)


@dataclass(frozen=True, slots=True)
class TokenRepeat:
    """A refresh token came again within `REUSE_GRACE_PERIOD`, from another network.

    It may be a client that changed its network, or a thief. The networks are not kept.
    """

    session_id: str
    repeated_at: datetime

    @property
    def expires_at(self) -> datetime:
        return self.repeated_at + TOKEN_REPEAT_TTL


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionLimits:
    """When a session ends, however often it is used, and when it is not used.

    These limits are those of OWASP ASVS 5.0 7.3.1 and 7.3.2. A session with refresh tokens has
    access tokens that are valid for `access_token_ttl`. One without has a single access token, and
    ends with it after `plain_token_ttl`.
    """

    max_age: timedelta = timedelta(days=365)
    idle_timeout: timedelta = timedelta(days=90)
    plain_token_ttl: timedelta = timedelta(days=90)
    access_token_ttl: timedelta = timedelta(minutes=15)


CONSOLE_LIMITS: Final = SessionLimits(
    max_age=timedelta(hours=1),
    idle_timeout=timedelta(minutes=15),
    plain_token_ttl=timedelta(hours=1),
)
"""The limits of a session of the console, whatever the settings say of apps."""


class SessionKind(StrEnum):
    """Where a session is valid. The values are stored.

    - `app`: everywhere but below `/admin/`.
    - `console`: below `/admin/` only. A passkey of the staff opened it.
    """

    APP = "app"
    CONSOLE = "console"

    @property
    def max_sessions(self) -> int:
        """How many an identity has at once. Neither kind ends the other."""
        return MAX_CONSOLE_SESSIONS if self is SessionKind.CONSOLE else MAX_SESSIONS


class AuthMethod(StrEnum):
    """How somebody signed in: the claim `amr` of a token (RFC 8176). The values are stored."""

    OTP = "otp"
    PASSKEY = "passkey"


@dataclass(frozen=True, slots=True)
class Session:
    """A login on one device, until it is revoked, expires, or is not used for too long.

    `token_family` is None where the client has one long-lived access token and no refresh
    tokens. `last_used_at` is exact for a session that is refreshed, otherwise up to a day old.
    `idle_expires_at` is when the session ends without another use; None for no such limit.
    `is_used` is whether a token of it was used. `repeats` counts the repeats of its login, so that
    each of them changes the identity. `claims` are those that the login got for its tokens: a JSON
    object, as text; empty for none. `amr` is how its owner signed in; empty if that is unknown.
    `cookie_hash` is the hash of the cookie that a session of the console is bound to: its token
    alone opens nothing. `network` is the hash of the client's network at the sign-in or the last
    refresh; None if it is not known.
    """

    id: str
    created_at: datetime
    expires_at: datetime
    device: str | None = None
    last_used_at: datetime | None = None
    token_family: RefreshTokenFamily | None = None
    idle_expires_at: datetime | None = None
    is_used: bool = False
    repeats: int = 0
    claims: str = ""
    amr: tuple[AuthMethod, ...] = ()
    kind: SessionKind = SessionKind.APP
    cookie_hash: str = ""
    network: str | None = None

    @property
    def is_console(self) -> bool:
        return self.kind is SessionKind.CONSOLE

    def is_elsewhere(self, network: str) -> bool:
        """Return whether the client was in another network before, as far as known."""
        return self.network not in (None, network)

    def is_bound_to(self, cookie: str) -> bool:
        """Return whether a session of the console belongs to the browser with this cookie."""
        return compare_digest(hash_secret(cookie), self.cookie_hash)

    @property
    def last_seen_at(self) -> datetime:
        return self.last_used_at or self.created_at

    def is_recent(self, now: datetime) -> bool:
        """Return whether the login is recent enough for actions of administrators."""
        return now - self.created_at < RECENT_LOGIN_PERIOD

    def is_fresh(self, now: datetime) -> bool:
        """Return whether the login is recent enough for what is final."""
        return now - self.created_at < FRESH_LOGIN_PERIOD

    @property
    def ends_at(self) -> datetime:
        """When it ends if it is not used again."""
        return min(self.expires_at, self.idle_expires_at or self.expires_at)

    def accepts_generation(self, generation: int | None) -> bool:
        """Return whether an access token of this generation is valid until it expires."""
        return self.token_family is None or self.token_family.accepts(generation)

    def record_use(
        self,
        now: datetime,
        limits: SessionLimits,
        generation: int | None = None,
    ) -> "Session":
        """Return the session after the use of an access token of this generation.

        It is the same object if the use is not worth a write. Two uses are: the first, and one a
        day after the recorded use (earlier with a short idle timeout).
        """
        limits = CONSOLE_LIMITS if self.is_console else limits
        family = self.token_family and self.token_family.confirm(generation)
        is_recent = now - self.last_seen_at < min(MAX_UPDATE_INTERVAL, limits.idle_timeout / 10)
        if self.is_used and is_recent and family is self.token_family:
            return self
        return replace(
            self,
            last_used_at=now,
            token_family=family,
            idle_expires_at=now + limits.idle_timeout,
            is_used=True,
        )

    def refresh(
        self, token_family: RefreshTokenFamily, now: datetime, limits: SessionLimits, network: str
    ) -> "Session":
        return replace(
            self,
            token_family=token_family,
            last_used_at=now,
            expires_at=self.created_at + limits.max_age,
            idle_expires_at=now + limits.idle_timeout,
            is_used=True,
            network=network,
        )

    def repeat_login(self, now: datetime) -> "Session | None":
        if self.is_used or now - self.created_at >= LOGIN_REPEAT_PERIOD:
            return None
        return replace(self, repeats=self.repeats + 1)
