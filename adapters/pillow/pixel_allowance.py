"""How many pixels one identity may publish in an hour."""

import time
from collections import OrderedDict, deque
from collections.abc import Callable
from math import ceil
from typing import Final

from domain.errors import TooManyPixels

_MINUTE: Final = 60
_MINUTES: Final = 61
"""Pixels count for an hour after the end of their minute."""


class PixelAllowance:
    """Counts the pixels of each identity in the last hour, to the minute.

    It is kept in memory: another process counts on its own, and a restart forgets.
    """

    def __init__(self, max_pixels: int, clock: Callable[[], float] = time.monotonic) -> None:
        """Allow this many pixels per identity and hour; the clock is in seconds."""
        self._max_pixels = max_pixels
        self._clock = clock
        # Of each identity, minutes and their pixels; the identity that was counted last is last.
        self._used: OrderedDict[str, deque[tuple[int, int]]] = OrderedDict()

    def acquire(self, identity_id: str, pixels: int) -> None:
        """Count an image. One that exceeds the whole allowance uses all of it.

        Raises:
            TooManyPixels: The allowance is used up; the image is not counted.
        """
        now = self._clock()
        minute = int(now // _MINUTE)
        self._forget(minute)
        used = self._used.get(identity_id, deque())
        while used and used[0][0] + _MINUTES <= minute:
            used.popleft()
        pixels = min(pixels, self._max_pixels)
        missing = sum(count for _, count in used) + pixels - self._max_pixels
        if missing > 0:
            raise TooManyPixels(ceil(_expiry(used, missing) - now))
        if used and used[-1][0] == minute:
            pixels += used.pop()[1]
        used.append((minute, pixels))
        self._used[identity_id] = used
        self._used.move_to_end(identity_id)

    def _forget(self, minute: int) -> None:
        """Forget the identities whose pixels have all expired."""
        while self._used:
            identity_id, used = next(iter(self._used.items()))
            if used and used[-1][0] + _MINUTES > minute:
                return
            del self._used[identity_id]


def _expiry(used: deque[tuple[int, int]], missing: int) -> int:
    """Return the time at which this many pixels have expired."""
    for minute, count in used:
        missing -= count
        if missing <= 0:
            return (minute + _MINUTES) * _MINUTE
    raise ValueError(missing)
