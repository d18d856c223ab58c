"""What a mutant is, whoever makes it or tries it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mutant:
    """A change at one place: the lines that went and those that came instead.

    `key` is mutmut's name of it, or for a constant the name of the file that has it.
    """

    path: str
    place: str
    key: str
    was: str
    becomes: str
    is_constant: bool = False

    @property
    def function(self) -> str:
        """What the switch knows its function by."""
        return f"{module_of(self.path)}.{self.key.partition('__mutmut_')[0]}"

    def __str__(self) -> str:
        return f"{self.place}\n    - {self.was}\n    + {self.becomes}"


def module_of(path: str) -> str:
    """The name that a file is imported by."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
