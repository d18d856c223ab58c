"""Limits of calls to the phone line, and of the calls to the line operator among them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from domain.otp.permits import LINES, OPERATOR, Outcome, Permits, settle
from domain.otp.rate_limits import Acquisition, Group, LimitPurpose, Part, RateLimit, Reservation
from domain.otp.sliding_window import SlidingWindow

VERIFIED_PERCENT: Final = 40
"""How much of the limits of calls is for numbers of verified identities only."""
VERIFIED_CALLS: Final = SlidingWindow(2, timedelta(hours=1))
"""Calls of one number in that part: whoever forges it can use up no more."""
ANONYMOUS_PERCENT: Final = 20
"""How much of the limits of calls callers without a caller id can use up together."""
VERIFIED: Final = "verified"
EVERYBODY: Final = "everybody"
ANONYMOUS: Final = "anonymous"
"""The parts of a limit."""
_INBOUND: Final = "inbound"
CALLS_PER_CALLER: Final = SlidingWindow(10, timedelta(hours=1))
"""More than a person calls who tries again; the limits in total hold for everybody together."""
LINE_OPERATOR_CALLS_PER_CALLER: Final = SlidingWindow(3, timedelta(hours=1))
"""A call that is cut off can be repeated twice, and nobody keeps the line operator busy alone."""


@dataclass(frozen=True, slots=True)
class CallLimits:
    """The limits of an operator for inbound calls.

    - A caller id is a claim. So only numbers of verified identities have a part of their own, two
      calls an hour each. To have called before counts nothing.
    - Their further calls, and those of all others, share the rest.
    - `lines` is how many callers talk to the line operator at the same time.
    """

    per_caller: SlidingWindow = CALLS_PER_CALLER
    total: SlidingWindow = SlidingWindow(1_000, timedelta(hours=1))
    line_operator_per_caller: SlidingWindow = LINE_OPERATOR_CALLS_PER_CALLER
    line_operator_total: SlidingWindow = SlidingWindow(100, timedelta(hours=1))
    lines: int = 10

    def reserve_inbound_call(
        self, now: datetime, phone_key: str | None, *, is_verified: bool
    ) -> Reservation:
        """Return the reservation of an inbound call.

        Args:
            now: when it arrives.
            phone_key: identifies the phone and does not reveal it; None without a caller id.
            is_verified: whether the number has a verified identity.
        """
        per_caller, total = self.per_caller, self.total
        return _reserve(now, _INBOUND, phone_key, per_caller, total, None, is_verified=is_verified)

    def reserve_line_operator_call(
        self, now: datetime, phone_key: str | None, longest: timedelta, *, is_verified: bool
    ) -> Reservation:
        """Return the reservation of a call to the line operator, as `reserve_inbound_call` does.

        Args:
            now: when it is connected.
            phone_key: identifies the phone and does not reveal it; None without a caller id.
            longest: how long such a call can take. A line that is not released is free then.
            is_verified: whether the number has a verified identity.
        """
        lines = SlidingWindow(self.lines, longest)
        per_caller, total = self.line_operator_per_caller, self.line_operator_total
        return _reserve(now, OPERATOR, phone_key, per_caller, total, lines, is_verified=is_verified)

    def shared_limits(self, longest: timedelta) -> Sequence[RateLimit]:
        """Return the limits that all callers share; `longest` as when one is reserved."""
        lines = SlidingWindow(self.lines, longest)
        by_action = ((_INBOUND, self.total), (OPERATOR, self.line_operator_total))
        parts = [*_parts_of(LINES, lines).values()]
        for action, total in by_action:
            parts += [*_parts_of(action, total).values(), _of_anonymous(action, total)]
        return parts

    def settle_line(self, permits: Permits, outcome: Outcome, longest: timedelta) -> Acquisition:
        """Return what a call to the line operator gives back: its line, if the call ended."""
        if LINES not in settle(permits, outcome).groups:
            return Acquisition(permits.acquired_at, ())
        lines = _parts_of(LINES, SlidingWindow(self.lines, longest))
        part = permits.part_of(OPERATOR) or EVERYBODY
        return Acquisition(permits.acquired_at, (_limit_of(part, lines),))


def permits_of_line(acquired: Acquisition | None) -> Permits | None:
    """Return what a call holds that got a line, None for one without."""
    return Permits(acquired.acquired_at, acquired.parts) if acquired else None


def _reserve(
    now: datetime,
    action: str,
    phone_key: str | None,
    per_caller: SlidingWindow,
    total: SlidingWindow,
    lines: SlidingWindow | None,
    *,
    is_verified: bool,
) -> Reservation:
    divided = [_parts_of(action, total)]
    if lines is not None:
        divided.append(_parts_of(LINES, lines))
    everybody = Part(EVERYBODY, tuple(_limit_of(EVERYBODY, parts) for parts in divided))
    if phone_key is None:
        anonymous = _of_anonymous(action, total)
        return Reservation(now, (anonymous,), (Group(action, (everybody,)),))
    subject = f"phone:{phone_key}"
    of_caller = RateLimit(subject, LimitPurpose.CALLS, action, per_caller)
    if not is_verified:
        return Reservation(now, (of_caller,), (Group(action, (everybody,)),))
    of_number = RateLimit(subject, LimitPurpose.CALLS, f"{action}:{VERIFIED}", VERIFIED_CALLS)
    of_verified = tuple(_limit_of(VERIFIED, parts) for parts in divided)
    verified = Part(VERIFIED, (of_number, *of_verified))
    return Reservation(now, (of_caller,), (Group(action, (verified, everybody)),))


def _of_anonymous(action: str, total: SlidingWindow) -> RateLimit:
    """Return the limit of callers without a caller id."""
    window = total.scale_percent(ANONYMOUS_PERCENT)
    return RateLimit("total", LimitPurpose.CALLS, f"{action}:{ANONYMOUS}", window)


def _parts_of(name: str, window: SlidingWindow) -> dict[str, RateLimit]:
    """Return the limit of each part: that of verified numbers, unless it is empty, and the rest."""
    of_verified = window.limit * VERIFIED_PERCENT // 100
    sizes = {VERIFIED: of_verified, EVERYBODY: window.limit - of_verified}
    return {
        part: RateLimit(
            "total", LimitPurpose.CALLS, f"{name}:{part}", SlidingWindow(size, window.period)
        )
        for part, size in sizes.items()
        if size or part == EVERYBODY
    }


def _limit_of(part: str, limits: Mapping[str, RateLimit]) -> RateLimit:
    """Return the limit of a part. Where there is none for verified numbers, they share the rest."""
    return limits.get(part) or limits[EVERYBODY]
