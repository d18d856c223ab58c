"""What the two pytest plugins share: the mutants of a run, and the status of each."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Final

import pytest

import domain
from tests.mutants.forks import restart_timers
from tests.mutants.mutant import Mutant, MutantStatus

FUNCTIONS_FILE: Final = Path("functions.json")
CONSTANTS_FILE: Final = Path("constants.json")
DURATIONS_FILE: Final = Path("durations.json")
"""The duration of each test in seconds. Fast tests run first."""
_PROGRESS_INTERVAL: Final = 100


class MutantRun:
    """The mutants of a file with their statuses.

    As a pytest plugin it notes failed tests, and restarts the timers before each test of a fork.
    """

    def __init__(self, file: Path) -> None:
        is_mutated = Path(domain.__path__[0]).parent == Path.cwd()
        assert is_mutated, "the imported domain is not the mutated one"
        self._file = file
        self.mutants = [Mutant(**fields) for fields, _ in json.loads(file.read_text())]
        self._statuses: dict[Mutant, MutantStatus] = {}
        self.is_fork = False
        self.has_failed = False

    def set_status(self, mutant: Mutant, status: MutantStatus) -> None:
        """Keep the status of a mutant and print the progress."""
        self._statuses[mutant] = status
        done, total = len(self._statuses), len(self.mutants)
        if not done % _PROGRESS_INTERVAL or done == total:
            print(f"{done} of {total} mutants of {self._file.stem}", flush=True)

    def save(self) -> None:
        """Write the statuses to the file of the mutants."""
        write_mutants(self._file, self._statuses)

    def pytest_runtest_logstart(self) -> None:
        if self.is_fork:
            restart_timers()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.has_failed |= report.failed


def read_statuses(file: Path) -> dict[Mutant, MutantStatus]:
    """Return the status of each mutant.

    Raises:
        ValueError: a mutant has no status.
    """
    return {
        Mutant(**fields): MutantStatus(status) for fields, status in json.loads(file.read_text())
    }


def write_mutants(file: Path, statuses: Mapping[Mutant, MutantStatus | None]) -> None:
    """Write mutants with their statuses, or None."""
    file.write_text(json.dumps([(asdict(mutant), status) for mutant, status in statuses.items()]))
