"""A session: what an access token belongs to, and what signing out ends."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

MOST_SESSIONS: Final = 20
LONGEST_DEVICE: Final = 200
NONCE_BYTES: Final = 16
REPEAT_WITHIN: Final = timedelta(seconds=10)
"""So long a client that lost the answer may trade the same refresh token again."""
NOTED_AGAIN_AFTER: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Lineage:
    """The refresh tokens of a session: each is traded for the next, and one generation counts.

    Rotation, and ending the session when one comes back that was traded before, are what
    RFC 9700 §4.14.2 asks of clients that cannot keep a secret.
    """

    nonce: bytes
    rotated: datetime
    generation: int = 1

    def after(self, generation: int, now: datetime) -> "Lineage | None":
        """The lineage after a genuine token of this generation; None when the session has to end.

        - The current generation gives way to the next.
        - The one before, within ten seconds of that, is a client that lost the answer: it gets
          the same successor again, which nobody has used yet.
        - Any other was traded long ago: somebody else may hold it, so all of it ends.
        """
        if generation == self.generation:
            return replace(self, generation=generation + 1, rotated=now)
        is_repeat = generation == self.generation - 1 and now - self.rotated < REPEAT_WITHIN
        return self if is_repeat else None


@dataclass(frozen=True, slots=True)
class Session:
    """One sign-in on one device, until it is ended or `expires`.

    `lineage` is None where its client took one long-lived access token and no refresh tokens.
    `used` is when it was last seen, to a day; of one that is refreshed, exactly.
    """

    id: str
    created: datetime
    expires: datetime
    device: str | None = None
    used: datetime | None = None
    lineage: Lineage | None = None

    @property
    def last_used(self) -> datetime:
        """When it was last seen."""
        return self.used or self.created

    def has_to_be_noted(self, now: datetime) -> bool:
        """Whether it was last seen so long ago that this use is worth a write."""
        return now - self.last_used >= NOTED_AGAIN_AFTER

    def used_at(self, now: datetime) -> "Session":
        """The same, seen now."""
        return replace(self, used=now)

    def refreshed(self, lineage: Lineage, now: datetime, lifetime: timedelta) -> "Session":
        """The same with the next generation of refresh tokens, living `lifetime` from now."""
        return replace(self, lineage=lineage, used=now, expires=now + lifetime)
