"""The pytest plugin of the contract suites, as authors with tests of their own have it."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.support.adapter_runs import documented_adapter

UNUSED_PLUGINS: Final = ("cacheprovider", "schemathesis", "randomly", "hypothesispytest", "faker")
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
        "my_sms.py": documented_adapter(),
        "test_own.py": OWN_TESTS,
        "pytest.ini": OWN_CONFIGURATION,
    }.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def run_pytest(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    without = [option for plugin in UNUSED_PLUGINS for option in ("-p", f"no:{plugin}")]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *without, *arguments],
        cwd=folder,
        env={**os.environ, "MY_SMS_FILE": str(folder / "messages")},
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_its_option_the_plugin_imports_nothing_of_dialtone(folder: Path) -> None:
    run = run_pytest(folder)

    assert run.returncode == 0, run.stdout + run.stderr
    assert "1 passed" in run.stdout
    assert "warning" not in run.stdout


def test_the_suites_run_without_the_configuration_of_the_author_who_gets_their_result(
    folder: Path,
) -> None:
    (folder / "conftest.py").write_text(OWN_FIXTURES)
    right = "return DeliveryResult(DeliveryStatus.ACCEPTED)"
    (folder / "my_sms.py").write_text(
        documented_adapter().replace(right, f"{right} if message.text else True")
    )

    run = run_pytest(
        folder,
        "--dialtone-adapter",
        "my_sms:open_file_messenger",
        "--dialtone-port=messages",
        "-k",
        "text or number",
    )

    assert run.returncode == 1, run.stdout + run.stderr
    assert "1 failed, 4 passed, 2 skipped" in run.stdout
    assert "send returned True. A failure is a DeliveryResult" in run.stdout
    assert "no helper received()" in run.stdout
    assert "it is for other tests" not in run.stdout
    assert "warning" not in run.stdout
