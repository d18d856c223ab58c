"""The fields that an import does not read, by name."""

from collections import Counter
from collections.abc import Iterable
from typing import Final

MAX_NAMES: Final = 100
MAX_NAME_LENGTH: Final = 60


class UnreadFields:
    """Counts in how many lines each field has a value. Names are cut.

    Names that come after the first hundred are counted together: each line may have others.
    """

    def __init__(self) -> None:
        """Begin without fields."""
        self.lines = Counter[str]()
        self.other_values = 0

    def add(self, names: Iterable[str]) -> None:
        """Count the fields of a line."""
        for name in names:
            cut = name[:MAX_NAME_LENGTH]
            if cut in self.lines or len(self.lines) < MAX_NAMES:
                self.lines[cut] += 1
            else:
                self.other_values += 1
