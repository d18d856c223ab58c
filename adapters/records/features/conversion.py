"""The records of conversion."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Protocol, TypeVar

import msgspec

from adapters.records.database import Database
from adapters.records.mapping import RecordMapping
from adapters.records.record_kind import EXPIRES_AT, Index, Record, RecordKind
from adapters.records.record_repository import RecordRepository, to_position
from application.ports.conversion import ConversionRepositories
from domain.conversion.counts import HourConversion, MinuteConversion
from domain.conversion.provider_states import ProviderStates
from domain.cursor import Cursor


class _WithId(Protocol):
    @property
    def id(self) -> str: ...


_NOT_COUNTED: Final = "conversion_not_counted"

V = TypeVar("V", bound=_WithId)
R = TypeVar("R", bound=Record)


class ConversionSourceRecord(msgspec.Struct, gc=False):
    """What codes have in common that are summed."""

    country: str
    channel: str
    provider: str
    group: str
    sample: str = ""


class CellCountsRecord(msgspec.Struct, gc=False, array_like=True):
    """The counts of a network and a range: a list, as there are many of them."""

    network: str
    number_range: str
    sent: int
    entered: int


class SourceCellsRecord(msgspec.Struct, gc=False):
    """The cells of one source, of codes that were sent in one minute."""

    sent_at: datetime
    source: ConversionSourceRecord
    cells: tuple[CellCountsRecord, ...]


class MinuteConversionRecord(Record, kw_only=True):
    """What one process counted in one minute."""

    id: str
    starts_at: datetime
    changed_at: datetime
    expires_at: datetime
    sources: tuple[SourceCellsRecord, ...]


class SourceSumRecord(msgspec.Struct, gc=False):
    """The counts of one source."""

    source: ConversionSourceRecord
    sent: int
    entered: int


class HourConversionRecord(Record, kw_only=True):
    """What one process counted in one hour."""

    id: str
    starts_at: datetime
    changed_at: datetime
    expires_at: datetime
    sources: tuple[SourceSumRecord, ...]


class LeftProviderRecord(msgspec.Struct, kw_only=True, gc=False):
    """A provider that is left in a country."""

    country: str
    channel: str
    provider: str
    left_at: datetime
    sent: int
    entered: int
    usual_percent: int


class ProviderStatesRecord(Record, kw_only=True):
    """All providers that are left."""

    id: str
    left: tuple[LeftProviderRecord, ...] = ()


CONVERSION_MINUTES: Final = RecordKind(
    "conversion_minutes",
    MinuteConversionRecord,
    Index(name="conversion_minutes_changed_at", order="changed_at", is_paged=True),
    Index(name="conversion_minutes_expires_at", order=EXPIRES_AT),
)
CONVERSION_HOURS: Final = RecordKind(
    "conversion_hours",
    HourConversionRecord,
    Index(name="conversion_hours_changed_at", order="changed_at", is_paged=True),
    Index(name="conversion_hours_expires_at", order=EXPIRES_AT),
)
PROVIDER_STATES: Final = RecordKind("provider_states", ProviderStatesRecord)


class StoredCounts(RecordRepository[V, R]):
    """What each process counted in each minute or hour."""

    async def list_changed(self, after: Cursor, until: datetime, limit: int) -> Sequence[V]:
        index, position = self.kind.find_index("changed_at"), to_position(after)
        found = await self.list_readable(
            index, _NOT_COUNTED, until=until, after=position, limit=limit
        )
        return [versioned.value for versioned in found]


def make_conversion_repositories(database: Database) -> ConversionRepositories:
    """Return the repositories of conversion."""
    store = database.records
    states = RecordMapping(PROVIDER_STATES, ProviderStates)
    return ConversionRepositories(
        minutes=StoredCounts(store, RecordMapping(CONVERSION_MINUTES, MinuteConversion)),
        hours=StoredCounts(store, RecordMapping(CONVERSION_HOURS, HourConversion)),
        states=RecordRepository(store, states),
    )


KINDS: Final = (CONVERSION_MINUTES, CONVERSION_HOURS, PROVIDER_STATES)
