"""Records, ids and texts of the suites of `RecordStore`."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import md5
from typing import Any, Final, get_origin

import msgspec
from msgspec import inspect

from adapters.databases.records.identities import IdentityRecord
from adapters.databases.records.kinds import DELIVERY_REPORTS, DeliveryReportRecord
from adapters.databases.records.record_kind import MAX_ID_LENGTH, Record, RecordKind
from adapters.databases.records.record_store import RecordStore, StoredRecord

NOW: Final = datetime(2026, 5, 1, 9, 30, tzinfo=UTC)
MILLISECOND: Final = timedelta(milliseconds=1)
MINUTE: Final = timedelta(minutes=1)
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
    "x" * MAX_ID_LENGTH,
    "x" * (MAX_ID_LENGTH - 1) + "y",
    "𝄞" * MAX_ID_LENGTH,
]
REMEMBERED: Final = (
    "it has to see at once what another instance wrote: remember no answer, also not that a record "
    "is missing"
)
_SIMPLE: Final[dict[type[inspect.Type], Any]] = {
    inspect.BoolType: True,
    inspect.BytesType: b"\0bytes\xff",
    inspect.DateTimeType: NOW + MILLISECOND,
    inspect.IntType: 2**53 - 1,
}


def a_report(report_id: str = "1", **changes: Any) -> DeliveryReportRecord:
    report = DeliveryReportRecord(id=report_id, status="sent", expires_at=NOW)
    return msgspec.structs.replace(report, **changes)


def an_identity(identity_id: str = "1", **changes: Any) -> IdentityRecord:
    return msgspec.structs.replace(
        IdentityRecord(id=identity_id, created_at=NOW, sessions=()), **changes
    )


def a_full_record(kind: RecordKind[Any], record_id: str = "1") -> Record:
    """Return a record of the kind in which each field has a value; each id has other texts."""
    record: Record = _fill(inspect.type_info(kind.record_type), record_id)
    record.schema_version = kind.schema_version
    has_id = "id" in record.__struct_fields__
    return msgspec.structs.replace(record, id=record_id) if has_id else record


def _fill(kind: inspect.Type, text: str) -> Any:
    """Return a value of a type, all parts of which have values."""
    match kind:
        case inspect.StructType() | inspect.DataclassType():
            values = {
                field.name: _fill(field.type, f"{field.name} é {text}") for field in kind.fields
            }
            if isinstance(kind, inspect.DataclassType) and "id" in values:
                values["id"] = md5(text.encode(), usedforsecurity=False).hexdigest()[:24]
            create: Callable[..., Any] = get_origin(kind.cls) or kind.cls
            return create(**values)
        case inspect.UnionType():
            return next(_fill(part, text) for part in kind.types if part != inspect.NoneType())
        case inspect.VarTupleType(item_type=inspect.UnionType(types=types)):
            return tuple(_fill(part, text) for part in types)
        case inspect.VarTupleType():
            return (_fill(kind.item_type, text),) * 2
        case inspect.DictType():
            return {_fill(kind.key_type, text): _fill(kind.value_type, text)}
        case inspect.LiteralType():
            return kind.values[-1]
        case inspect.EnumType():
            return list(kind.cls)[-1]
    return _SIMPLE.get(type(kind), text)


async def add_reports(store: RecordStore, *report_ids: str) -> None:
    for report_id in report_ids:
        assert await store.add(DELIVERY_REPORTS, report_id, a_report(report_id), 1)


async def load_one(
    store: RecordStore, kind: RecordKind[Any], record_id: str = "1"
) -> StoredRecord[Any] | None:
    return (await store.load(kind, [record_id])).get(record_id)


def ids(found: Sequence[StoredRecord[Any]]) -> list[str]:
    return [stored.id for stored in found]
