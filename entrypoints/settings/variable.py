"""A variable of the table."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from domain.errors import ValueRefused

T = TypeVar("T")
HIDDEN = "(hidden)"


@dataclass(frozen=True, slots=True)
class Variable(Generic[T]):
    """All that is known of one setting; whatever tells of settings tells it from here.

    `read` gives the value or raises `ValueRefused`, whose sentence never quotes what it read:
    in the wrong variable there may be a password. An empty `default` stands for "not set".
    """

    name: str
    read: Callable[[str], T]
    line: str
    example: str
    default: str = ""
    is_secret: bool = False

    def shown(self, text: str) -> str:
        """The value as it may be shown to the operator."""
        return HIDDEN if self.is_secret and text else text


def optional(read: Callable[[str], T]) -> Callable[[str], T | None]:
    """Read what is set; None stands for what is not."""

    def read_if_set(text: str) -> T | None:
        return read(text) if text else None

    return read_if_set


def listed(read: Callable[[str], T]) -> Callable[[str], tuple[T, ...]]:
    """Read values with commas between them; an empty list is not written with commas."""

    def read_each(text: str) -> tuple[T, ...]:
        if not text:
            return ()
        parts = [part.strip() for part in text.split(",")]
        if not all(parts):
            raise ValueRefused("There is nothing between two commas, or after the last.")
        return tuple(read(part) for part in parts)

    return read_each
