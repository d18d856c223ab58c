"""The pause of a provider that fails."""

import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from application.ports.otp import DeliveryResult, DeliveryStatus, PausedProvider
from application.ports.system import Clock

MAX_FAILURES_IN_A_ROW: Final = 3
"""After so many failures a busy provider has a pause, and so has the only one."""
PAUSE: Final = timedelta(minutes=1)
"""After this time, one message or call tries a provider again that has no other beside it."""
FIRST_PAUSE: Final = timedelta(minutes=5)
"""The same for a provider that has another one beside it."""
LATER_PAUSE: Final = timedelta(minutes=15)
"""The same after the first message that tried it again failed too."""
BUSY_RESULTS: Final = 10
BUSY_PERIOD: Final = timedelta(minutes=1)
"""A provider with so many results in this time has a pause only after several failures."""
PAUSED: Final = DeliveryResult(
    DeliveryStatus.UNAVAILABLE, "The service that sends codes does not respond; try again shortly."
)
"""The result of a message or call that is not handed to a provider in its pause."""

_FAILURES: Final = (
    DeliveryStatus.UNKNOWN,
    DeliveryStatus.UNAVAILABLE,
    DeliveryStatus.NOT_CONNECTED,
)
"""The results of a provider that fails, where there is another one: the next message waits too."""

_log = logging.getLogger(__name__)


def _show_nothing(seconds: float) -> None:
    pass


@dataclass(slots=True)
class ProviderPause:
    """Do not call a provider that fails.

    A message with an unknown result counts as sent, and may be lost; one that a provider could not
    take, such as with wrong credentials, has waited for it. So while there is another provider, one
    has a pause after its first failure, or after three in a row if it is busy: a time-out now and
    then must not move a busy service. The other one costs more at most.

    Without another provider, only unknown results make a pause, a short one after three in a row.
    Without it a provider that fails, such as with a 503 that does not say whether the message was
    sent, would use up the limits that phones share.

    The pause is that of one process: each learns by itself. `show` gets the seconds that a pause
    has left when it begins, and 0 when it ends.
    """

    clock: Clock
    has_other: bool = False
    name: str = ""
    show: Callable[[float], None] = _show_nothing
    unknown_in_a_row: int = field(default=0, init=False)
    _results: deque[datetime] = field(default_factory=lambda: deque(maxlen=BUSY_RESULTS))
    _pause: timedelta = timedelta()
    _failures_in_a_row: int = 0
    _since: datetime = datetime.min.replace(tzinfo=UTC)
    _is_tried_again: bool = False
    _reason: str = ""

    @property
    def paused(self) -> PausedProvider | None:
        """The pause now, in which it is called after others or not at all; None without one."""
        seconds = max(self._seconds_left_of(self._pause), self.seconds_left)
        return self.describe(seconds) if seconds else None

    def describe(self, seconds: float) -> PausedProvider:
        until = self.clock.now() + timedelta(seconds=seconds)
        return PausedProvider(self.name, self._reason, until)

    @property
    def seconds_left(self) -> float:
        """For how long it is not called, even if no other provider takes messages; 0 if it is."""
        is_paused = self.unknown_in_a_row >= MAX_FAILURES_IN_A_ROW
        return self._seconds_left_of(PAUSE) if is_paused else 0.0

    def _seconds_left_of(self, pause: timedelta) -> float:
        left = self._since + pause - self.clock.now()
        # A clock that was set back does not make the pause longer.
        return max(0.0, min(left, pause).total_seconds())

    def begin_call(self, *, is_resend: bool = False) -> bool:
        """Return whether the provider may be called now, before the others.

        After a pause one call may that is no resend, and the others when its result is known, or
        after another pause.
        """
        if self._pause:
            if is_resend or self._seconds_left_of(self._pause) > 0:
                return False
            self._is_tried_again = True
        return self.begin_last_call()

    def begin_last_call(self) -> bool:
        """Return whether the provider may be called now, because no other one takes the message."""
        if self.seconds_left > 0:
            return False
        self._since = self.clock.now()
        return True

    def record(self, result: DeliveryResult) -> None:
        """Count a result; any but a failure ends the pause. The log has when one begins."""
        had_pause = self.paused is not None
        if self._begins_pause(result.status):
            self._reason = result.full_reason
        elif not (had_pause and self.paused is None):
            return
        paused = self.paused
        self.show((paused.until - self.clock.now()).total_seconds() if paused else 0.0)
        if paused is not None:
            event = {"event": "provider_paused", "provider": paused.name, "reason": paused.reason}
            _log.info({**event, "until": paused.until.isoformat()})

    def _begins_pause(self, status: DeliveryStatus) -> bool:
        now = self.clock.now()
        self._results.append(now)
        is_tried_again, self._is_tried_again = self._is_tried_again, False
        is_unknown = status is DeliveryStatus.UNKNOWN
        self.unknown_in_a_row = self.unknown_in_a_row + 1 if is_unknown else 0
        if status not in (_FAILURES if self.has_other else (DeliveryStatus.UNKNOWN,)):
            self._failures_in_a_row, self._pause = 0, timedelta()
            return False
        self._failures_in_a_row += 1
        self._since = now
        is_third = self._failures_in_a_row == MAX_FAILURES_IN_A_ROW
        if not self.has_other:
            return is_third
        if not self._pause and (is_third or not self._is_busy(now)):
            self._pause = FIRST_PAUSE
            return True
        if is_tried_again:
            self._pause = LATER_PAUSE
        return is_tried_again

    def _is_busy(self, now: datetime) -> bool:
        return len(self._results) == BUSY_RESULTS and now - self._results[0] < BUSY_PERIOD
