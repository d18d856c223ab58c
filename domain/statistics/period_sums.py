"""What a process has counted, and which periods of it are to be written."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, Protocol, TypeVar

from domain.otp.delivery import Channel


@dataclass(frozen=True, slots=True)
class DeliveryGroup:
    """The messages or calls of one country, channel and provider."""

    country: str
    channel: Channel
    provider: str


class PeriodRecord(Protocol):
    """What one process counted in one period. Only this process writes it."""

    @property
    def id(self) -> str:
        """The period and the process."""
        ...

    @property
    def starts_at(self) -> datetime:
        """The start of the period."""
        ...


S = TypeVar("S")
V = TypeVar("V", bound=PeriodRecord)


class PeriodSums(ABC, Generic[S, V]):
    """What this process has counted, in memory: all periods that are not written completely."""

    def __init__(self, length: timedelta) -> None:
        """Begin without sums, in periods of this length."""
        self._length = length
        self._sums: dict[datetime, S] = {}
        self._written: dict[datetime, V] = {}

    def list_changed(self) -> Sequence[V]:
        """Return the periods whose sums have changed since they were written."""
        current = [self._snapshot(starts_at) for starts_at in self._sums]
        return [counted for counted in current if counted != self._written.get(counted.starts_at)]

    def mark_written(self, written: V) -> None:
        """Record which sums were written. An earlier period is forgotten if nothing has changed."""
        if written.starts_at not in self._sums:
            return  # its period was dropped: there were too many
        self._written[written.starts_at] = written
        # A clock that is corrected reaches the period before at most.
        ended = [start for start in self._written if start < written.starts_at - self._length]
        for start in ended:
            if self._snapshot(start) == self._written.pop(start):
                del self._sums[start]

    @abstractmethod
    def _snapshot(self, starts_at: datetime) -> V:
        """Return the record of the sums of a period."""
