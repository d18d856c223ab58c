"""When a provider is left, and when it returns: decisions over counts."""

import math
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from domain.conversion.capped import CappedCounts, cap_counts
from domain.conversion.counts import CellCounts, ConversionGroup, ConversionSource
from domain.conversion.provider_states import (
    CONVERSION,
    Alternative,
    LeftProvider,
    ProviderStates,
)
from domain.conversion.recent_counts import RecentCounts

FAST_PERIOD: Final = timedelta(minutes=10)
"""What recognized phones were sent within this time decides whether a provider is left."""
DEGRADED_PART: Final = 0.75
"""A provider is degraded if less than this part of what is usual is entered."""
RECOVERED_PART: Final = 0.85
"""A provider has recovered if at least this part of what is expected is entered."""
MIN_MESSAGES: Final = 20
"""Fewer messages decide nothing. So many networks and ranges are needed for the part of each."""
MAX_CHANCE: Final = 1e-4
"""How probable a result may be at the usual share for a provider to be left."""
CLEAR_CHANCE: Final = 1e-2
"""How probable a result of few messages may be for a provider to stay left without a trial."""
HYSTERESIS: Final = timedelta(hours=1)
"""How long a provider stays left at least."""
SLOW_PERIOD: Final = timedelta(hours=2)
"""What was sent within this time, after a provider was left, decides whether it returns."""
TRIAL_AFTER: Final = timedelta(hours=6)
"""After this a provider returns on trial, if there are too few messages for a decision."""

_Sent = tuple[ConversionSource, Sequence[CellCounts]]
CanLeave = Callable[[str, str], bool]
"""Returns whether messages of a country and channel can be sent by another provider instead."""


@dataclass(frozen=True, slots=True)
class Returned:
    """A provider that returns, and the counts that decided it.

    `is_trial` says that there were too few messages to decide.
    """

    provider: LeftProvider
    sent: int
    entered: int
    is_trial: bool


def chance_at_most(counts: CappedCounts, share: float) -> float:
    """Return how probable so few entered codes are at most, if this is the share of each.

    It is the bound of Chernoff for the tail of the binomial distribution, in the form of Hoeffding
    (1963, theorem 1): exp(-n * KL(entered / n, share)).
    """
    found, share = counts.share, min(max(share, 1e-9), 1 - 1e-9)
    if found >= share or not counts.sent:
        return 1.0
    divergence = (1 - found) * math.log((1 - found) / (1 - share))
    if found > 0:
        divergence += found * math.log(found / share)
    return math.exp(-counts.sent * divergence)


def is_degraded(counts: CappedCounts, usual: float) -> bool:
    """Return whether so few codes were entered that the provider must have a problem."""
    return (
        counts.sent >= MIN_MESSAGES
        and counts.share < DEGRADED_PART * usual
        and chance_at_most(counts, usual) < MAX_CHANCE
    )


def find_degraded(
    recent: RecentCounts, states: ProviderStates, now: datetime, can_leave: CanLeave
) -> Sequence[LeftProvider]:
    """Return the providers that are to be left now.

    - Only recognized phones count: their codes are nearly always entered.
    - Each provider is compared with its own usual share in this country, or in all countries if
      there is none. Without a usual share nothing is decided.
    - Countries with too few messages are decided together, for each provider. Then it is left in
      those of them in which few codes were entered.
    """
    cells: defaultdict[Alternative, defaultdict[str, list[CellCounts]]]
    cells = defaultdict(lambda: defaultdict(list))

    def is_wanted(source: ConversionSource) -> bool:
        is_recognized = source.group == ConversionGroup.RECOGNIZED
        return is_recognized and can_leave(source.country, source.channel)

    for source, found in recent.find(now, FAST_PERIOD, is_wanted):
        if states.find(source.country, source.channel, source.provider) is None:
            cells[source.channel, source.provider][source.country].extend(found)
    degraded: list[LeftProvider] = []
    for (channel, provider), by_country in cells.items():
        small: dict[str, float] = {}
        low: list[str] = []
        for country, of_country in by_country.items():
            usual = _usual_share(recent, country, channel, provider, now)
            if usual is None:
                continue
            counts = cap_counts(of_country)
            if counts.sent < MIN_MESSAGES:
                small[country] = usual
                if counts.share < DEGRADED_PART * usual:
                    low.append(country)
            elif is_degraded(counts, usual):
                degraded.append(_leave(country, channel, provider, now, counts, usual))
        counts = cap_counts([cell for country in small for cell in by_country[country]])
        usual = _average(small, by_country)
        if is_degraded(counts, usual):
            degraded += [_leave(country, channel, provider, now, counts, usual) for country in low]
    return degraded


def find_recovered(
    recent: RecentCounts,
    states: ProviderStates,
    now: datetime,
    list_alternatives: Callable[[str], Collection[Alternative]],
) -> Sequence[Returned]:
    """Return the providers that return now.

    - A provider stays left for an hour. Then it returns if what it was sent of the random sample
      since then, at most two hours ago, is entered as is expected.
    - A code is expected to be entered as often as is usual for this provider and group, or as often
      as codes of the group are that its alternatives sent at the same time, whichever is less. So
      nobody keeps a provider away by codes that they let expire: these come to all providers.
    - If all alternatives are left, all messages of a provider count, and not only its sample.
    - With too few messages a provider returns on trial after six hours, unless these few show
      clearly that it is still degraded.
    - What the operator does not use anymore, returns after these six hours too.

    Args:
        recent: The counts.
        states: The providers that are left.
        now: The time.
        list_alternatives: Returns the providers, of all channels, that the messages of a channel
            may be sent by, those of this channel too.
    """
    returned: list[Returned] = []
    sent_since: dict[timedelta, Mapping[str, Sequence[_Sent]]] = {}
    for left in states.left:
        duration = now - left.left_at
        if duration < HYSTERESIS:
            continue
        period = min(SLOW_PERIOD, duration)
        if period not in sent_since:  # it reads everything, and many countries may be left at once
            sent_since[period] = _list_by_country(recent, now, period)
        sent = sent_since[period].get(left.country, ())
        alternatives = list_alternatives(left.channel)
        is_alone = states.are_all_left(left.country, alternatives)
        channels = {left.channel, *(channel for channel, _ in alternatives)}
        sent = [each for each in sent if each[0].channel in channels]
        counts, expected = _compare(recent, left, now, sent, is_alone=is_alone)
        result = (left, round(counts.sent), round(counts.entered))
        if counts.sent >= MIN_MESSAGES:
            if counts.share >= RECOVERED_PART * expected:
                returned.append(Returned(*result, is_trial=False))
        elif duration >= TRIAL_AFTER and chance_at_most(counts, expected) >= CLEAR_CHANCE:
            returned.append(Returned(*result, is_trial=True))
    return returned


def _list_by_country(
    recent: RecentCounts, now: datetime, period: timedelta
) -> Mapping[str, Sequence[_Sent]]:
    by_country: defaultdict[str, list[_Sent]] = defaultdict(list)
    for source, cells in recent.find(now, period):
        by_country[source.country].append((source, cells))
    return by_country


def _compare(
    recent: RecentCounts,
    left: LeftProvider,
    now: datetime,
    sent: Sequence[_Sent],
    *,
    is_alone: bool,
) -> tuple[CappedCounts, float]:
    """Return what was sent since a provider was left, and the share that is expected of it."""
    own: defaultdict[str, list[CellCounts]] = defaultdict(list)
    others: defaultdict[str, list[CellCounts]] = defaultdict(list)
    for source, cells in sent:
        if (source.channel, source.provider) != (left.channel, left.provider):
            others[source.group].extend(cells)
        elif is_alone or source.sample == CONVERSION:
            own[source.group].extend(cells)
    expected = entered = 0.0
    counts = cap_counts([cell for cells in own.values() for cell in cells])
    for group, of_group in own.items():
        usual = recent.usual_share(
            left.country, group, now, left.provider, left.channel, now - left.left_at
        )
        elsewhere = cap_counts(others[group])
        shares = [] if usual is None else [usual]
        if elsewhere.sent >= MIN_MESSAGES:
            shares.append(elsewhere.share)
        number = sum([cell.sent for cell in of_group])
        expected += number
        entered += number * min(shares, default=left.usual_percent / 100)
    return counts, entered / expected if expected else left.usual_percent / 100


def _usual_share(
    recent: RecentCounts, country: str, channel: str, provider: str, now: datetime
) -> float | None:
    group = ConversionGroup.RECOGNIZED
    of_country = recent.usual_share(country, group, now, provider, channel)
    if of_country is not None:
        return of_country
    return recent.usual_share("", group, now, provider, channel)


def _average(usual: Mapping[str, float], cells: Mapping[str, Iterable[CellCounts]]) -> float:
    """Return the usual share of several countries together, by their messages."""
    sent = {country: sum([cell.sent for cell in cells[country]]) for country in usual}
    total = sum(sent.values())
    return sum([usual[each] * sent[each] for each in usual]) / total if total else 0.0


def _leave(
    country: str, channel: str, provider: str, now: datetime, counts: CappedCounts, usual: float
) -> LeftProvider:
    return LeftProvider(
        country=country,
        channel=channel,
        provider=provider,
        left_at=now,
        sent=round(counts.sent),
        entered=round(counts.entered),
        usual_percent=round(100 * usual),
    )
