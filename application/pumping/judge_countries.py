"""Open, renew and close warnings, by the counts of all processes."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from application.ports.system import Randomness
from domain.conversion.counts import (
    CellCounts,
    ConversionGroup,
    ConversionSource,
)
from domain.conversion.recent_counts import TIME_TO_ENTER, RecentCounts
from domain.identifier import RANDOM_BYTES, make_identifier
from domain.otp.challenge import OTP_TTL
from domain.pumping.judgement import (
    MAX_RANGES,
    MIN_MESSAGES,
    PumpedSubject,
    assume_usual,
    count_sample,
    find_faulty,
    find_pumped,
    goes_on,
    has_recovered,
)
from domain.pumping.restrict import PUMPING
from domain.pumping.warning import (
    DURATION,
    MAX_WARNINGS,
    ClosedBy,
    PumpingWarning,
    PumpingWarnings,
)

PERIOD: Final = timedelta(hours=1)
"""What was sent within this time decides."""
_LAG: Final = OTP_TTL - TIME_TO_ENTER
"""How much later than for `RecentCounts`: when no code of the period can be entered anymore."""
_NOT_USUAL: Final = PERIOD + OTP_TTL
"""What is judged is not what is usual."""

_Provider = tuple[str, str]
_Sent = tuple[ConversionSource, tuple[CellCounts, ...]]


@dataclass(frozen=True, slots=True)
class JudgeCountries:
    """Decide about all countries.

    - Messages decide whose codes cannot be entered anymore: those of the last five minutes do not.
    - Messages from before the end of a warning of their country or range do not open another one.
    - What is usual does not include the period that is judged.
    - What a provider sent does not decide where recognized phones do not enter its codes either.
    """

    recent: RecentCounts
    randomness: Randomness

    def __call__(self, warnings: PumpingWarnings, now: datetime) -> PumpingWarnings:
        """Return the warnings as they are from now on."""
        judged = warnings.prune(now)
        faulty = self._find_faulty(now)
        for warning in judged.warnings:
            if warning.closed_at is None:
                judged = judged.replace(self._review(warning, faulty, judged, now))
        strangers = self._list_strangers(faulty, judged, now)
        for country, cells in strangers.items():
            usual = self._usual_share(country, now)
            found = find_pumped(cells, usual, self._count_free_ranges(country, judged, now))
            judged = judged.add([self._open(country, each, usual, now) for each in found], now)
        return judged

    def _count_free_ranges(self, country: str, warnings: PumpingWarnings, now: datetime) -> int:
        """Return how many more ranges of a country may have a warning."""
        still_open = warnings.open_at(now)
        of_country = [each for each in still_open if each.country == country]
        return max(0, min(MAX_RANGES - len(of_country), MAX_WARNINGS - len(still_open)))

    def _find_faulty(self, now: datetime) -> Mapping[str, Collection[_Provider]]:
        """Return the providers with a fault, by country; the empty one has those of all."""
        recognized: defaultdict[str, defaultdict[_Provider, list[CellCounts]]]
        recognized = defaultdict(lambda: defaultdict(list))

        def is_wanted(source: ConversionSource) -> bool:
            return source.group == ConversionGroup.RECOGNIZED

        for source, cells in self.recent.find(now - _LAG, PERIOD, is_wanted):
            for country in (source.country, ""):
                recognized[country][source.channel, source.provider].extend(cells)
        return {
            country: find_faulty(
                by_provider,
                self.recent.usual_share(
                    country, ConversionGroup.RECOGNIZED, now, without=_NOT_USUAL
                ),
            )
            for country, by_provider in recognized.items()
        }

    def _review(
        self,
        warning: PumpingWarning,
        faulty: Mapping[str, Collection[_Provider]],
        warnings: PumpingWarnings,
        now: datetime,
    ) -> PumpingWarning:
        """Return a warning that nobody has closed, as it is from now on."""
        if warning.ends_at <= now:
            return warning.close(now, ClosedBy.TIME)
        warned = {
            each.number_range
            for each in warnings.open_at(now)
            if each.country == warning.country and each.number_range
        }
        found = self._find(warning.country, warning.opened_at, now)
        sampled = [(source, cells) for source, cells in found if source.sample == PUMPING]
        cells = [
            cell
            for cell in _without_faults(sampled, warning.country, faulty)
            if (cell.number_range == warning.number_range)
            or not (warning.number_range or cell.number_range in warned)
        ]
        sample, usual = count_sample(cells), self._usual_share(warning.country, now)
        if has_recovered(sample, usual):
            return warning.close(now, ClosedBy.SAMPLE)
        return warning.renew(now) if goes_on(sample, usual) else warning

    def _list_strangers(
        self,
        faulty: Mapping[str, Collection[_Provider]],
        warnings: PumpingWarnings,
        now: datetime,
    ) -> Mapping[str, Sequence[CellCounts]]:
        """Return what may open a warning, by country, where it is enough."""
        by_country: defaultdict[str, list[_Sent]] = defaultdict(list)
        for sent in self.recent.find(now - _LAG, PERIOD, _is_of_strangers):
            by_country[sent[0].country].append(sent)
        listed: dict[str, list[CellCounts]] = {}
        for country, sent_there in by_country.items():
            if sum([cell.sent for _, cells in sent_there for cell in cells]) < MIN_MESSAGES:
                continue
            left_out = warnings.ended_by_operator(country, now) | {
                each.number_range for each in warnings.open_at(now) if each.country == country
            }
            if "" in left_out:
                continue
            ends = {**warnings.latest_ends(country, now)}
            since = ends.pop("", None)
            of_country = self._find(country, since, now) if since else sent_there
            cells = [*_without_faults(of_country, country, faulty)]
            listed[country] = [
                cell for cell in cells if cell.number_range not in left_out | ends.keys()
            ]
            for end in {*ends.values()}:
                again = {each for each in ends if ends[each] == end} - left_out
                of_country = self._find(country, max(end, since or end), now)
                cells = [*_without_faults(of_country, country, faulty)]
                listed[country] += [cell for cell in cells if cell.number_range in again]
        return listed

    def _find(self, country: str, since: datetime, now: datetime) -> Iterable[_Sent]:
        """Return what strangers in a country were sent within the period and since a time."""
        until = now - _LAG

        def is_wanted(source: ConversionSource) -> bool:
            return source.country == country and _is_of_strangers(source)

        return self.recent.find(until, min(PERIOD, until - since), is_wanted)

    def _usual_share(
        self, country: str, now: datetime, group: ConversionGroup = ConversionGroup.STRANGER
    ) -> float | None:
        return self.recent.usual_share(country, group, now, without=_NOT_USUAL)

    def _open(
        self, country: str, finding: PumpedSubject, usual: float | None, now: datetime
    ) -> PumpingWarning:
        counted = finding.counted
        return PumpingWarning(
            id=make_identifier(now, self.randomness.bytes(RANDOM_BYTES)),
            country=country,
            number_range=finding.number_range,
            opened_at=now,
            ends_at=now + DURATION,
            sent=round(counted.sent),
            networks=counted.networks,
            share_percent=round(100 * counted.share),
            usual_percent=round(100 * assume_usual(usual)),
        )


def _is_of_strangers(source: ConversionSource) -> bool:
    return source.group == ConversionGroup.STRANGER


def _without_faults(
    sent: Iterable[_Sent], country: str, faulty: Mapping[str, Collection[_Provider]]
) -> Iterable[CellCounts]:
    """Yield the counts without those of providers that have a fault in the country or in all."""
    left_out = {*faulty.get(country, ()), *faulty.get("", ())}
    for source, cells in sent:
        if (source.channel, source.provider) not in left_out:
            yield from cells
