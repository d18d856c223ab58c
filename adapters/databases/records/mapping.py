"""Mapping between values of the domain and stored records.

The fields of a record are named like those of the domain's value. msgspec copies them in both
directions, so a new field is added to the domain and to the Struct, with a default.

- A part is the domain's value itself while both are the same. If it changes, it gets a Struct.
- A field that gets another name in the domain keeps its stored one: `field(name="stored_name")`.
- Fields that only indexes need are properties of the domain's value, or the mapping sets them.
"""

from typing import Final, Generic, TypeVar

import msgspec

from adapters.databases.records.record_kind import Record, RecordKind

T = TypeVar("T")
R = TypeVar("R", bound=Record)


class RecordMapping(Generic[T, R]):
    """The mapping of one kind of record."""

    def __init__(self, kind: RecordKind[R], value_type: type[T]) -> None:
        self.kind: Final = kind
        self.value_type: Final = value_type

    def to_record(self, value: T) -> R:
        record = msgspec.convert(value, self.kind.record_type, from_attributes=True)
        record.schema_version = self.kind.schema_version
        return record

    def to_value(self, record: R) -> T:
        try:
            return msgspec.convert(record, self.value_type, from_attributes=True)
        except msgspec.ValidationError as error:
            raise self.kind.unreadable(error) from None
