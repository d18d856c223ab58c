"""What both kinds of hunt share: which mutants there are, and what became of each."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Final

import pytest

import domain
from tests.mutants.forks import allow_a_test
from tests.mutants.mutant import Mutant
from tests.mutants.verdict import Verdict

FUNCTIONS: Final = Path("functions.json")
CONSTANTS: Final = Path("constants.json")
DURATIONS: Final = Path("durations.json")
"""How long each test takes, in seconds: the quick ones go first."""
_TOLD_EVERY: Final = 100


class Hunt:
    """The mutants of a file, each with its verdict as soon as it has one.

    As a plugin it notes that a test has failed, and gives each test of a fork its time.
    """

    def __init__(self, file: Path) -> None:
        assert Path(domain.__path__[0]).parent == Path.cwd(), "the domain is not the mutated one"
        self._file = file
        self.mutants = [Mutant(**one) for one, _ in json.loads(file.read_text())]
        self._verdicts: dict[Mutant, Verdict] = {}
        self.is_fork = False
        self.has_failed = False

    def note(self, mutant: Mutant, verdict: Verdict) -> None:
        """Keep what became of a mutant, and say how far it is."""
        self._verdicts[mutant] = verdict
        done, total = len(self._verdicts), len(self.mutants)
        if not done % _TOLD_EVERY or done == total:
            print(f"{done} of {total} mutants of {self._file.stem}", flush=True)

    def write(self) -> None:
        """Write the verdicts to where the mutants were."""
        write(self._file, self._verdicts)

    def pytest_runtest_logstart(self) -> None:
        if self.is_fork:
            allow_a_test()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.has_failed |= report.failed


def read_verdicts(file: Path) -> dict[Mutant, Verdict]:
    """Give what became of each mutant.

    Raises:
        ValueError: nothing became of one.
    """
    return {Mutant(**one): Verdict(verdict) for one, verdict in json.loads(file.read_text())}


def write(file: Path, verdicts: Mapping[Mutant, Verdict | None]) -> None:
    """Keep mutants, with their verdicts if they have them."""
    file.write_text(json.dumps([(asdict(one), verdict) for one, verdict in verdicts.items()]))
