"""Steps of tests that do not depend on the versions of records."""

from collections.abc import Sequence
from typing import Protocol, TypeVar

from application.ports.versioned import Records, Versioned


class _HasId(Protocol):
    @property
    def id(self) -> str: ...


T = TypeVar("T")
V = TypeVar("V", bound=_HasId)


def values_of(found: Sequence[Versioned[T]]) -> list[T]:
    """Return the values that were found, in their order."""
    return [one.value for one in found]


async def replace_stored(records: Records[V], value: V) -> None:
    """Replace the record with this id, whatever version it has."""
    loaded = await records.load(value.id)
    assert loaded is not None
    assert await records.replace(value, loaded.version)
