"""Mutants that may survive, with the reasons: `accepted.toml`.

An entry is bound to its place and to the text of the change, so it moves with the code and is
reported when it no longer matches a surviving mutant.
"""

import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.mutants.mutant import Mutant

FILE: Final = Path(__file__).with_name("accepted.toml")


@dataclass(frozen=True, slots=True)
class AcceptedMutant:
    """A mutant that no test has to kill, and the reason."""

    place: str
    original: str
    replacement: str
    reason: str

    def matches(self, mutant: Mutant) -> bool:
        """Return whether the entry is about this mutant."""
        change = (mutant.place, mutant.original, mutant.replacement)
        return (self.place, self.original, self.replacement) == change

    def __str__(self) -> str:
        return f"{self.place}\n    - {self.original}\n    + {self.replacement}\n    {self.reason}"


def read_accepted(text: str) -> list[AcceptedMutant]:
    """Parse the text of the file.

    Raises:
        TypeError: a field is missing or unknown.
    """
    return [AcceptedMutant(**entry) for entry in tomllib.loads(text).get("mutant", [])]


def find_unaccepted(mutants: Iterable[Mutant], accepted: Sequence[AcceptedMutant]) -> list[Mutant]:
    """Return the mutants without an entry."""
    return [mutant for mutant in mutants if not any(entry.matches(mutant) for entry in accepted)]


def find_outdated(
    mutants: Sequence[Mutant], accepted: Iterable[AcceptedMutant]
) -> list[AcceptedMutant]:
    """Return the entries without a mutant: it is killed now, or its code has changed."""
    return [entry for entry in accepted if not any(entry.matches(mutant) for mutant in mutants)]
