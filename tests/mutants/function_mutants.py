"""A pytest plugin: run the tests once without mutants, then with each mutant of a function.

Only the tests that call the function run again, fast ones first. Each mutant runs in a fork, so
nothing is imported or collected twice, and what a mutant breaks ends with its fork.
"""

import json
import time
from collections.abc import Iterator, Sequence
from itertools import groupby

import pytest

from tests.mutants import switch
from tests.mutants.forks import ForkPool, exit_with
from tests.mutants.mutant import Mutant, MutantStatus
from tests.mutants.mutant_run import DURATIONS_FILE, FUNCTIONS_FILE, MutantRun


class FunctionMutantRun(MutantRun):
    """Replaces the loop that runs the tests."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        tests_by_function = {} if session.testsfailed else _run_without_mutants(session.items)
        if session.testsfailed:
            return True
        forks = ForkPool(self.set_status)
        for function, mutants in groupby(self.mutants, key=lambda mutant: mutant.function):
            for mutant in mutants:
                if function not in tests_by_function:
                    self.set_status(mutant, MutantStatus.NOT_COVERED)
                elif forks.fork(mutant):
                    self._run_with(mutant, tests_by_function[function])
        forks.wait()
        self.save()
        return True

    def _run_with(self, mutant: Mutant, tests: Sequence[pytest.Item]) -> None:
        self.is_fork = True
        status = MutantStatus.KILLED
        try:
            switch.activate(mutant.function, mutant.key)
            for _ in _run_tests(tests):
                if self.has_failed:
                    break
            else:
                status = MutantStatus.SURVIVED
        finally:
            exit_with(status)


def pytest_configure(config: pytest.Config) -> None:
    """Register the plugin."""
    config.pluginmanager.register(FunctionMutantRun(FUNCTIONS_FILE))


def _run_without_mutants(items: Sequence[pytest.Item]) -> dict[str, list[pytest.Item]]:
    """Run all tests and return those that call each function, fast ones first."""
    tests_by_function: dict[str, list[pytest.Item]] = {}
    durations: dict[str, float] = {}
    started_at = time.perf_counter()
    for item in _run_tests(items):
        durations[item.nodeid] = time.perf_counter() - started_at
        for function in switch.called_functions:
            tests_by_function.setdefault(function, []).append(item)
        switch.called_functions.clear()
        started_at = time.perf_counter()
    DURATIONS_FILE.write_text(json.dumps(durations))
    for tests in tests_by_function.values():
        tests.sort(key=lambda item: durations[item.nodeid])
    return tests_by_function


def _run_tests(items: Sequence[pytest.Item]) -> Iterator[pytest.Item]:
    """Run the tests and yield each after its end."""
    for item, next_item in zip(items, (*items[1:], None), strict=True):
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=next_item)
        yield item
