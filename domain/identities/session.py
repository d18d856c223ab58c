"""A session, its refresh tokens, and the rules of their rotation."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

MAX_SESSIONS: Final = 20
MAX_DEVICE_NAME_LENGTH: Final = 200
NONCE_BYTES: Final = 16
REUSE_GRACE_PERIOD: Final = timedelta(seconds=10)
"""How long a client that lost the response may send the previous refresh token again."""
LAST_USED_UPDATE_INTERVAL: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class RefreshTokenFamily:
    """The refresh tokens of a session. Exactly one generation is current.

    RFC 9700 §4.14.2 requires rotation, and the end of the session when an old token is reused,
    for clients that cannot keep a secret.
    """

    nonce: bytes
    rotated_at: datetime
    generation: int = 1

    def rotate(self, generation: int, now: datetime) -> "RefreshTokenFamily | None":
        """Return the family after a valid token of this generation, None if it was reused.

        - The current generation is replaced by the next.
        - The previous one, within `REUSE_GRACE_PERIOD`, comes from a client that lost the
          response: it gets the same successor again.
        - Any older one may be stolen: the session has to be revoked.
        """
        if generation == self.generation:
            return replace(self, generation=generation + 1, rotated_at=now)
        is_repeat = generation == self.generation - 1 and now - self.rotated_at < REUSE_GRACE_PERIOD
        return self if is_repeat else None


@dataclass(frozen=True, slots=True)
class Session:
    """A login on one device, until it is revoked or `expires_at`.

    `token_family` is None where the client has one long-lived access token and no refresh
    tokens. `last_used_at` is exact for a session that is refreshed, otherwise up to a day old.
    """

    id: str
    created_at: datetime
    expires_at: datetime
    device: str | None = None
    last_used_at: datetime | None = None
    token_family: RefreshTokenFamily | None = None

    @property
    def last_seen_at(self) -> datetime:
        """When it was last used, or created."""
        return self.last_used_at or self.created_at

    def should_record_use(self, now: datetime) -> bool:
        """Return whether the last recorded use is so old that this one is worth a write."""
        return now - self.last_seen_at >= LAST_USED_UPDATE_INTERVAL

    def record_use(self, now: datetime) -> "Session":
        """Return the session, used now."""
        return replace(self, last_used_at=now)

    def refresh(
        self, token_family: RefreshTokenFamily, now: datetime, lifetime: timedelta
    ) -> "Session":
        """Return the session with the next generation of tokens, valid for `lifetime`."""
        return replace(self, token_family=token_family, last_used_at=now, expires_at=now + lifetime)
