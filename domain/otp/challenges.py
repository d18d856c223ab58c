"""The challenges of the messages to one phone."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime

from domain.otp.challenge import Challenge, Purpose
from domain.otp.sliding_window import CLOCK_SKEW


@dataclass(frozen=True, slots=True)
class MessageChallenges:
    """The challenges of a phone, in their order."""

    all: tuple[Challenge, ...] = ()

    @property
    def expiry_times(self) -> list[datetime]:
        return [challenge.retained_until for challenge in self.all]

    def for_purpose(self, purpose: Purpose, identity_id: str | None = None) -> list[Challenge]:
        return [challenge for challenge in self.all if challenge.is_for(purpose, identity_id)]

    def active(self, now: datetime) -> list[Challenge]:
        of_sign_in = self.for_purpose(Purpose.SIGN_IN)
        return [challenge for challenge in of_sign_in if challenge.is_active(now)]

    def find(self, challenge_id: str | None) -> Challenge | None:
        return next((found for found in self.all if found.id == challenge_id), None)

    def map(self, change: Callable[[Challenge], Challenge]) -> "MessageChallenges":
        return MessageChallenges(tuple([change(challenge) for challenge in self.all]))

    def keep(self, ids: Collection[str]) -> "MessageChallenges":
        return MessageChallenges(tuple([found for found in self.all if found.id in ids]))

    def prune(self, now: datetime) -> "MessageChallenges":
        if not self.all:
            return self
        latest = now + CLOCK_SKEW
        kept = [
            challenge
            for challenge in self.all
            if now < challenge.retained_until and challenge.created_at <= latest
        ]
        return MessageChallenges(tuple(kept))
