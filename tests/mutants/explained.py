"""Mutants that may survive, and why: a line each in `explained.toml`.

An explanation holds for its place and for the text of the change, so it moves with the code, and
it is noticed when it no longer fits anything.
"""

import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.mutants.mutant import Mutant

FILE: Final = Path(__file__).with_name("explained.toml")


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why no test kills this change."""

    place: str
    was: str
    becomes: str
    why: str

    def fits(self, mutant: Mutant) -> bool:
        """Whether it is about this one."""
        return (self.place, self.was, self.becomes) == (mutant.place, mutant.was, mutant.becomes)

    def __str__(self) -> str:
        return f"{self.place}\n    - {self.was}\n    + {self.becomes}\n    {self.why}"


def read_explanations(text: str) -> list[Explanation]:
    """Read the file.

    Raises:
        TypeError: a field is missing, or nobody knows it.
    """
    return [Explanation(**one) for one in tomllib.loads(text).get("mutant", [])]


def unexplained(mutants: Iterable[Mutant], known: Sequence[Explanation]) -> list[Mutant]:
    """Those that are no longer to be there."""
    return [one for one in mutants if not any(each.fits(one) for each in known)]


def outdated(mutants: Sequence[Mutant], known: Iterable[Explanation]) -> list[Explanation]:
    """The explanations of what is not there: killed by now, or its code is another."""
    return [each for each in known if not any(each.fits(one) for one in mutants)]
