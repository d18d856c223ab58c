"""Records with all their fields, also those that this program does not know.

A database stores times and bytes in its own way. Here those of the fields that the program knows
are Python's own, to the millisecond, so that a record is the same whichever database it is read
from. A field that it does not know stays as it was read: a newer program reads it in either form.
"""

from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, partial
from typing import Any, Final

import msgspec
from msgspec import inspect

from adapters.records.record_kind import Fields, RecordKind
from application.ports.errors import ConfigurationError

_Convert = Callable[[Any], Any]
_MILLISECOND: Final = 1000
"""In microseconds."""
ID_FIELD: Final = "id"
NOT_ACCEPTED: Final = (
    "{location} does not accept a record of {kind}: it violates an index, or lacks a required "
    "field, or another `dialtone copy` fills this database at the same time."
)
NOT_COMPLETED: Final = "{location} did not complete a call ({cause})"
_UNREADABLE: Final = "A record of {kind} in {location} cannot be read: repair it first."
_NO_JSON: Final = (
    "A record of {kind} has a value that JSON does not have: repair it in the source first."
)


@dataclass(frozen=True, slots=True)
class RawRecord:
    """A record as it is stored.

    Attributes:
        id: Its id, which `fields` does not repeat.
        version: Its version; 0 for limits, which not every database gives one.
        fields: All fields by their stored names.
    """

    id: str
    version: int
    fields: Fields


def make_raw_record(
    kind: RecordKind[Any], record_id: str, version: int, fields: Fields
) -> RawRecord:
    """Return the record of what a database stores; the fields are changed.

    Raises:
        ValueError: A time has no time zone.
    """
    fields.pop(ID_FIELD, None)
    convert = _converter(kind)
    return RawRecord(record_id, version, convert(fields) if convert else fields)


@contextmanager
def reading(kind: RecordKind[Any], location: str) -> Iterator[None]:
    """Say of a record that fails in the block that it cannot be read.

    Raises:
        ConfigurationError
    """
    try:
        yield
    except (msgspec.DecodeError, TypeError, ValueError):
        raise ConfigurationError(_UNREADABLE.format(kind=kind.name, location=location)) from None


def to_json(kind: RecordKind[Any], record: RawRecord) -> str:
    """Return the body of a record in JSON, as databases store it that have no other form.

    Raises:
        ConfigurationError: It has a value of MongoDB's own, in a field that is not known.
    """
    fields = record.fields
    if ID_FIELD in kind.field_names:
        fields = {ID_FIELD: record.id, **fields}
    try:
        return encode_value(fields).decode()
    except TypeError:
        raise ConfigurationError(_NO_JSON.format(kind=kind.name)) from None


def _to_plain(value: Any) -> Any:
    """Return a number whose class is the driver's own as Python's."""
    if isinstance(value, int):
        return int(value)
    raise TypeError


encode_value: Final = msgspec.json.Encoder(enc_hook=_to_plain, order="deterministic").encode
"""Encodes a value; two that are equal have the same bytes."""


@cache
def _converter(kind: RecordKind[Any]) -> _Convert | None:
    return _find_conversion(inspect.type_info(kind.record_type))


def _find_conversion(field_type: inspect.Type) -> _Convert | None:
    """Return what makes times and bytes of a type Python's own; None if it has neither."""
    match field_type:
        case inspect.DateTimeType():
            return _to_time
        case inspect.BytesType():
            return _to_bytes
        case inspect.StructType(fields=fields):
            found = {field.encode_name: _find_conversion(field.type) for field in fields}
            conversions = {name: convert for name, convert in found.items() if convert}
            return partial(_convert_fields, conversions) if conversions else None
        case inspect.VarTupleType(item_type=item):
            convert = _find_conversion(item)
            return partial(_convert_items, convert) if convert else None
        case inspect.DictType(value_type=value):
            convert = _find_conversion(value)
            return partial(_convert_values, convert) if convert else None
        case inspect.UnionType(types=types):
            return _find_conversion_of_union(types)
    return None


def _find_conversion_of_union(types: tuple[inspect.Type, ...]) -> _Convert | None:
    """Return the conversion of `A | None`, or of several Structs, which have tags."""
    structs = {
        (struct.tag_field, struct.tag): _find_conversion(struct)
        for struct in types
        if isinstance(struct, inspect.StructType) and struct.tag_field
    }
    if any(structs.values()):
        return partial(_convert_tagged, structs)
    found = [convert for option in types if (convert := _find_conversion(option))]
    return found[0] if found else None


def _convert_fields(conversions: Mapping[str, _Convert], fields: Any) -> Any:
    if isinstance(fields, dict):
        for name in conversions.keys() & fields.keys():
            fields[name] = conversions[name](fields[name])
    return fields


def _convert_tagged(structs: Mapping[Any, _Convert | None], fields: Any) -> Any:
    if not isinstance(fields, dict):
        return fields
    for (tag_field, tag), convert in structs.items():
        if fields.get(tag_field) == tag and convert:
            return convert(fields)
    return fields


def _convert_items(convert: _Convert, items: Any) -> Any:
    return [convert(item) for item in items] if isinstance(items, list) else items


def _convert_values(convert: _Convert, values: Any) -> Any:
    if not isinstance(values, dict):
        return values
    return {name: convert(value) for name, value in values.items()}


def _to_time(value: Any) -> Any:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return value
    if not isinstance(value, datetime):
        return value
    if value.tzinfo is None:
        raise ValueError
    return value - timedelta(microseconds=value.microsecond % _MILLISECOND)


def _to_bytes(value: Any) -> Any:
    with suppress(ValueError):
        if isinstance(value, str):
            return b64decode(value, validate=True)
    return value
