"""A pytest plugin: the tests run once with each mutant of a constant.

A constant is read when its module is imported, so the forks leave before anything is collected and
go the whole way of a test run: with the tests of its folder, which mostly is enough, then with all;
quick ones first.
"""

import importlib.util
import json
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path

import pytest

from tests.mutants.forks import Forks, is_first_of_two, leave
from tests.mutants.hunt import CONSTANTS, DURATIONS, Hunt
from tests.mutants.mutant import Mutant, module_of
from tests.mutants.verdict import Verdict


class _HuntOfConstants(Hunt):
    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self, session: pytest.Session) -> None:
        """Let the forks go; in them this returns, and the run goes on."""
        forks = Forks(self.note)
        for mutant in self.mutants:
            if forks.begin(mutant):
                self.is_fork = True
                session.config.option.maxfail = 1
                _import_changed(mutant)
                near = Path("tests/unit", mutant.path).parent
                if near.is_dir() and is_first_of_two():
                    session.config.args = [str(near)]
                return
        forks.finish()
        self.write()
        pytest.exit("all mutants are tried", returncode=0)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        durations = json.loads(DURATIONS.read_text())
        items.sort(key=lambda item: durations.get(item.nodeid, 0))

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, exitstatus: int) -> None:
        if self.is_fork:
            is_content = exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
            leave(Verdict.SURVIVED if is_content else Verdict.KILLED)


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(_HuntOfConstants(CONSTANTS))


def _import_changed(mutant: Mutant) -> None:
    name = module_of(mutant.path)
    loader = SourceFileLoader(name, mutant.key)
    spec = importlib.util.spec_from_loader(name, loader)
    assert spec
    sys.modules[name] = importlib.util.module_from_spec(spec)
    try:
        loader.exec_module(sys.modules[name])
    except Exception:  # noqa: BLE001 - whatever it is, the mutant cannot even be imported
        leave(Verdict.KILLED)
