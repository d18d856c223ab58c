"""JSON bodies of records: schema versions, and fields that this version does not know.

- Unknown fields survive a `load` followed by a `replace`: they travel in
  `RecordVersion.unknown_fields`.
- A record of an older schema version is upgraded when it is read, and is stored in the new form
  when it is saved.
"""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Final, Generic, TypeVar, get_args

import msgspec

from application.ports.errors import CorruptRecord
from application.ports.versioned import RecordVersion, Versioned
from domain.phone import PhoneNumber

Fields = dict[str, Any]
"""A record, or a part of one, as its JSON names it."""
Upgrade = Callable[[Fields], Fields]
"""Turns the fields of schema version n into those of version n + 1."""

_ITEM_KEYS: Final = ("id", "request_id", "call_id")
"""Items of a list are matched by the first of these, or by all their known fields."""


class StoredFields(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """Base of the stored structs. Decoding fails on an unknown field, which is a fast check."""


T = TypeVar("T")
StoredT = TypeVar("StoredT", bound=StoredFields)


class RecordMapping(ABC, Generic[T, StoredT]):
    """Encodes and decodes the `body` of one kind of record.

    `upgrades[n - 1]` upgrades schema version n; a record is stored as the version after the last.
    """

    stored_type: type[StoredT]
    upgrades: Sequence[Upgrade] = ()

    def __init__(self, upgrades: Sequence[Upgrade] = ()) -> None:
        """Prepare the decoder, once for all records."""
        self.upgrades = upgrades or self.upgrades
        self.schema_version = 1 + len(self.upgrades)
        self._decoder = msgspec.json.Decoder(self.stored_type)

    @abstractmethod
    def to_stored(self, value: T) -> StoredT:
        """Return the stored form of a value."""

    @abstractmethod
    def to_domain(self, stored: StoredT) -> T:
        """Return the value of a stored form."""

    def encode(self, stored: StoredT, version: int) -> str:
        """Return the body of a stored form, with the unknown fields that the version carries."""
        if isinstance(version, RecordVersion) and version.unknown_fields:
            fields = msgspec.to_builtins(stored)
            _restore_unknown_fields(fields, version.unknown_fields)
            return msgspec.json.encode(fields).decode()
        return msgspec.json.encode(stored).decode()

    def decode(
        self,
        version: int,
        schema_version: int,
        body: str,
        *,
        indexed_phone: tuple[PhoneNumber, str] | None = None,
    ) -> Versioned[T]:
        """Return the value of a row; its version carries the phone that found it, if any.

        Raises:
            CorruptRecord: The body is not a record of this kind.
        """
        unknown: Fields = {}
        try:
            if schema_version < self.schema_version:
                stored, unknown = self._decode_field_by_field(schema_version, body)
            else:
                stored = self._decoder.decode(body)
        except (msgspec.DecodeError, UnicodeError):
            stored, unknown = self._decode_field_by_field(schema_version, body)
        return Versioned(
            self.to_domain(stored),
            RecordVersion(version, unknown, _encrypted_phone(stored), indexed_phone),
        )

    def _decode_field_by_field(self, schema_version: int, body: str) -> tuple[StoredT, Fields]:
        """Decode a record that is older, has unknown fields, or is damaged."""
        try:
            fields = msgspec.json.decode(body, type=Fields)
            for upgrade in self.upgrades[schema_version - 1 :]:
                fields = upgrade(fields)
            known, unknown = _separate_unknown_fields(fields, self.stored_type)
            return msgspec.convert(known, self.stored_type), unknown
        except (ValueError, LookupError, TypeError, AttributeError):
            # An upgrade of damaged fields may fail in any way. Errors may quote a value.
            raise CorruptRecord(f"a record is not a {self.stored_type.__name__}") from None


def _encrypted_phone(stored: StoredFields) -> bytes | None:
    """Return the encrypted phone of those kinds of records that have one."""
    return getattr(stored, "encrypted_phone", None)


def _separate_unknown_fields(
    fields: Fields, stored_type: type[StoredFields]
) -> tuple[Fields, Fields]:
    """Return the known and the unknown fields.

    The unknown fields of a nested value stand under its name, those of an item of a list under the
    name of the list and the key of the item.
    """
    known: Fields = {}
    unknown: Fields = {}
    nested_types = _nested_types(stored_type)
    for name, value in fields.items():
        if name not in nested_types:
            unknown[name] = value
            continue
        known[name] = value
        kinds = nested_types[name]
        nested_unknown: Fields = {}
        if nested_type := _select_type(kinds, value):
            known[name], nested_unknown = _separate_unknown_fields(value, nested_type)
        elif kinds and isinstance(value, list):
            known[name], nested_unknown = _separate_in_items(value, kinds)
        if nested_unknown:
            unknown[name] = nested_unknown
    return known, unknown


def _separate_in_items(
    items: Sequence[Any], kinds: Sequence[type[StoredFields]]
) -> tuple[list[Any], Fields]:
    """Return the items with their known fields only, and the unknown fields by item."""
    types = [_select_type(kinds, item) for item in items]
    pairs = [
        _separate_unknown_fields(item, item_type) if item_type else (item, {})
        for item, item_type in zip(items, types, strict=True)
    ]
    stored = [
        msgspec.to_builtins(msgspec.convert(known, item_type)) if item_type else {}
        for (known, _), item_type in zip(pairs, types, strict=True)
    ]
    unknown = zip(_item_keys(stored), [fields for _, fields in pairs], strict=True)
    return [known for known, _ in pairs], {key: fields for key, fields in unknown if fields}


def _restore_unknown_fields(fields: Fields, unknown: Mapping[str, Any]) -> None:
    """Put back what `_separate_unknown_fields` took out, where its place still exists."""
    for name, value in unknown.items():
        match fields.get(name, msgspec.UNSET):
            case msgspec.UNSET:
                fields[name] = value
            case dict() as nested:
                _restore_unknown_fields(nested, value)
            case list() | tuple() as items:
                for item, key in zip(items, [*_item_keys(items)], strict=True):
                    _restore_unknown_fields(item, value.get(key, {}))


@cache
def _nested_types(stored_type: type[StoredFields]) -> Mapping[str, Sequence[type[StoredFields]]]:
    """Return the stored names of the fields, each with the structs that may be nested in it."""
    names: dict[str, Sequence[type[StoredFields]]] = {
        field.encode_name: [*_structs_in(field.type)]
        for field in msgspec.structs.fields(stored_type)
    }
    tag_field = stored_type.__struct_config__.tag_field
    return {**names, tag_field: ()} if tag_field else names


def _structs_in(annotation: Any) -> Iterator[type[StoredFields]]:
    """Yield the structs of an annotation like `A`, `A | None` or `tuple[A | B, ...]`."""
    if isinstance(annotation, type) and issubclass(annotation, StoredFields):
        yield annotation
    for argument in get_args(annotation):
        yield from _structs_in(argument)


def _select_type(kinds: Sequence[type[StoredFields]], value: object) -> type[StoredFields] | None:
    """Return the struct of an object: the one with its tag, if there are several kinds."""
    if not isinstance(value, dict):
        return None
    configs = [(kind, kind.__struct_config__) for kind in kinds]
    return next(
        (
            kind
            for kind, config in configs
            if config.tag_field is None or value.get(config.tag_field) == config.tag
        ),
        None,
    )


def _item_keys(items: Iterable[Fields]) -> Iterator[str]:
    """Yield a key for each item. Equal ones are numbered."""
    counts: Counter[str] = Counter()
    for item in items:
        named = next((str(item[name]) for name in _ITEM_KEYS if name in item), None)
        key = msgspec.json.encode(item).decode() if named is None else named
        yield f"{key} {counts[key]}"
        counts[key] += 1
