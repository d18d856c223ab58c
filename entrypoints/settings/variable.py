"""A variable of the table."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from domain.errors import InvalidValue

T = TypeVar("T")
HIDDEN = "(hidden)"
# What an address tells of who opens it: before its hosts, and in MongoDB's options.
_LOGIN = re.compile(r"(?<=://)[^/?#]*@")
_SECRET_OPTION = re.compile(
    r"(?<=[?&;])(?P<name>[^=&;]*(?:pass|propert|secret|token|user)[^=&;]*)=[^&;]*", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Variable(Generic[T]):
    """All that is known of one setting; whatever tells of settings tells it from here.

    `read` gives the value or raises `InvalidValue`, whose sentence never quotes what it read:
    in the wrong variable there may be a password. An empty `default` stands for "not set".
    """

    name: str
    read: Callable[[str], T]
    line: str
    example: str
    default: str = ""
    is_secret: bool = False
    more_examples: tuple[str, ...] = ()

    def example_like(self, text: str) -> str:
        """The example that begins as the text does, with sqlite: for instance, or the first."""
        scheme = text.partition(":")[0]
        alike = (one for one in self.more_examples if one.partition(":")[0] == scheme)
        return f"Example: {self.name}={next(alike, self.example)}"

    def shown(self, text: str) -> str:
        """The value as it may be shown to the operator: an address without its user."""
        if self.is_secret and text:
            return HIDDEN
        printed = "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)
        return _SECRET_OPTION.sub(rf"\g<name>={HIDDEN}", _LOGIN.sub(f"{HIDDEN}@", printed))


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
            raise InvalidValue("There is nothing between two commas, or after the last.")
        return tuple(read(part) for part in parts)

    return read_each
