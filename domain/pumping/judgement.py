"""Whether codes that strangers requested are entered: decisions over counts.

SMS pumping, or artificially inflated traffic, is requests for messages to numbers whose operator
shares the fee with the attacker. Its sign is that hardly any of the codes is entered:
https://www.twilio.com/docs/glossary/what-is-sms-pumping-fraud
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from domain.conversion.counts import CellCounts

K = TypeVar("K")

MIN_MESSAGES: Final = 200
"""Fewer messages to strangers in an hour decide nothing."""
MIN_NETWORKS: Final = 20
"""So many networks are needed for a part of 5 % of each."""
LOW_PART: Final = 0.5
"""A share is low if it is less than this part of the usual one."""
RECOVERED_PART: Final = 0.75
"""A sample has recovered if its share is at least this part of the usual one."""
MIN_USUAL_SHARE: Final = 0.4
"""The usual share is never assumed to be lower: so no attack of two weeks makes itself usual."""
MIN_OF_RANGE: Final = 10
"""How many messages a range needs to be named for a low share of its country."""
MAX_RANGES: Final = 50
"""How many ranges of a country have warnings. If these are not enough, the country has one."""
MIN_RECOGNIZED: Final = 20
"""How many messages to recognized phones show whether a provider has a fault."""
MIN_SAMPLE: Final = 20
"""How many messages of the sample show that people enter their codes again."""
MIN_LOW_SAMPLE: Final = 5
"""How many messages of the sample show that they still do not."""
MAX_SAMPLE_OF_NETWORK: Final = 2
"""How many messages of the sample one network counts for."""
_TOLERANCE: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Counted:
    """Codes that were sent and entered, as networks count. They may be fractions."""

    sent: float
    entered: float
    networks: int

    @property
    def share(self) -> float:
        """Which part was entered, from 0 to 1."""
        return min(1.0, self.entered / self.sent) if self.sent else 0.0

    def has(self, messages: int) -> bool:
        """Return whether it is so many messages."""
        return self.sent >= messages - _TOLERANCE


@dataclass(frozen=True, slots=True)
class PumpedSubject:
    """A number range, or a country if that is empty, where codes are not entered."""

    number_range: str
    counted: Counted


def weigh_networks(cells: Iterable[CellCounts]) -> Mapping[str, float]:
    """Return what part of its messages each network counts for: together at most 5 % of all.

    There are no weights with fewer than 20 networks.
    """
    sent: Counter[str] = Counter()
    for cell in cells:
        sent[cell.network] += cell.sent
    sizes = sorted((size for size in sent.values() if size > 0), reverse=True)
    if len(sizes) < MIN_NETWORKS:
        return {}
    # If `capped` networks are at the cap, it is a twentieth of their sum and of all others.
    rest, cap = sum(sizes), 0.0
    for capped, size in enumerate(sizes[:MIN_NETWORKS]):
        cap = rest / (MIN_NETWORKS - capped)
        if size <= cap:
            break
        rest -= size
    return {name: min(1.0, cap / size) for name, size in sent.items() if size > 0}


def count_weighted(cells: Iterable[CellCounts], weights: Mapping[str, float]) -> Counted:
    """Return the sum of what networks count for."""
    sent = entered = 0.0
    networks: set[str] = set()
    for cell in cells:
        weight = weights.get(cell.network, 0.0)
        sent += cell.sent * weight
        entered += cell.entered * weight
        if weight:
            networks.add(cell.network)
    return Counted(sent, entered, len(networks))


def assume_usual(usual: float | None) -> float:
    """Return the usual share, or what is assumed instead."""
    return max(usual or 0.0, MIN_USUAL_SHARE)


def find_pumped(
    cells: Sequence[CellCounts], usual: float | None, max_ranges: int = MAX_RANGES
) -> Sequence[PumpedSubject]:
    """Return the ranges of a country where codes are not entered, or the country.

    - A range is found by its own messages, if there are enough.
    - If the others together are too low, the worst ranges are found that have a low share, if the
      rest without them is not too low as well. Otherwise it is the country.
    - The worst ranges are those with the most codes that nobody entered.

    Args:
        cells: The messages to strangers of one country within an hour.
        usual: The usual share of strangers there; None if it is not known.
        max_ranges: How many ranges may be found.
    """
    by_range: defaultdict[str, list[CellCounts]] = defaultdict(list)
    for cell in cells:
        by_range[cell.number_range].append(cell)
    found = _list_worst(
        [
            PumpedSubject(number_range, counted)
            for number_range, of_range in by_range.items()
            if _is_pumped(counted := _count(of_range), usual)
        ]
    )[:max_ranges]
    others = _without(cells, found)
    counted = _count(others)
    if not _is_pumped(counted, usual):
        return found
    weights = weigh_networks(others)
    names = by_range.keys() - {each.number_range for each in found}
    of_ranges = [PumpedSubject(name, count_weighted(by_range[name], weights)) for name in names]
    worst = _list_worst(
        [
            each
            for each in of_ranges
            if each.counted.has(MIN_OF_RANGE) and _is_low(each.counted, usual)
        ]
    )[: max_ranges - len(found)]
    if not _is_pumped(_count(_without(others, worst)), usual):
        return [*found, *worst]
    return [PumpedSubject("", counted)]


def find_faulty(recognized: Mapping[K, Sequence[CellCounts]], usual: float | None) -> frozenset[K]:
    """Return the providers whose codes recognized phones do not enter either.

    That is a fault of the provider: nobody but the owner of an account is recognized.

    Args:
        recognized: The messages to recognized phones within an hour, by provider.
        usual: The usual share of recognized phones; None if it is not known.
    """
    counts = {provider: _count(cells) for provider, cells in recognized.items()}
    return frozenset(
        provider
        for provider, counted in counts.items()
        if counted.has(MIN_RECOGNIZED) and _is_low(counted, usual)
    )


def count_sample(cells: Iterable[CellCounts]) -> Counted:
    """Return the counts of a sample, in which each network counts for two messages at most."""
    sent: Counter[str] = Counter()
    found = [*cells]
    for cell in found:
        sent[cell.network] += cell.sent
    weights = {
        name: min(1.0, MAX_SAMPLE_OF_NETWORK / size) for name, size in sent.items() if size > 0
    }
    return count_weighted(found, weights)


def has_recovered(sample: Counted, usual: float | None) -> bool:
    """Return whether so many codes of a sample were entered that there is no pumping."""
    is_usual = sample.share >= RECOVERED_PART * assume_usual(usual)
    return sample.has(MIN_SAMPLE) and is_usual


def goes_on(sample: Counted, usual: float | None) -> bool:
    """Return whether a sample shows that codes are still not entered."""
    return sample.has(MIN_LOW_SAMPLE) and _is_low(sample, usual)


def _is_pumped(counted: Counted, usual: float | None) -> bool:
    return counted.has(MIN_MESSAGES) and _is_low(counted, usual)


def _is_low(counted: Counted, usual: float | None) -> bool:
    return counted.share < LOW_PART * assume_usual(usual)


def _list_worst(found: Iterable[PumpedSubject]) -> Sequence[PumpedSubject]:
    """Return the ranges with the most codes that nobody entered first."""
    return sorted(
        found, key=lambda each: (each.counted.entered - each.counted.sent, each.number_range)
    )


def _count(cells: Sequence[CellCounts]) -> Counted:
    return count_weighted(cells, weigh_networks(cells))


def _without(
    cells: Sequence[CellCounts], findings: Iterable[PumpedSubject]
) -> Sequence[CellCounts]:
    ranges = {finding.number_range for finding in findings}
    return [cell for cell in cells if cell.number_range not in ranges]
