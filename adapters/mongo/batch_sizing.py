"""How large the batches of loaders are that the same callers go through, one after the other.

In two groups of equal size, the event loop serves one while the server works for the other. In more
groups each batch costs both of them nearly as much as a large one; in a single group they wait for
each other.
"""

from typing import Final

MAX_BATCH_SIZE: Final = 100
DELAY: Final = 0.003
"""Seconds for which few keys wait for more."""
MAX_DELAYS: Final = 4
"""How often they do so while other keys are under way, whose callers come next."""

_SMALLEST_GROUP: Final = 4
"""Fewer keys are never divided: a single request may release two permits."""
_PERIOD: Final = 0.25
"""Seconds. The number of callers is the largest one of this period and the last one."""


class BatchSizing:
    """Divides callers into two groups, unless a batch cannot have half of them.

    Their number is the most that one loader had at once.

    Attributes:
        under_way: How many batches of all loaders are under way.
    """

    __slots__ = ("_callers", "_earlier_callers", "_ends_at", "under_way")

    def __init__(self) -> None:
        """Begin without callers."""
        self._callers = self._earlier_callers = 0
        self._ends_at = 0.0
        self.under_way = 0

    def observe(self, callers: int, now: float) -> None:
        """Take into account how many callers a loader has at a time in seconds."""
        if now >= self._ends_at:
            is_next = now < self._ends_at + _PERIOD
            self._earlier_callers = self._callers if is_next else 0
            self._callers = 0
            self._ends_at = now + _PERIOD
        self._callers = max(self._callers, callers)

    @property
    def largest(self) -> int:
        """How many keys a batch may have: half of the callers."""
        return min(MAX_BATCH_SIZE, max(_SMALLEST_GROUP, self._half))

    def smallest(self, under_way: int) -> int:
        """Return how many keys begin a batch at once: of few callers, any; of many, most of a half.

        Args:
            under_way: How many keys of the same loader are under way.
        """
        half = self._half
        return under_way if half > MAX_BATCH_SIZE else max(1, half * 3 // 4)

    @property
    def _half(self) -> int:
        return -(-max(self._callers, self._earlier_callers) // 2)
