"""A record with its version (optimistic concurrency)."""

from dataclasses import dataclass
from typing import Generic, TypeVar

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Versioned(Generic[T_co]):
    """A loaded record. `replace` succeeds only while the stored one has this version.

    Only the repository that loaded it interprets the version.
    """

    value: T_co
    version: int
