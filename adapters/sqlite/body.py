"""Between the domain's values and what stands in a row."""

from datetime import UTC, datetime, timedelta
from typing import Final, Generic, TypeVar

import msgspec

from application.ports.errors import StorageUnavailable
from application.ports.versioned import Versioned

T = TypeVar("T")

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class Body(Generic[T]):
    """Values of one type as JSON; a field unknown to this version is skipped."""

    def __init__(self, kind: type[T]) -> None:
        self._decoder = msgspec.json.Decoder(kind)

    def write(self, value: T) -> str:
        """Give the JSON of a value."""
        return msgspec.json.encode(value).decode()

    def read(self, text: str) -> T:
        """Give the value again.

        Raises:
            StorageUnavailable: it is no such value; what stands in it is not told.
        """
        try:
            return self._decoder.decode(text)
        except (msgspec.DecodeError, UnicodeError):
            raise StorageUnavailable("a record cannot be read") from None

    def versioned(self, version: int, text: str) -> Versioned[T]:
        """Give the value of a row of `version, body`."""
        return Versioned(self.read(text), version)


def micros(at: datetime) -> int:
    """The time as columns have it: exact, and in the order of time."""
    return (at - _EPOCH) // _MICROSECOND


def micros_or_none(at: datetime | None) -> int | None:
    """The same for a time that may be missing."""
    return None if at is None else micros(at)
