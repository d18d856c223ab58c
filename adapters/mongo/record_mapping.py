"""Reading and writing documents by the stored schema.

- A document is checked against the fields that `adapters.mongo.documents` declares.
- A document of an older schema version is upgraded when it is read, and stored in the new form at
  its next save.
- Fields that this program does not know travel with the version of a record and are put back when
  the record is saved. So does a higher schema version.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from datetime import UTC, datetime
from functools import reduce
from operator import or_
from types import UnionType
from typing import Any, Final, Generic, Literal, Self, TypeVar, get_args, get_origin

import msgspec
from beanie import Document
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from adapters.mongo.documents.base import NestedValue, RecordDocument, TaggedValue
from adapters.mongo.driver import RawDocument
from application.ports.errors import CorruptRecord
from application.ports.versioned import RecordVersion, Versioned, encrypted_phone_of
from domain.values import dataclass

D = TypeVar("D", bound=RecordDocument)
T = TypeVar("T")
Upgrade = Callable[[RawDocument], RawDocument]
"""Turns a document of one schema version into the next; it may change its argument."""

# Types that BSON has itself.
_NATIVE_TYPES: Final = (datetime, bytes)
# To add their difference takes a tenth of the time of `datetime.replace`.
_EPOCH: Final = datetime.fromtimestamp(0, UTC)
_NAIVE_EPOCH: Final = _EPOCH.replace(tzinfo=None)
# A field of beanie that is not stored.
_UNUSED_FIELD: Final = "revision_id"
_UNREADABLE: Final = "a stored record cannot be read"
# What an upgrade may raise when a document is damaged.
_UPGRADE_ERRORS: Final = (LookupError, TypeError, ValueError, AttributeError)


class RecordMapping(Generic[T]):
    """Maps the documents of one collection to values of the domain, and back."""

    def __init__(
        self,
        document: type[D],
        decode: Callable[[D], T],
        encode: Callable[[T], RawDocument],
        upgrades: Sequence[Upgrade] = (),
        encode_again: Callable[[T, bytes], RawDocument] | None = None,
    ) -> None:
        """Combine the mapping of the fields with the schema that it belongs to.

        Args:
            document: the class that declares the fields.
            decode: makes a value of the domain from an object with these fields.
            encode: returns the fields of a value, without version and schema version.
            upgrades: the first turns schema version 1 into 2, the next 2 into 3, and so on.
            encode_again: `encode` for a record with an encrypted phone, which it gets too.
        """
        self.schema_version: Final = 1 + len(upgrades)
        self._decode: Callable[[Any], T] = decode
        self._encode = encode
        self._encode_again = encode_again
        self._upgrades = upgrades
        self._schema = _Schema.of(document)
        self._fields = _struct(document)
        self._exact_fields = _struct(
            document, schema_version=Literal[self.schema_version], forbid_unknown_fields=True
        )

    def decode(self, document: RawDocument) -> Versioned[T]:
        """Return the value of a document, with its version; the document is not changed.

        Raises:
            CorruptRecord: the document cannot be read.
        """
        unknown = None
        # It has the declared fields; making the declared class would take ten times as long.
        stored: Any
        try:
            stored = msgspec.convert(document, self._exact_fields, builtin_types=_NATIVE_TYPES)
        except msgspec.ValidationError:
            # Another schema version, fields that are not known, or damage.
            stored, unknown = self._convert_other(document)
        encrypted_phone = getattr(stored, "encrypted_phone", None)
        return Versioned(
            self._decode(stored), RecordVersion(stored.version, unknown, encrypted_phone)
        )

    def encode(self, value: T, version: int) -> RawDocument:
        """Return the document to store for a new value, at this version."""
        return self._complete(self._encode(value), version)

    def encode_successor(self, value: T, version: int) -> RawDocument:
        """Return the document that replaces the one that was loaded with this version."""
        encrypted_phone = encrypted_phone_of(version)
        fields = (
            self._encode(value)
            if self._encode_again is None or encrypted_phone is None
            else self._encode_again(value, encrypted_phone)
        )
        document = self._complete(fields, version + 1)
        if isinstance(version, RecordVersion) and version.unknown_fields:
            self._schema.restore_unknown(document, version.unknown_fields)
        return document

    def _complete(self, fields: RawDocument, version: int) -> RawDocument:
        fields["version"] = version
        fields["schema_version"] = self.schema_version
        return {name: field for name, field in fields.items() if field is not None}

    def _convert_other(self, document: RawDocument) -> tuple[object, Mapping[str, object]]:
        try:
            document = self._upgrade(_with_time_zone(document))
            fields = msgspec.convert(document, self._fields, builtin_types=_NATIVE_TYPES)
        except _UPGRADE_ERRORS:
            # The cause may quote what is stored.
            raise CorruptRecord(_UNREADABLE) from None
        unknown = self._schema.find_unknown(document)
        if document["schema_version"] > self.schema_version:
            unknown["schema_version"] = document["schema_version"]
        return fields, unknown

    def _upgrade(self, document: RawDocument) -> RawDocument:
        schema_version = document["schema_version"]
        if schema_version < 1:
            raise ValueError(schema_version)
        if schema_version >= self.schema_version:
            return document
        # Others may have loaded the same document.
        document = deepcopy(document)
        for upgrade in self._upgrades[schema_version - 1 :]:
            document = upgrade(document)
        return {**document, "schema_version": self.schema_version}


@dataclass(frozen=True, slots=True)
class _Schema:
    """The known fields of a document, or of an object inside it."""

    names: Sequence[str]
    nested: Mapping[str, "_Kinds"]
    item_key: Sequence[str]

    @classmethod
    def of(cls, model: type[BaseModel]) -> Self:
        fields = _stored_fields(model)
        nested = {
            name: _Kinds.of(models)
            for name, field in fields.items()
            if (models := [*_nested_models(field.annotation)])
        }
        item_key = model.item_key if issubclass(model, NestedValue) else ()
        return cls([*fields], nested, item_key or [*fields])

    def find_unknown(self, stored: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fields that are not known, at all depths; items of lists with their key."""
        unknown = {name: value for name, value in stored.items() if name not in self.names}
        for name, kinds in self.nested.items():
            value = stored.get(name) or {}
            found: Any
            if isinstance(value, list):
                items = [(kinds.schema_of(item), item) for item in value]
                found = [
                    (schema.key_of(item), fields)
                    for schema, item in items
                    if (fields := schema.find_unknown(item))
                ]
            else:
                found = value and kinds.schema_of(value).find_unknown(value)
            if found:
                unknown[name] = found
        return unknown

    def restore_unknown(self, document: RawDocument, unknown: Mapping[str, Any]) -> None:
        """Put the fields that `find_unknown` returned into a document."""
        for name, value in unknown.items():
            kinds = self.nested.get(name)
            if kinds is None:
                document[name] = value
            elif isinstance(value, list):
                kinds.restore_in_items(document[name], value)
            elif document.get(name):
                kinds.schema_of(document[name]).restore_unknown(document[name], value)

    def key_of(self, item: RawDocument) -> RawDocument:
        """Return the fields that identify an item of a list, without fields that are not known."""
        return {name: self._find_known(name, item.get(name)) for name in self.item_key}

    def _find_known(self, name: str, value: Any) -> Any:
        kinds = self.nested.get(name)
        if kinds is None or not value:
            return value
        values = value if isinstance(value, list) else [value]
        schemas = [kinds.schema_of(item) for item in values]
        known = [
            {inner: schema._find_known(inner, item.get(inner)) for inner in schema.names}
            for schema, item in zip(schemas, values, strict=True)
        ]
        return known if isinstance(value, list) else known[0]


@dataclass(frozen=True, slots=True)
class _Kinds:
    """The schemas of the objects that a field may contain, by their `kind`. Often it is one."""

    schemas: Mapping[str | None, _Schema]

    @classmethod
    def of(cls, models: Sequence[type[BaseModel]]) -> Self:
        return cls({_tag(model): _Schema.of(model) for model in models})

    def schema_of(self, stored: Mapping[str, Any]) -> _Schema:
        """Return the schema of an object."""
        return self.schemas.get(stored.get("kind")) or self.schemas[None]

    def restore_in_items(
        self, items: list[RawDocument], unknown: list[tuple[RawDocument, RawDocument]]
    ) -> None:
        """Put the fields into the items of a list that have the same keys."""
        remaining = list(unknown)
        for item in items:
            schema = self.schema_of(item)
            key = schema.key_of(item)
            match = next((pair for pair in remaining if pair[0] == key), None)
            if match is not None:
                remaining.remove(match)
                schema.restore_unknown(item, match[1])


def _with_time_zone(stored: Any) -> Any:
    """Return a document whose times without time zone are in UTC."""
    if isinstance(stored, datetime):
        return stored if stored.tzinfo else _EPOCH + (stored - _NAIVE_EPOCH)
    if isinstance(stored, dict):
        return {name: _with_time_zone(value) for name, value in stored.items()}
    return [_with_time_zone(value) for value in stored] if isinstance(stored, list) else stored


def _time_zone_setter(names: Sequence[str]) -> Callable[[Any], None]:
    """Return what does the same with these fields of an object, which were checked."""

    def set_time_zones(fields: Any) -> None:
        for name in names:
            value = getattr(fields, name)
            # As `_with_time_zone` does: most fields are times, and calls cost most of it.
            if type(value) is datetime:
                if value.tzinfo is None:
                    setattr(fields, name, _EPOCH + (value - _NAIVE_EPOCH))
            elif value:
                setattr(fields, name, _with_time_zone(value))

    return set_time_zones


def _has_times(annotation: Any) -> bool:
    return annotation is datetime or any(map(_has_times, get_args(annotation)))


def _tag(model: type[BaseModel]) -> str | None:
    """Return the `kind` of the objects of a class, if they are one of several kinds."""
    return model.model_fields["kind"].default if issubclass(model, TaggedValue) else None


def _stored_fields(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """Return the declared fields by their stored names."""
    is_document = issubclass(model, Document)
    return {
        "_id" if is_document and name == "id" else name: field
        for name, field in model.model_fields.items()
        if name != _UNUSED_FIELD
    }


def _nested_models(annotation: Any) -> Iterator[type[BaseModel]]:
    """Return the model of an annotation like `Model`, `list[Model]` or `Model | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _nested_models(argument)


def _struct(
    model: type[BaseModel], *, schema_version: object = int, forbid_unknown_fields: bool = False
) -> type[msgspec.Struct]:
    """Make a class with the fields of a model, which msgspec checks ten times as fast."""
    times: list[str] = []

    def checked(annotation: Any) -> Any:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            return _struct(annotation, forbid_unknown_fields=forbid_unknown_fields)
        arguments = tuple(checked(argument) for argument in get_args(annotation))
        origin = get_origin(annotation)
        if origin is UnionType:
            return reduce(or_, arguments)
        return list[arguments] if origin is list else annotation  # type: ignore[valid-type]  # made here

    members: list[Any] = []
    tag = _tag(model)
    for name, field in _stored_fields(model).items():
        if tag and name == "kind":
            continue
        kind = schema_version if name == "schema_version" else checked(field.annotation)
        attribute = name.removeprefix("_")
        members.append(
            (attribute, kind) if field.is_required() else (attribute, kind, field.default)
        )
        if _has_times(kind):
            times.append(attribute)
    return msgspec.defstruct(
        model.__name__,
        members,
        rename={"id": "_id"} if issubclass(model, Document) else None,
        forbid_unknown_fields=forbid_unknown_fields,
        tag_field="kind" if tag else None,
        tag=tag,
        namespace={
            **({"__post_init__": _time_zone_setter(times)} if times else {}),
            **({"kind": tag} if tag else {}),
        },
        kw_only=True,
        gc=False,  # they live briefly, and without cycles
    )
