"""How many pixels one identity may publish in an hour."""

import time
from collections import Counter
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
        self._used: dict[str, Counter[int]] = {}  # the pixels of each minute

    def acquire(self, identity_id: str, pixels: int) -> None:
        """Count an image. One that exceeds the whole allowance uses all of it.

        Raises:
            TooManyPixels: The allowance is used up; the image is not counted.
        """
        now = self._clock()
        minute = int(now // _MINUTE)
        self._forget_before(minute)
        used = self._used.setdefault(identity_id, Counter())
        pixels = min(pixels, self._max_pixels)
        missing = used.total() + pixels - self._max_pixels
        for counted, count in used.items() if missing > 0 else ():
            missing -= count
            if missing <= 0:
                raise TooManyPixels(ceil((counted + _MINUTES) * _MINUTE - now))
        used[minute] += pixels

    def _forget_before(self, minute: int) -> None:
        """Forget the minutes that have expired, and identities without others."""
        for identity_id, used in list(self._used.items()):
            for expired in [
                used_minute for used_minute in used if used_minute + _MINUTES <= minute
            ]:
                del used[expired]
            if not used:
                del self._used[identity_id]
