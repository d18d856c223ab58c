"""The ports of conversion: what all processes counted, and which providers were left."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from application.ports.versioned import Expiring, Savable
from domain.conversion.counts import HourConversion, MinuteConversion
from domain.conversion.provider_states import ProviderStates
from domain.cursor import Cursor

V = TypeVar("V")


class ChangingCounts(Savable[str, V], Expiring, Protocol[V]):
    """What each process counted in each minute or hour."""

    async def list_changed(self, after: Cursor, until: datetime, limit: int) -> Sequence[V]:
        """List the records that were written after a position, the earliest first.

        One that cannot be read is left out, and logged once.

        Args:
            after: The time at which a record was written, and its id.
            until: The latest time at which it was written.
            limit: The maximum number of records.

        Raises:
            StorageError
            CorruptRecord: Many of them cannot be read.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversionRepositories:
    """The repositories of conversion."""

    minutes: ChangingCounts[MinuteConversion]
    hours: ChangingCounts[HourConversion]
    states: Savable[str, ProviderStates]
