"""Counts in which one network or one number range has a limited part."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
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
    """
    by_key: defaultdict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for cell in cells:
        counts = by_key[cell.network, cell.number_range]
        counts[0] += cell.sent
        counts[1] += cell.entered
    weights = dict.fromkeys(by_key, 1.0)
    for _ in range(_MAX_ROUNDS):
        is_changed = False
        for place in (0, 1):
            sums: defaultdict[str, float] = defaultdict(float)
            for key, (sent, _) in by_key.items():
                sums[key[place]] += sent * weights[key]
            factors = _find_factors(sums)
            is_changed = is_changed or any(factor < 1 - _TOLERANCE for factor in factors.values())
            for key in weights:
                weights[key] *= factors[key[place]]
        if not is_changed:
            break
    return CappedCounts(
        sum([sent * weights[key] for key, (sent, _) in by_key.items()]),
        sum([entered * weights[key] for key, (_, entered) in by_key.items()]),
    )


def _find_factors(sums: Mapping[str, float]) -> Mapping[str, float]:
    """Return the factor of each sum, so that none is more than one code or its part of all."""
    part = MAX_PERCENT / 100
    rest = sum(sums.values())
    largest = sorted(sums.values(), reverse=True)
    cap = 0.0
    for number, value in enumerate(largest):
        # `number` sums are at the cap, and the others below it: cap = part * (number * cap + rest).
        cap = max(0.0, part * rest / (1 - part * number)) if part * number < 1 else 0.0
        if value <= cap * (1 + _TOLERANCE):
            break
        rest -= value
    else:
        cap = 0.0
    cap = max(1.0, cap)
    return {name: min(1.0, cap / value) if value else 1.0 for name, value in sums.items()}
