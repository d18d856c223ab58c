"""Records, ids and texts of the suites of `RecordStore`."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from adapters.records.delivery_reports import DeliveryReportRecord
from adapters.records.identities import IdentityRecord
from adapters.records.kinds import (
    DELIVERY_REPORTS,
)
from adapters.records.record_kind import Fields, Record, RecordKind
from adapters.records.record_store import RecordStore, StoredRecord
from tests.support.builders import NOW
from tests.support.full_records import GOLDEN_RECORDS

MILLISECOND: Final = timedelta(milliseconds=1)
MINUTE: Final = timedelta(minutes=1)
GOLDEN: Final[dict[str, list[Fields]]] = json.loads(GOLDEN_RECORDS.read_bytes())
FAR: Final = datetime(9999, 1, 1, tzinfo=UTC)
IN_ORDER: Final = ["Z", "a", "é", "\uff5e", "𝄞"]
"""Ids in the order of their code points. In UTF-16, the last two have the opposite order."""
ODD_TEXTS: Final = [
    *IN_ORDER,
    "A",
    "a ",
    "E\u0301",
    "e\u0301",
    "É",
    "$set",
    "$where",
    "a.b",
    ".",
    "_id",
    "' OR 1=1 --",
    '"',
    "`",
    "\\",
    "%",
    "?",
    " ",
    "\n",
    "a\0b",
    "\u200b",
    "1",
    "01",
    "1e0",
    "null",
    "{}",
    "x" * 200,
    "x" * 199 + "y",
    "𝄞" * 200,
]


def a_report(report_id: str = "1", **changes: Any) -> DeliveryReportRecord:
    report = DeliveryReportRecord(id=report_id, status="sent", expires_at=NOW)
    return msgspec.structs.replace(report, **changes)


def an_identity(identity_id: str = "1", **changes: Any) -> IdentityRecord:
    return msgspec.structs.replace(IdentityRecord(id=identity_id, created_at=NOW), **changes)


def a_full_record(kind: RecordKind[Any], record_id: str = "1") -> Record:
    """Return a record of the kind in which each field has a value."""
    record: Record = kind.decode(json.dumps(GOLDEN[kind.name][0]))
    has_id = "id" in record.__struct_fields__
    return msgspec.structs.replace(record, id=record_id) if has_id else record


async def add_reports(store: RecordStore, *report_ids: str) -> None:
    for report_id in report_ids:
        assert await store.add(DELIVERY_REPORTS, report_id, a_report(report_id), 1)


async def load_one(
    store: RecordStore, kind: RecordKind[Any], record_id: str = "1"
) -> StoredRecord[Any] | None:
    return (await store.load(kind, [record_id])).get(record_id)


def ids(found: Sequence[StoredRecord[Any]]) -> list[str]:
    return [stored.id for stored in found]
