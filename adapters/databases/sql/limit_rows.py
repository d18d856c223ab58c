"""Rows of limits, as a batch reads them."""

from collections.abc import Iterable

from adapters.databases.records.limit_batches import LoadedRecords
from adapters.databases.records.limits import LIMITS, LimitRecord
from adapters.databases.records.record_store import decode_row
from application.ports.errors import CorruptRecord


def decode_limits(rows: Iterable[tuple[str, object, object]]) -> LoadedRecords:
    """Return the records of rows by id, and the error of each that is damaged."""
    records: dict[str, LimitRecord | CorruptRecord] = {}
    for record_id, version, body in rows:
        try:
            records[record_id] = decode_row(LIMITS, record_id, version, body).record
        except CorruptRecord as error:
            records[record_id] = error
    return records
