"""The pause of a provider whose results are unknown."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from application.ports.otp import DeliveryResult, DeliveryStatus
from application.ports.system import Clock

MAX_UNKNOWN_IN_A_ROW: Final = 3
"""After so many unknown results a provider is not called."""
PAUSE: Final = timedelta(minutes=1)
"""After this time, one message or call tries the provider again."""
PAUSED: Final = DeliveryResult(
    DeliveryStatus.UNAVAILABLE, "The service that sends codes does not respond; try again shortly."
)
"""The result of a message or call that is not handed to a provider in its pause."""


@dataclass(slots=True)
class ProviderPause:
    """Do not call a provider for a minute after three unknown results in a row.

    An unknown result counts as sent. Without a pause a provider that fails, such as with a 503 that
    does not say whether the message was sent, would use up the limits that phones share. The pause
    is that of one process.
    """

    clock: Clock
    _unknown_in_a_row: int = 0
    _ends_at: datetime = datetime.min.replace(tzinfo=UTC)

    @property
    def seconds_left(self) -> float:
        """For how long the provider is not called; 0 if it is."""
        if self._unknown_in_a_row < MAX_UNKNOWN_IN_A_ROW:
            return 0
        left = self._ends_at - self.clock.now()
        # A clock that was set back does not make the pause longer.
        return max(0.0, min(left, PAUSE).total_seconds())

    def begin_call(self) -> bool:
        """Return whether the provider may be called now.

        After a pause one call may, and the others when its result is known, or after another pause.
        """
        if self.seconds_left > 0:
            return False
        self._ends_at = self.clock.now() + PAUSE
        return True

    def record(self, status: DeliveryStatus) -> bool:
        """Count an unknown result; any other ends the row. Return whether a row has three now."""
        if status is not DeliveryStatus.UNKNOWN:
            self._unknown_in_a_row = 0
            return False
        self._unknown_in_a_row += 1
        self._ends_at = self.clock.now() + PAUSE
        return self._unknown_in_a_row == MAX_UNKNOWN_IN_A_ROW
