"""A pytest plugin: the tests run once as they are, then again with each mutant of a function.

Only those that call the function run again, quick ones first. Each mutant gets a fork, so nothing
is imported or collected twice, and whatever a mutant breaks is gone with its fork.
"""

import json
import time
from collections.abc import Iterator, Sequence
from itertools import groupby

import pytest

from tests.mutants import switch
from tests.mutants.forks import Forks, leave
from tests.mutants.hunt import DURATIONS, FUNCTIONS, Hunt
from tests.mutants.mutant import Mutant
from tests.mutants.verdict import Verdict


class _HuntOfFunctions(Hunt):
    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        reached = {} if session.testsfailed else _run_as_they_are(session.items)
        if session.testsfailed:
            return True
        forks = Forks(self.note)
        for function, mutants in groupby(self.mutants, key=lambda one: one.function):
            for mutant in mutants:
                if function not in reached:
                    self.note(mutant, Verdict.NOT_CALLED)
                elif forks.begin(mutant):
                    self._try(mutant, reached[function])
        forks.finish()
        self.write()
        return True

    def _try(self, mutant: Mutant, items: Sequence[pytest.Item]) -> None:
        self.is_fork = True
        verdict = Verdict.KILLED
        try:
            switch.turn_on(mutant.function, mutant.key)
            for _ in _run(items):
                if self.has_failed:
                    break
            else:
                verdict = Verdict.SURVIVED
        finally:
            leave(verdict)


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(_HuntOfFunctions(FUNCTIONS))


def _run_as_they_are(items: Sequence[pytest.Item]) -> dict[str, list[pytest.Item]]:
    """Give the tests that call each function, quick ones first."""
    reached: dict[str, list[pytest.Item]] = {}
    durations: dict[str, float] = {}
    began = time.perf_counter()
    for item in _run(items):
        durations[item.nodeid] = time.perf_counter() - began
        for function in switch.called:
            reached.setdefault(function, []).append(item)
        switch.called.clear()
        began = time.perf_counter()
    DURATIONS.write_text(json.dumps(durations))
    for tests in reached.values():
        tests.sort(key=lambda item: durations[item.nodeid])
    return reached


def _run(items: Sequence[pytest.Item]) -> Iterator[pytest.Item]:
    """Run the tests, giving each when it has ended."""
    for item, following in zip(items, (*items[1:], None), strict=True):
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        yield item
