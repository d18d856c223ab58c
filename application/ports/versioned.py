"""A value with the version under which it may be replaced."""

from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Versioned(Generic[T]):
    """What was loaded; `version` is what a replacement has to name (compare and swap)."""

    value: T
    version: int
