"""The record of warnings of pumping."""

from datetime import datetime
from typing import Final

import msgspec

from adapters.records.database import Database
from adapters.records.mapping import RecordMapping
from adapters.records.record_kind import Record, RecordKind
from adapters.records.record_repository import RecordRepository
from application.ports.pumping import PumpingRepositories
from domain.pumping.warning import ClosedBy, PumpingWarnings


class PumpingWarningRecord(msgspec.Struct, kw_only=True, gc=False):
    """A warning."""

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


class PumpingWarningsRecord(Record, kw_only=True):
    """All warnings."""

    id: str
    warnings: tuple[PumpingWarningRecord, ...] = ()


PUMPING_WARNINGS: Final = RecordKind("pumping_warnings", PumpingWarningsRecord)


def make_pumping_repositories(database: Database) -> PumpingRepositories:
    """Return the repositories of warnings."""
    mapping = RecordMapping(PUMPING_WARNINGS, PumpingWarnings)
    return PumpingRepositories(warning_sets=RecordRepository(database.records, mapping))


KINDS: Final = (PUMPING_WARNINGS,)
