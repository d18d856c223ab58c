"""Between values of the domain and stored records.

A record is a msgspec Struct whose fields are named like those of the domain's value. msgspec copies
them in both directions, so a new field is added to the domain and to the Struct, with a default.

- A field that gets another name in the domain keeps its stored one: `field(name="stored_name")`.
- Fields that only indexes need are properties of the domain's value.
- Fields that this program does not know are ignored when a record is read.
- Adding a field raises no version. A change that older programs cannot read is an upgrade: it
  raises the schema version of this kind of record by one.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final, Generic, TypeVar

import msgspec

from application.ports.errors import CorruptRecord

T = TypeVar("T")
R = TypeVar("R", bound="Record")
Fields = dict[str, Any]
"""The fields of a record by their stored names."""
Upgrade = Callable[[Fields], Fields]
"""Turns the fields of schema version n into those of version n + 1; it may change its argument."""
WRITTEN_ONCE: Final = "encrypted_phone"
"""The field that a replacement keeps while it is not None: one key encrypts only so many times
safely (NIST SP 800-38D, 8.3). The phone of a record never changes, except that it is removed."""

NEWER: Final = (
    "a record of {name} has schema version {stored}, and this program knows {known}: start the "
    "newer program"
)


class Record(msgspec.Struct, kw_only=True, gc=False):
    """The fields of one kind of record. Each kind begins at schema version 1."""

    schema_version: int = 1


class RecordMapping(Generic[T, R]):
    """The mapping of one kind of record."""

    def __init__(
        self, name: str, record_type: type[R], value_type: type[T], upgrades: Sequence[Upgrade] = ()
    ) -> None:
        """Set what is mapped.

        Args:
            name: The table or collection of these records.
            record_type: The Struct.
            value_type: The class of the domain.
            upgrades: The first turns schema version 1 into 2, the next 2 into 3, and so on.
        """
        self.name: Final = name
        self.schema_version: Final = 1 + len(upgrades)
        self.record_type: Final = record_type
        self.value_type: Final = value_type
        self.field_names: Final = frozenset(
            field.encode_name for field in msgspec.structs.fields(record_type)
        )
        """The stored names of all fields."""
        self._upgrades = upgrades
        self._decoder = msgspec.json.Decoder(record_type)
        self._list_decoder: msgspec.json.Decoder[list[R]] = msgspec.json.Decoder(
            list[record_type]  # type: ignore[valid-type]  # a type that is known at run time
        )

    def to_record(self, value: T) -> R:
        """Return the record of a value."""
        record = msgspec.convert(value, self.record_type, from_attributes=True)
        record.schema_version = self.schema_version
        return record

    def to_fields(self, record: R, native_types: Sequence[type] = ()) -> Fields:
        """Return the fields of a record that are not None.

        Args:
            record: The record.
            native_types: Those of `datetime` and `bytes` that stay as they are. The others become
                texts: RFC 3339 in UTC, and base64.
        """
        fields = msgspec.to_builtins(record, builtin_types=native_types)
        return {name: field for name, field in fields.items() if field is not None}

    def to_value(self, record: R) -> T:
        """Return the value of a record.

        Raises:
            CorruptRecord: It is encrypted with a key that is not available, or the value refuses a
                field, such as an id that is not ours.
        """
        try:
            return msgspec.convert(record, self.value_type, from_attributes=True)
        except msgspec.ValidationError:
            raise self.unreadable() from None

    def decode(self, text: str | msgspec.Raw) -> T:
        """Return the value of a record in JSON.

        Raises:
            CorruptRecord: It is no record of this kind, or has a newer schema version.
        """
        return self.to_value(self.decode_record(text))

    def decode_list(self, text: str) -> list[T]:
        """Return the values of a JSON array of records, as `decode` does."""
        with suppress(msgspec.DecodeError, UnicodeError):
            records = self._list_decoder.decode(text)
            if all(record.schema_version == self.schema_version for record in records):
                return list(map(self.to_value, records))
        # One by one: some are of an earlier version, or one is damaged.
        try:
            texts = msgspec.json.decode(text, type=list[msgspec.Raw])
        except (msgspec.DecodeError, UnicodeError):
            raise self.unreadable() from None
        return list(map(self.decode, texts))

    def decode_record(self, text: str | msgspec.Raw) -> R:
        """Return a record in JSON, as `decode` does."""
        with suppress(msgspec.DecodeError, UnicodeError):
            record = self._decoder.decode(text)
            if record.schema_version == self.schema_version:
                return record
        return self._upgrade(_decode_fields(text))

    def convert(self, fields: Fields) -> T:
        """Return the value of fields whose times and bytes are Python's own.

        Raises:
            CorruptRecord: They are no record of this kind, or have a newer schema version.
        """
        return self.to_value(self.convert_record(fields))

    def convert_record(self, fields: Fields) -> R:
        """Return the record of such fields, as `convert` does."""
        with suppress(msgspec.ValidationError):
            record = msgspec.convert(fields, self.record_type)
            if record.schema_version == self.schema_version:
                return record
        return self._upgrade(fields)

    def unreadable(self) -> CorruptRecord:
        """Return the error of a record that is damaged."""
        return CorruptRecord(f"a record of {self.name} cannot be read")

    def _upgrade(self, fields: Fields) -> R:
        version = fields.get("schema_version")
        if isinstance(version, int) and version > self.schema_version:
            raise CorruptRecord(
                NEWER.format(name=self.name, stored=version, known=self.schema_version)
            )
        try:
            if not isinstance(version, int) or version < 1:
                raise ValueError(version)
            for upgrade in self._upgrades[version - 1 :]:
                fields = upgrade(fields)
            record = msgspec.convert(fields, self.record_type)
        except (LookupError, TypeError, ValueError, AttributeError):
            # An upgrade of damaged fields may fail in any way, and an error may quote a value.
            raise self.unreadable() from None
        record.schema_version = self.schema_version
        return record


def _decode_fields(text: str | msgspec.Raw) -> Fields:
    try:
        return msgspec.json.decode(text, type=Fields)
    except (msgspec.DecodeError, UnicodeError):
        return {}
