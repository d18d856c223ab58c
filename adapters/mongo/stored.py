"""Between the domain's values and the documents that they are stored as."""

from collections.abc import Mapping
from dataclasses import MISSING, fields
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

import msgspec

from adapters.mongo.driver import Raw
from application.ports.errors import StorageUnavailable
from application.ports.versioned import Versioned

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")

# What MongoDB has types of its own for; its dates are whole milliseconds, as our clock's are.
_NATIVE: Final = (datetime, bytes)


class Stored(Generic[T]):
    """Values of one type as documents that read well.

    Members have the names that the domain gives them, but `id` is `_id`; what is None is left
    out; a member unknown to this version is skipped.
    """

    def __init__(self, kind: type[T]) -> None:
        self._kind = kind
        members = fields(kind)
        self._unless_there = {one.name: None for one in members if _has_no_default(one)}
        names = {one.name for one in members} - {"id"}
        self.projection: Final[Mapping[str, int]] = dict.fromkeys(["version", *sorted(names)], 1)
        """What a read has to ask for."""

    def document(self, value: T, version: int, **found_by: object) -> Raw:
        """Give the document of a value, with what else it is found by."""
        members: dict[str, Any] = msgspec.to_builtins(value, builtin_types=_NATIVE)
        if "id" in members:
            members = {"_id": members.pop("id"), **members}
        members |= {"version": version, **found_by}
        return {name: member for name, member in members.items() if member is not None}

    def value(self, document: Raw) -> T:
        """Give the value again; the document stays as it is.

        Raises:
            StorageUnavailable: it is no such value; what stands in it is not told.
        """
        members = {**self._unless_there, **document, "id": document.get("_id")}
        try:
            return msgspec.convert(members, self._kind, builtin_types=_NATIVE)
        except msgspec.ValidationError:
            raise _unreadable() from None

    def versioned(self, document: Raw) -> Versioned[T]:
        """Give the value with its version.

        Raises:
            StorageUnavailable
        """
        version = document.get("version")
        if not isinstance(version, int):
            raise _unreadable()
        return Versioned(self.value(document), version)


def _has_no_default(member: Any) -> bool:
    return member.default is MISSING and member.default_factory is MISSING


def _unreadable() -> StorageUnavailable:
    return StorageUnavailable("a record cannot be read")
