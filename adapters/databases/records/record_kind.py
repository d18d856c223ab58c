"""What a kind of records is: its stored form, its indexes, and how it is read and written."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, Literal, TypeVar, get_args, get_origin

import msgspec

from adapters.databases.records.retention import Retention
from adapters.shared.causes import describe_error
from application.ports.errors import CorruptRecord

R = TypeVar("R", bound="Record")
MAX_ID_LENGTH: Final = 200
"""Characters of the id of any record: up to 800 bytes of UTF-8."""
MAX_INDEXED_LENGTH: Final = 200
"""Characters of a text in an index whose kind says no less: up to 800 bytes of UTF-8."""
MAX_NAME_LENGTH: Final = 60
"""Bytes of the name of a kind or index: lower-case letters, digits and `_`. PostgreSQL has 63."""
MAX_INDEX_BYTES: Final = 2_600
"""Bytes of all values of a record in one index, with its time and its id: PostgreSQL has 2,704."""
Fields = dict[str, Any]
"""The fields of a record by their stored names."""
Upgrade = Callable[[Fields], Fields]
"""Turns the fields of schema version n into those of version n + 1; it may change its argument."""

_NO_LENGTHS: Final[Mapping[str, int]] = {}
NEWER: Final = (
    "a record of {name} has schema version {stored}, and this program knows {known}: start the "
    "newer program"
)


class Record(msgspec.Struct, kw_only=True, gc=False):
    """The fields of one kind of record. Each kind begins at schema version 1."""

    schema_version: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """An index: finds records with certain values, in the order of one field.

    A database has a name for the index that begins with the name of the kind.

    Attributes:
        equal: Fields that have a given value. Each search names all of them; they are texts, as
            long as `RecordKind.max_length` says.
        order: The field by which records are in order: a time, which all of them have. None if
            there is no order.
        is_paged: Records of one time are in the order of their ids, so that a search may begin
            after any record.
        present: Only records that have these fields are in it.
        absent: Only records that do not have these fields are in it.
        only: Only records whose fields have these values are in it.
    """

    name: str
    equal: tuple[str, ...] = ()
    order: str | None = None
    is_paged: bool = False
    present: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    only: tuple[tuple[str, str], ...] = ()
    is_unique: bool = False

    @property
    def fields(self) -> frozenset[str]:
        order = (self.order,) if self.order else ()
        only = [name for name, _ in self.only]
        return frozenset((*self.equal, *order, *self.present, *self.absent, *only))


def is_storable(text: str) -> bool:
    """Return whether databases can store a text: UTF-8 cannot encode some."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def index_by_time(name: str, order: str, **options: Any) -> Index:
    """Return an index of the records that have a time, in its order."""
    return Index(name=name, order=order, present=(order,), **options)


EXPIRES_AT: Final = "expires_at"


class RecordKind(Generic[R]):
    """A kind of records: a table or collection.

    Attributes:
        name: The name of its table or collection. It and those of its indexes have at most
            `MAX_NAME_LENGTH` characters.
        written_once: A field that a replacement keeps while the stored record has it, or None.
        is_keyed: Whether its ids are made with the index key and nothing else: under another key,
            its records cannot be found.
        has_phones: Whether its records have encrypted phones. Its Struct lists them by a property
            `encrypted_phones`. Where they are not the field `written_once` alone, it has a method
            `map_phones`, which returns a record with each of them changed by a function.
    """

    def __init__(
        self,
        name: str,
        record_type: type[R],
        *indexes: Index,
        written_once: str | None = None,
        max_lengths: Mapping[str, int] = _NO_LENGTHS,
        upgrades: Sequence[Upgrade] = (),
        is_keyed: bool = False,
        retention: Sequence[Retention] = (),
    ) -> None:
        """Declare a kind.

        `max_lengths` are the most characters of texts in indexes, by their fields; for the others
        it is `MAX_INDEXED_LENGTH`. The first of `upgrades` turns schema version 1 into 2, the next
        2 into 3, and so on. `retention` has each field once; an extension says it on a page of its
        own.
        """
        self.name: Final = name
        self.record_type: Final = record_type
        self.schema_version: Final = 1 + len(upgrades)
        self.indexes: Final = indexes
        self.written_once: Final = written_once
        self.is_keyed: Final = is_keyed
        self.retention: Final = retention
        self.expires: Final = any(index.order == EXPIRES_AT for index in indexes)
        self.has_phones: Final = hasattr(record_type, "encrypted_phones")
        fields = [field.encode_name for field in msgspec.structs.fields(record_type)]
        self.field_names: Final = frozenset(fields)
        indexed = frozenset[str]().union(*(index.fields for index in indexes))
        self.indexed_fields: Final = tuple(name for name in fields if name in indexed)
        self._max_lengths = max_lengths
        self._types = {
            field.encode_name: field.type for field in msgspec.structs.fields(record_type)
        }
        self._upgrades = upgrades
        self._decoder = msgspec.json.Decoder(record_type)

    def find_index(self, order: str) -> Index:
        return next(index for index in self.indexes if index.order == order and not index.equal)

    def max_length(self, field: str) -> int:
        of_type = self._types[field]
        if get_origin(of_type) is Literal:
            return max(map(len, get_args(of_type)))
        return self._max_lengths.get(field, MAX_INDEXED_LENGTH)

    def to_fields(self, record: R, native_types: Sequence[type] = ()) -> Fields:
        """Return the fields of a record that are not None.

        Of `datetime` and `bytes`, the native types stay as they are. The others become texts:
        RFC 3339 in UTC, and base64.
        """
        fields = msgspec.to_builtins(record, builtin_types=native_types)
        return {name: field for name, field in fields.items() if field is not None}

    def decode(self, text: str | bytes | msgspec.Raw) -> R:
        # `suppress` would take as long as the decoding.
        try:
            record = self._decoder.decode(text)
            if record.schema_version == self.schema_version:
                return record
        except (msgspec.DecodeError, UnicodeError):
            pass
        return self._upgrade(_decode_fields(text))

    def convert(self, fields: Fields) -> R:
        """Return the record of fields whose times and bytes are Python's own."""
        try:
            record = msgspec.convert(fields, self.record_type)
            if record.schema_version == self.schema_version:
                return record
        except msgspec.ValidationError:
            pass
        return self._upgrade(fields)

    def unreadable(self, error: Exception | None = None) -> CorruptRecord:
        details = describe_error(error) if error else ""
        return CorruptRecord(f"a record of {self.name} cannot be read", details)

    def _upgrade(self, fields: Fields) -> R:
        version = fields.get("schema_version")
        if isinstance(version, int) and version > self.schema_version:
            raise CorruptRecord(
                NEWER.format(name=self.name, stored=version, known=self.schema_version)
            )
        try:
            if not isinstance(version, int) or version < 1:
                raise ValueError("it has no schema version")
            for upgrade in self._upgrades[version - 1 :]:
                fields = upgrade(fields)
            record = msgspec.convert(fields, self.record_type)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            # An upgrade of damaged fields may fail in any way, and an error may quote a value.
            raise self.unreadable(error) from None
        record.schema_version = self.schema_version
        return record


def _decode_fields(text: str | bytes | msgspec.Raw) -> Fields:
    try:
        return msgspec.json.decode(text, type=Fields)
    except (msgspec.DecodeError, UnicodeError):
        return {}
