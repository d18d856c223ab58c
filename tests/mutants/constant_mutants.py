"""A pytest plugin: run the tests with each mutant of a constant.

A constant is read on import, so the forks start before anything is collected and do a whole test
run: first the tests of the constant's folder, which usually kill the mutant, then all, fast ones
first.
"""

import importlib.util
import json
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path

import pytest

from tests.mutants.forks import ForkPool, exit_with, fork_first_attempt
from tests.mutants.mutant import Mutant, MutantStatus, module_of
from tests.mutants.mutant_run import CONSTANTS_FILE, DURATIONS_FILE, MutantRun


class ConstantMutantRun(MutantRun):
    """Forks before the collection."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self, session: pytest.Session) -> None:
        imported = sys.modules.keys() & {module_of(mutant.path) for mutant in self.mutants}
        assert not imported, f"imported before their mutants: {sorted(imported)}"
        forks = ForkPool(self.set_status)
        for mutant in self.mutants:
            if forks.fork(mutant):
                self.is_fork = True
                session.config.option.maxfail = 1
                _import_mutated(mutant)
                folder = Path("tests/unit", mutant.path).parent
                if folder.is_dir() and fork_first_attempt():
                    session.config.args = [str(folder)]
                return
        forks.wait()
        self.save()
        pytest.exit("all mutants were run", returncode=0)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        durations = json.loads(DURATIONS_FILE.read_text())
        items.sort(key=lambda item: durations.get(item.nodeid, 0))

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, exitstatus: int) -> None:
        if self.is_fork:
            has_passed = exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
            exit_with(MutantStatus.SURVIVED if has_passed else MutantStatus.KILLED)


def pytest_configure(config: pytest.Config) -> None:
    """Register the plugin."""
    config.pluginmanager.register(ConstantMutantRun(CONSTANTS_FILE))


def _import_mutated(mutant: Mutant) -> None:
    name = module_of(mutant.path)
    loader = SourceFileLoader(name, mutant.key)
    spec = importlib.util.spec_from_loader(name, loader)
    assert spec
    sys.modules[name] = importlib.util.module_from_spec(spec)
    try:
        loader.exec_module(sys.modules[name])
    except Exception:  # noqa: BLE001 - a mutant that cannot be imported is killed
        exit_with(MutantStatus.KILLED)
