"""Counts in which one network or one number range has a limited part."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from heapq import nlargest
from typing import Final

from domain.conversion.counts import CellCounts

MAX_PERCENT: Final = 5
"""Which part of all codes one network, and one range, counts for at most."""
_MAX_ROUNDS: Final = 20
_TOLERANCE: Final = 1e-6


@dataclass(frozen=True, slots=True)
class CappedCounts:
    """Counts in which no network and no range has more than its part. They may be fractions."""

    sent: float = 0.0
    entered: float = 0.0

    def __add__(self, other: "CappedCounts") -> "CappedCounts":
        """Return both together."""
        return CappedCounts(self.sent + other.sent, self.entered + other.entered)

    @property
    def share(self) -> float:
        """Which part was entered, from 0 to 1."""
        return min(1.0, self.entered / self.sent) if self.sent else 0.0


def cap_counts(cells: Iterable[CellCounts]) -> CappedCounts:
    """Return the counts of which one network, and one range, is at most `MAX_PERCENT`, or one code.

    What is above its part is scaled, sent and entered alike. So codes of fewer than 20 networks or
    ranges are fewer than 20 codes, however many they are.

    It runs on the event loop, for up to some 100,000 cells. Mostly nothing is above its part: then
    each cell is looked at once.
    """
    cells = [*cells]
    sums = (defaultdict[str, float](float), defaultdict[str, float](float))
    by_network, by_range = sums
    for cell in cells:
        by_network[cell.network] += cell.sent
        by_range[cell.number_range] += cell.sent
    if not any(map(_find_factors, sums)):
        return CappedCounts(
            sum([cell.sent for cell in cells]), sum([cell.entered for cell in cells])
        )
    counts = _sum_by_key(cells)
    for _ in range(_MAX_ROUNDS):
        is_changed = False
        for place, other in ((0, 1), (1, 0)):
            if factors := _find_factors(sums[place]):
                is_changed = True
                for name, factor in factors.items():
                    sums[place][name] *= factor
                for key, of_key in counts.items():
                    if factor := factors.get(key[place], 0.0):
                        sums[other][key[other]] -= of_key[0] * (1 - factor)
                        of_key[0] *= factor
                        of_key[1] *= factor
        if not is_changed:
            break
    return CappedCounts(
        sum([sent for sent, _ in counts.values()]), sum([entered for _, entered in counts.values()])
    )


def _sum_by_key(cells: Iterable[CellCounts]) -> Mapping[tuple[str, str], list[float]]:
    """Return what was sent and entered by network and range."""
    counts: defaultdict[tuple[str, str], list[float]] = defaultdict(lambda: [0, 0])
    for cell in cells:
        of_key = counts[cell.network, cell.number_range]
        of_key[0] += cell.sent
        of_key[1] += cell.entered
    return counts


def _find_factors(sums: Mapping[str, float]) -> Mapping[str, float]:
    """Return the factors of the sums that are more than one code and than their part of all."""
    part = MAX_PERCENT / 100
    rest = sum(sums.values())
    cap = 0.0
    # `number` sums are at the cap, and the others below it: cap = part * (number * cap + rest).
    for number, value in enumerate(nlargest(100 // MAX_PERCENT, sums.values())):
        cap = max(0.0, part * rest / (1 - part * number))
        if value <= cap * (1 + _TOLERANCE):
            break
        rest -= value
    else:
        cap = 0.0
    cap = max(1.0, cap)
    if max(sums.values(), default=0.0) <= cap * (1 + _TOLERANCE):
        return {}
    return {name: cap / value for name, value in sums.items() if value > cap * (1 + _TOLERANCE)}
