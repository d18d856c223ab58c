"""Limits of calls to the phone line, and of the calls to the line operator among them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from domain.features.voice.instructions import DIAL_TIMEOUT_SECONDS, MAX_DIAL_SECONDS
from domain.otp.rate_limits import LimitPurpose, RateLimit
from domain.otp.sliding_window import SlidingWindow

ANONYMOUS_PERCENT: Final = 20
"""How much of the limits of calls callers without a caller id can use up together."""
CALLS_PER_CALLER: Final = SlidingWindow(10, timedelta(hours=1))
"""More than a person calls who tries again; the limits in total hold for everybody together."""
LINE_OPERATOR_CALLS_PER_CALLER: Final = SlidingWindow(3, timedelta(hours=1))
"""A call that is cut off can be repeated twice, and nobody keeps the line operator busy alone."""
_INBOUND: Final = "inbound"
_OPERATOR: Final = "operator"


@dataclass(frozen=True, slots=True)
class CallLimits:
    """The limits of an operator for inbound calls.

    - A caller id is a claim, so no number has more than others.
    - Callers without a caller id have a fifth together of what there is in total.
    - `lines` is how many callers talk to the line operator at the same time.
    """

    per_caller: SlidingWindow = CALLS_PER_CALLER
    total: SlidingWindow = SlidingWindow(1_000, timedelta(hours=1))
    line_operator_per_caller: SlidingWindow = LINE_OPERATOR_CALLS_PER_CALLER
    line_operator_total: SlidingWindow = SlidingWindow(100, timedelta(hours=1))
    lines: int = 10

    def for_call(self, phone_key: str | None) -> tuple[RateLimit, ...]:
        """Return the limits of an inbound call.

        `phone_key` identifies the phone and does not reveal it; None without a caller id.
        """
        of_caller = _of_caller(_INBOUND, phone_key, self.per_caller, self.total)
        return of_caller, _in_total(_INBOUND, self.total)

    def for_line_operator_call(self, phone_key: str | None) -> tuple[RateLimit, ...]:
        """Return the limits of a call to the line operator, as `for_call` does."""
        per_caller, total = self.line_operator_per_caller, self.line_operator_total
        of_caller = _of_caller(_OPERATOR, phone_key, per_caller, total)
        return of_caller, _in_total(_OPERATOR, total), self.of_lines

    @property
    def of_lines(self) -> RateLimit:
        """The limit of lines. One that is not released is free after the longest call."""
        longest = timedelta(seconds=DIAL_TIMEOUT_SECONDS + MAX_DIAL_SECONDS)
        return _in_total("lines", SlidingWindow(self.lines, longest))

    @property
    def shared_limits(self) -> Sequence[RateLimit]:
        return (*self.for_call(None), *self.for_line_operator_call(None))


def _of_caller(
    action: str, phone_key: str | None, per_caller: SlidingWindow, total: SlidingWindow
) -> RateLimit:
    if phone_key is None:
        return _in_total(f"{action}:anonymous", total.scale_percent(ANONYMOUS_PERCENT))
    return RateLimit(f"phone:{phone_key}", LimitPurpose.CALLS, action, per_caller)


def _in_total(name: str, window: SlidingWindow) -> RateLimit:
    return RateLimit("total", LimitPurpose.CALLS, name, window)
