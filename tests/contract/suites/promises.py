"""Which promises a run has proven, and why not the others."""

import os
import sys
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from typing import Final, NoReturn

import pytest

PARTIAL: Final = "--dialtone-partial"
_PLUGINS: Final = ("pytest_asyncio", "pytest_timeout")
_NOT_PROMISED: Final = "not promised: "
_SKIPPED: Final = "Skipped: "
_NOT_RUN: Final = "not run: deselected, or the run ended before"


def unproven(reason: str) -> NoReturn:
    """End a test that cannot be run: nobody knows whether the adapter keeps this promise.

    Args:
        reason: What is missing, such as "no helper received()". Those with the same one are
            listed together.
    """
    pytest.skip(reason)


def not_promised(reason: str) -> NoReturn:
    """End a test of something that an adapter may do without.

    Args:
        reason: What the adapter is without, such as "it has no check()".
    """
    pytest.skip(f"{_NOT_PROMISED}{reason}")


def list_promises(arguments: Sequence[str]) -> list[str]:
    """Return the names of all tests, whatever those of this run are.

    Args:
        arguments: Those of pytest with the configuration and the files.
    """
    os.environ.pop("PYTEST_ADDOPTS", None)
    # The author's plugins take longer to import than the tests, and are not needed for their names.
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    collected = _Collected()
    pytest.main(
        [*arguments, "--collect-only", "-p", "no:terminal", *(f"-p{name}" for name in _PLUGINS)],
        [collected],
    )
    return collected.names


class _Collected:
    names: list[str]

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Keep the names."""
        self.names = [item.nodeid for item in session.items]


class PromiseReport:
    """A plugin of pytest that says at the end what is proven. Each test is one promise."""

    def __init__(self, promises: Collection[str], *, is_partial: bool = False) -> None:
        """Set the names of all tests, and whether a run may leave some of them unproven."""
        self._unproven = dict.fromkeys(promises, _NOT_RUN)
        self._not_promised: dict[str, str] = {}
        self._proven: set[str] = set()
        self._broken: set[str] = set()
        self._is_partial = is_partial

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take the result of a test, or of what comes before and after it."""
        name = report.nodeid
        if report.failed:
            self._broken.add(name)
        elif report.skipped:
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else "not proven"
            reason = reason.removeprefix(_SKIPPED)
            if reason.startswith(_NOT_PROMISED):
                self._not_promised[name] = reason.removeprefix(_NOT_PROMISED)
            else:
                self._unproven[name] = reason
        elif report.when == "call" and report.passed:
            self._proven.add(name)

    def finish(self, code: int) -> int:
        """Print what is not proven, and return the exit code of the run.

        Args:
            code: That of pytest.
        """
        if code == pytest.ExitCode.USAGE_ERROR:
            return code
        for name in (*self._proven, *self._not_promised, *self._broken):
            self._unproven.pop(name, None)
        is_proven = bool(self._proven) and (self._is_partial or not self._unproven)
        if code == pytest.ExitCode.OK and not is_proven:
            code = pytest.ExitCode.NO_TESTS_COLLECTED
        sys.stdout.write("\n".join(["", *self._describe(code), ""]))
        sys.stdout.flush()
        return code

    def _describe(self, code: int) -> Iterator[str]:
        for reason, names in _group(self._not_promised):
            yield f"{reason}: {len(names)} not promised"
            yield from (f"  {name}" for name in names)
        for reason, names in _group(self._unproven):
            yield f"{reason}: {_count(names)} unproven"
            yield from (f"  {name}" for name in names)
        failed, unproven = len(self._broken), len(self._unproven)
        proven = len(self._proven - self._broken)
        if code == pytest.ExitCode.OK and not unproven:
            others = len(self._not_promised)
            yield f"Complete: {_count(self._proven)} proven, {others} not promised."
            return
        total = proven + failed + unproven
        counts = f"{proven} proven, {unproven} unproven, {failed} failed"
        yield f"Not complete: of {total} promises {counts}."
        if code == pytest.ExitCode.NO_TESTS_COLLECTED:
            yield f"Exit code 5. With {PARTIAL} it is 0 if something is proven."


def _group(reasons: dict[str, str]) -> list[tuple[str, list[str]]]:
    groups: dict[str, list[str]] = defaultdict(list)
    for name, reason in reasons.items():
        groups[reason].append(name)
    return sorted(groups.items())


def _count(names: Collection[str]) -> str:
    return f"{len(names)} promise{'s' * (len(names) != 1)}"
