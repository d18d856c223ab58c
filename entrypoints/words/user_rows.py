"""Rows about a user that features add to `dialtone user show` and to the web console."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import TypeAlias

from application.administration.show_user import UserDetails


class UserRowPlace(Enum):
    """Behind which rows of the core a row stands."""

    ACCOUNT = auto()
    PHONE = auto()
    DEVICES = auto()
    SESSIONS = auto()
    END = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class UserRow:
    """What a feature knows about a user.

    Attributes:
        place: Where it stands.
        label: What it is about, in lower case.
        value: What is known.
        command: What an operator runs about it, such as `dialtone events retry`. The web
            console has no commands.
        items: The lines below it, if it is a list. The web console shows a list in its own way.
    """

    place: UserRowPlace
    label: str
    value: str
    command: str = ""
    items: Sequence[str] | None = None


UserRows: TypeAlias = Callable[[UserDetails], Sequence[UserRow]]
"""Returns the rows of a feature."""


def rows_at(place: UserRowPlace, rows: Sequence[UserRow]) -> Iterator[UserRow]:
    """Yield the rows of a place, in their order."""
    return (row for row in rows if row.place is place)
