"""A record with its version (optimistic concurrency)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, Self, TypeVar

T_co = TypeVar("T_co", covariant=True)


class RecordVersion(int):
    """The version of a loaded record, with the stored fields that this program does not know.

    A repository puts `unknown_fields` back when the record is replaced, so that an older instance
    never drops what a newer one stored. Only the repository that made them reads them.
    """

    unknown_fields: Mapping[str, object]

    def __new__(cls, number: int, unknown_fields: Mapping[str, object] | None = None) -> Self:
        """Make a version number that carries these fields."""
        version = super().__new__(cls, number)
        version.unknown_fields = unknown_fields or {}
        return version


@dataclass(frozen=True, slots=True)
class Versioned(Generic[T_co]):
    """A loaded record. `replace` succeeds only while the stored one has this version."""

    value: T_co
    version: int
