"""A session: what an access token belongs to, and what signing out ends."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

MAX_SESSIONS: Final = 20
MAX_DEVICE_NAME_LENGTH: Final = 200
NONCE_BYTES: Final = 16
REUSE_GRACE_PERIOD: Final = timedelta(seconds=10)
"""So long a client that lost the answer may trade the same refresh token again."""
LAST_USED_UPDATE_INTERVAL: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class RefreshTokenFamily:
    """The refresh tokens of a session: each is traded for the next, and one generation counts.

    Rotation, and ending the session when one comes back that was traded before, are what
    RFC 9700 §4.14.2 asks of clients that cannot keep a secret.
    """

    nonce: bytes
    rotated_at: datetime
    generation: int = 1

    def rotate(self, generation: int, now: datetime) -> "RefreshTokenFamily | None":
        """The lineage after a genuine token of this generation; None when the session has to end.

        - The current generation gives way to the next.
        - The one before, within ten seconds of that, is a client that lost the answer: it gets
          the same successor again, which nobody has used yet.
        - Any other was traded long ago: somebody else may hold it, so all of it ends.
        """
        if generation == self.generation:
            return replace(self, generation=generation + 1, rotated_at=now)
        is_repeat = generation == self.generation - 1 and now - self.rotated_at < REUSE_GRACE_PERIOD
        return self if is_repeat else None


@dataclass(frozen=True, slots=True)
class Session:
    """One sign-in on one device, until it is ended or `expires`.

    `lineage` is None where its client took one long-lived access token and no refresh tokens.
    `used` is when it was last seen, to a day; of one that is refreshed, exactly.
    """

    id: str
    created_at: datetime
    expires_at: datetime
    device: str | None = None
    last_used_at: datetime | None = None
    token_family: RefreshTokenFamily | None = None

    @property
    def last_seen_at(self) -> datetime:
        """When it was last seen."""
        return self.last_used_at or self.created_at

    def should_record_use(self, now: datetime) -> bool:
        """Whether it was last seen so long ago that this use is worth a write."""
        return now - self.last_seen_at >= LAST_USED_UPDATE_INTERVAL

    def record_use(self, now: datetime) -> "Session":
        """The same, seen now."""
        return replace(self, last_used_at=now)

    def refresh(
        self, token_family: RefreshTokenFamily, now: datetime, lifetime: timedelta
    ) -> "Session":
        """The same with the next generation of refresh tokens, living `lifetime` from now."""
        return replace(self, token_family=token_family, last_used_at=now, expires_at=now + lifetime)
