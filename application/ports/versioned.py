"""A record with its version (optimistic concurrency)."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Generic, Self, TypeVar

from domain.phone import PhoneNumber
from domain.values import dataclass

T_co = TypeVar("T_co", covariant=True)


class RecordVersion(int):
    """The version of a loaded record, with what its next version takes over as it is stored.

    A repository puts `unknown_fields` back when the record is replaced, so that an older instance
    never drops what a newer one stored. `encrypted_phone` is stored again while the phone and the
    key are the same. `indexed_phone` is the phone that found the record, with its blind index. Only
    the repository that made them reads them.
    """

    unknown_fields: Mapping[str, object] = MappingProxyType({})
    encrypted_phone: bytes | None = None
    indexed_phone: tuple[PhoneNumber, str] | None = None

    def __new__(
        cls,
        number: int,
        unknown_fields: Mapping[str, object] | None = None,
        encrypted_phone: bytes | None = None,
        indexed_phone: tuple[PhoneNumber, str] | None = None,
    ) -> Self:
        """Make a version number that carries these."""
        version = int.__new__(cls, number)
        if unknown_fields:
            version.unknown_fields = unknown_fields
        if encrypted_phone:
            version.encrypted_phone = encrypted_phone
        if indexed_phone:
            version.indexed_phone = indexed_phone
        return version


def encrypted_phone_of(version: int) -> bytes | None:
    """Return the encrypted phone of the loaded record, if the version carries it."""
    return version.encrypted_phone if isinstance(version, RecordVersion) else None


def blind_index_of(phone: PhoneNumber, version: int) -> str | None:
    """Return the blind index of the phone, if the version is that of a record that it found."""
    if isinstance(version, RecordVersion) and version.indexed_phone:
        found_by, blind_index = version.indexed_phone
        return blind_index if found_by is phone else None
    return None


@dataclass(frozen=True, slots=True)
class Versioned(Generic[T_co]):
    """A loaded record. `replace` succeeds only while the stored one has this version."""

    value: T_co
    version: int
