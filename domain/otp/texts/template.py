"""A text with places for what differs from message to message."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from domain.errors import InvalidValue

_PLACE: Final = re.compile(r"\{(?P<name>[^{}]*)\}|[{}]")
_MOST_MINUTES: Final = 99


class Slot(StrEnum):
    """What is put into a text; each is written in braces, like {code}."""

    CODE = "code"
    APP = "app"
    MINUTES = "minutes"
    HASH = "hash"
    DOMAIN = "domain"


@dataclass(frozen=True, slots=True)
class TextTemplate:
    """A text as its author wrote it, and the slots in it."""

    words: str
    slots: frozenset[Slot]

    def filled(self, values: Mapping[Slot, str]) -> str:
        """Put the values in, each once: braces in a value stand for themselves."""
        return _PLACE.sub(lambda place: values[Slot(place["name"])], self.words)

    def with_line(self, line: str) -> "TextTemplate":
        """The same with another line below it."""
        return parse_template(f"{self.words}\n{line}")


def parse_template(words: str) -> TextTemplate:
    """Read a text with slots.

    Raises:
        InvalidValue: braces stand around something else, or alone.
    """
    slots = set()
    for place in _PLACE.finditer(words):
        if place["name"] not in tuple(Slot):
            known = ", ".join(f"{{{slot}}}" for slot in Slot)
            raise InvalidValue(f"{place[0]} stands for nothing: braces are for {known}.")
        slots.add(Slot(place["name"]))
    return TextTemplate(words, frozenset(slots))


def minutes_of(lifetime: timedelta) -> str:
    """The whole minutes that a code still works, at least 1; at most two digits."""
    return str(min(max(1, lifetime // timedelta(minutes=1)), _MOST_MINUTES))
