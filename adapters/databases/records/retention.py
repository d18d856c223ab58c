"""What stored fields hold, what for and for how long: the tables of `docs/retention.md`."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

CLEANUP: Final = "cleanup"
WITH_ACCOUNT: Final = "deletion at once"
_WORD: Final = re.compile(r"\w+\(?|\)")


@dataclass(frozen=True, slots=True)
class Retention:
    """Some fields of a kind of records: a row of the page.

    Attributes:
        fields: Their stored names. Fields of an object are in parentheses after its name.
        purpose: Why data about a person is stored; empty for other data.
        deletion: What deletes it.
        export: The file of a person's export that has it.
    """

    data: str
    fields: str
    period: str
    purpose: str = ""
    deletion: str = CLEANUP
    export: str = "no"

    @property
    def paths(self) -> Iterator[str]:
        """Yield the path of each field, such as `sessions.id`."""
        path: list[str] = []
        for word in _WORD.findall(self.fields):
            if word == ")":
                path.pop()
            elif word.endswith("("):
                path.append(word[:-1])
            else:
                yield ".".join([*path, word])
