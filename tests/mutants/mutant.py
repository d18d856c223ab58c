"""A mutant: one small change of the code, and what the tests made of it."""

from dataclasses import dataclass
from enum import StrEnum


class MutantStatus(StrEnum):
    """Whether the tests detect a mutant."""

    KILLED = "killed"
    SURVIVED = "survived"
    TIMED_OUT = "timed out"
    NOT_COVERED = "not covered"


@dataclass(frozen=True, slots=True)
class Mutant:
    """A change at one place: the original lines and the lines that replace them.

    `key` is mutmut's name of the mutant, or the name of the file that has a constant's mutant.
    """

    path: str
    place: str
    key: str
    original: str
    replacement: str
    is_constant: bool = False

    @property
    def function(self) -> str:
        """The name of its function in `switch`."""
        return f"{module_of(self.path)}.{self.key.partition('__mutmut_')[0]}"

    def __str__(self) -> str:
        return f"{self.place}\n    - {self.original}\n    + {self.replacement}"


def module_of(path: str) -> str:
    """Return the module name of a file."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
