"""The pytest plugin of the contract suites, as authors with tests of their own have it."""

import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

UNUSED_PLUGINS: Final = ("-p", "no:cacheprovider", "-p", "no:schemathesis", "-p", "no:faker")
ADAPTER: Final = """
from contextlib import asynccontextmanager

from application.ports.otp import DeliveryResult, DeliveryStatus

class Messenger:
    async def send(self, phone, text, status_url="", locale=None):
        return RESULT

RESULT = DeliveryResult(DeliveryStatus.ACCEPTED)

@asynccontextmanager
async def open_messenger(*, environ):
    yield Messenger()
"""
OWN_TESTS: Final = """
import sys

def should_import_nothing_of_dialtone():
    names = {name.partition(".")[0] for name in sys.modules}
    assert names.isdisjoint({"adapters", "application", "domain", "entrypoints"})
"""
OWN_CONFIGURATION: Final = """
[pytest]
asyncio_mode = strict
asyncio_default_fixture_loop_scope = function
filterwarnings = error
python_functions = should_*
"""
OWN_FIXTURES: Final = """
import pytest

@pytest.fixture(autouse=True)
def driver():
    raise AssertionError("it is for other tests")
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder of an author, with a package that is called like one of ours."""
    (tmp_path / "entrypoints").mkdir()
    for name, text in {
        "entrypoints/__init__.py": "",
        "my_sms.py": ADAPTER,
        "test_own.py": OWN_TESTS,
        "pytest.ini": OWN_CONFIGURATION,
    }.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def run_pytest(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", *UNUSED_PLUGINS, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_its_option_the_plugin_imports_nothing_of_dialtone(folder: Path) -> None:
    run = run_pytest(folder)

    assert run.returncode == 0, run.stdout + run.stderr
    assert "1 passed" in run.stdout
    assert "warning" not in run.stdout


def test_the_suites_depend_on_no_clone_and_no_configuration_of_the_author(folder: Path) -> None:
    (folder / "conftest.py").write_text(OWN_FIXTURES)

    run = run_pytest(folder, "--dialtone-adapter", "my_sms:open_messenger", "-k", "text or number")

    assert run.returncode == 0, run.stdout + run.stderr
    assert "5 passed, 2 skipped" in run.stdout
    assert "warning" not in run.stdout
    assert "it has no received()" in run.stdout


def test_the_exit_code_and_the_message_of_a_broken_promise_reach_the_author(folder: Path) -> None:
    (folder / "my_sms.py").write_text(ADAPTER.replace("return RESULT", "return True"))

    run = run_pytest(folder, "--dialtone-adapter=my_sms:open_messenger", "-x")

    assert run.returncode == 1, run.stdout + run.stderr
    assert "send returned True. A failure is a DeliveryResult" in run.stdout
