"""Limits of calls to the phone line, and of the calls to the operator among them."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from domain.otp.rate_limits import RateLimit
from domain.otp.sliding_window import SlidingWindow

VERIFIED_PERCENT: Final = 40
"""How much of the limits of calls is for numbers of verified identities only."""
VERIFIED_CALLS: Final = SlidingWindow(2, timedelta(hours=1))
"""Calls of one number in that part: whoever forges it can use up no more."""
ANONYMOUS_PERCENT: Final = 20
"""How much of the limits of calls callers without a caller id can use up together."""
_INBOUND: Final = "inbound_calls"
_OPERATOR: Final = "operator_calls"
_LINES: Final = "operator_lines"

Limits = tuple[RateLimit, ...]


@dataclass(frozen=True, slots=True)
class CallLimits:
    """The limits of an operator for inbound calls.

    - A caller id is a claim. So only numbers of verified identities have a part of their own, two
      calls an hour each. To have called before counts nothing.
    - Their further calls, and those of all others, share the rest.
    - `operator_lines` is how many callers talk to the operator at the same time.
    """

    per_caller: SlidingWindow = SlidingWindow(10, timedelta(hours=1))
    total: SlidingWindow = SlidingWindow(1_000, timedelta(hours=1))
    operator_per_caller: SlidingWindow = SlidingWindow(3, timedelta(hours=1))
    operator_total: SlidingWindow = SlidingWindow(100, timedelta(hours=1))
    operator_lines: int = 10

    def for_inbound_call(self, phone_key: str | None, *, is_verified: bool) -> list[Limits]:
        """Return the limits of an inbound call: alternatives, to be tried in this order.

        Args:
            phone_key: identifies the phone and does not reveal it; None without a caller id.
            is_verified: whether the number has a verified identity.
        """
        return _alternatives(
            _INBOUND, phone_key, self.per_caller, self.total, is_verified=is_verified
        )

    def for_operator_call(
        self, phone_key: str | None, longest: timedelta, *, is_verified: bool
    ) -> list[Limits]:
        """Return the limits of a call to the operator, as `for_inbound_call` does.

        Args:
            phone_key: identifies the phone and does not reveal it; None without a caller id.
            longest: how long such a call can take. A line that is not released is free then.
            is_verified: whether the number has a verified identity.
        """
        return _alternatives(
            _OPERATOR,
            phone_key,
            self.operator_per_caller,
            self.operator_total,
            self.lines(longest),
            is_verified=is_verified,
        )

    def lines(self, longest: timedelta) -> Limits:
        """Return the limits that the end of a call to the operator releases."""
        return _split(_LINES, SlidingWindow(self.operator_lines, longest))


def _split(name: str, window: SlidingWindow) -> Limits:
    """Return the part of everybody and, unless it is empty, that of verified numbers."""
    of_verified = window.limit * VERIFIED_PERCENT // 100
    of_everybody = RateLimit(name, SlidingWindow(window.limit - of_verified, window.period))
    if not of_verified:
        return (of_everybody,)
    return of_everybody, RateLimit(f"{name}:verified", SlidingWindow(of_verified, window.period))


def _alternatives(
    action: str,
    phone_key: str | None,
    per_caller: SlidingWindow,
    total: SlidingWindow,
    *more: Limits,
    is_verified: bool,
) -> list[Limits]:
    parts = (*more, _split(f"{action}:total", total))
    of_everybody = [part[0] for part in parts]
    # The caller's part is the first: when it is used up, nothing else is reserved.
    if phone_key is None:
        anonymous = RateLimit(f"{action}:anonymous", total.scale_percent(ANONYMOUS_PERCENT))
        return [(anonymous, *of_everybody)]
    of_caller = RateLimit(f"{action}:phone:{phone_key}", per_caller)
    if not is_verified:
        return [(of_caller, *of_everybody)]
    of_number = RateLimit(f"{action}:phone:{phone_key}:verified", VERIFIED_CALLS)
    of_verified = [part[-1] for part in parts]
    return [(of_caller, of_number, *of_verified), (of_caller, *of_everybody)]
