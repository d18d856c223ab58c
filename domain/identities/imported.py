"""What imports did to an identity."""

from dataclasses import dataclass, replace
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Imported:
    """Whether imports made an identity, or took it over from a caller, and blocked it.

    `at` is the time of the first import. An import completes no identity that another way made.
    An identity that an import blocked is not blocked again: an operator may have unblocked it.
    """

    at: datetime | None = None
    was_blocked: bool = False

    def mark(self, now: datetime) -> "Imported":
        return replace(self, at=self.at or now)

    def mark_blocked(self) -> "Imported":
        return replace(self, was_blocked=True)
