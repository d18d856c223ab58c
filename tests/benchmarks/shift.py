"""By how much one sample is shifted against another, and how sure that is."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_CERTAIN: Final = 2.576
"""Quantile of the normal distribution: so that one of a hundred intervals is wrong."""
_POWER: Final = 0.842
"""The same for finding four of five."""


@dataclass(frozen=True, slots=True)
class Shift:
    """The Hodges-Lehmann estimate, and the interval that holds the true shift (99 of 100).

    `visible` is the smallest true shift that four of five such measurements would show.
    """

    estimate: float
    low: float
    high: float

    @property
    def is_seen(self) -> bool:
        """Whether no shift at all is ruled out."""
        return not self.low <= 0 <= self.high

    @property
    def visible(self) -> float:
        return (self.high - self.low) / 2 * (1 + _POWER / _CERTAIN)


def shift(sample: Sequence[float], base: Sequence[float]) -> Shift:
    """The median of all differences; its interval is that of the test of Mann and Whitney.

    It takes neither sample for a normal one, and a few long waits move it little.
    """
    differences = sorted(one - other for one in sample for other in base)
    pairs = len(differences)
    spread = math.sqrt(pairs * (len(sample) + len(base) + 1) / 12)
    lowest = max(0, int(pairs / 2 - _CERTAIN * spread))
    return Shift(differences[pairs // 2], differences[lowest], differences[pairs - 1 - lowest])
