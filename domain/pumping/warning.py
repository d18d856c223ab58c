"""Warnings of countries and number ranges where codes are not entered."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from domain.errors import InvalidValue
from domain.identifier import require_identifier

WARNINGS_ID: Final = "warnings"
"""The id of the one record that has them, so that each is opened and closed once."""
DURATION: Final = timedelta(hours=1)
"""After this a warning ends, unless its sample shows that codes are still not entered."""
RENEWAL_MARGIN: Final = timedelta(minutes=30)
"""So long before its end it is renewed, so that its record is not written all the time."""
MAX_DURATION: Final = timedelta(days=1)
"""After this it ends in any case. Another one needs messages that were sent after it."""
RETENTION: Final = timedelta(days=1)
"""How long a warning is kept that has ended."""
MAX_WARNINGS: Final = 500
"""How many are kept: then the oldest are forgotten that have ended, and only countries get one."""


class ClosedBy(StrEnum):
    """Why a warning is over. The values are stored."""

    SAMPLE = "sample"
    """The codes of its sample are entered again."""
    TIME = "time"
    """Nothing showed that it goes on, or it was open for a day."""
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True, kw_only=True)
class PumpingWarning:
    """A warning.

    Attributes:
        id: Its id, which also decides which phones are its sample.
        country: The country.
        number_range: The hash of the number range; empty for the whole country.
        prefix: The range: a phone number without its last four digits. It is empty until a code is
            requested for a phone of the range, because hashes cannot be read.
        opened_at: When it was opened.
        ends_at: When it ends, unless it is renewed.
        sent: How many messages were sent within an hour, as networks count.
        networks: From how many networks they were requested.
        share_percent: Which part of the codes was entered.
        usual_percent: Which part is usual.
        closed_at: When it was closed; None if it is open, or if its end was not noticed yet.
        closed_by: Why it was closed.
    """

    id: str
    country: str
    number_range: str
    prefix: str = ""
    opened_at: datetime
    ends_at: datetime
    sent: int
    networks: int
    share_percent: int
    usual_percent: int
    closed_at: datetime | None = None
    closed_by: ClosedBy | None = None

    def __post_init__(self) -> None:
        require_identifier(self.id)

    @property
    def over_at(self) -> datetime:
        """When it is over, or will be."""
        return self.closed_at or self.ends_at

    def holds_at(self, moment: datetime) -> bool:
        """Return whether it holds at a time."""
        return self.opened_at <= moment < self.over_at

    def renew(self, now: datetime) -> "PumpingWarning":
        """Return it with a later end, if it is close to its end."""
        ends_at = min(now + DURATION, self.opened_at + MAX_DURATION)
        if self.ends_at - now > RENEWAL_MARGIN or ends_at <= self.ends_at:
            return self
        return replace(self, ends_at=ends_at)

    def close(self, now: datetime, closed_by: ClosedBy) -> "PumpingWarning":
        """Return it closed."""
        return replace(self, closed_at=min(now, self.ends_at), closed_by=closed_by)


@dataclass(frozen=True, slots=True)
class PumpingWarnings:
    """All warnings, the oldest first."""

    warnings: tuple[PumpingWarning, ...] = ()
    id: str = WARNINGS_ID

    def open_at(self, moment: datetime) -> Sequence[PumpingWarning]:
        """Return those that hold at a time."""
        return [warning for warning in self.warnings if warning.holds_at(moment)]

    def find(self, country: str, number_range: str, moment: datetime) -> PumpingWarning | None:
        """Return the warning about a phone at a time, that of its range first."""
        about = [
            warning
            for warning in self.warnings
            if warning.country == country
            and warning.number_range in ("", number_range)
            and warning.holds_at(moment)
        ]
        return max(about, key=lambda warning: bool(warning.number_range), default=None)

    def find_open(self, warning_id: str, now: datetime) -> PumpingWarning:
        """Return a warning that is open.

        Raises:
            InvalidValue
        """
        for warning in self.open_at(now):
            if warning.id == warning_id:
                return warning
        raise InvalidValue("No warning with this id is open.")

    def ended_by_operator(self, country: str, now: datetime) -> frozenset[str]:
        """Return which ranges of a country are not judged now; the empty one is the country."""
        return frozenset(
            warning.number_range
            for warning in self.warnings
            if warning.country == country
            and warning.closed_by is ClosedBy.OPERATOR
            and now < warning.over_at + RETENTION
        )

    def latest_ends(self, country: str, now: datetime) -> Mapping[str, datetime]:
        """Return when the latest warning of each range of a country ended.

        Messages from before that do not decide. The empty range is the country.
        """
        ends = [
            (warning.over_at, warning.number_range)
            for warning in self.warnings
            if warning.country == country and warning.over_at <= now
        ]
        return {number_range: over_at for over_at, number_range in sorted(ends)}

    def add(self, warnings: Iterable[PumpingWarning], now: datetime) -> "PumpingWarnings":
        """Return the set with more warnings, and without the oldest ended ones if it is full."""
        together = (*self.warnings, *warnings)
        ended = [
            warning.id
            for warning in self.warnings
            if warning.over_at <= now and warning.closed_by is not ClosedBy.OPERATOR
        ]
        forgotten = ended[: max(0, len(together) - MAX_WARNINGS)]
        return replace(self, warnings=tuple(each for each in together if each.id not in forgotten))

    def replace(self, changed: PumpingWarning) -> "PumpingWarnings":
        """Return the set with a warning that has changed."""
        warnings = tuple(changed if each.id == changed.id else each for each in self.warnings)
        return replace(self, warnings=warnings)

    def prune(self, now: datetime) -> "PumpingWarnings":
        """Return the set without those that were over a day ago."""
        kept = tuple(each for each in self.warnings if now < each.over_at + RETENTION)
        return self if len(kept) == len(self.warnings) else replace(self, warnings=kept)
