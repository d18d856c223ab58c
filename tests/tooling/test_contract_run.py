"""`python -m tests.contract.suites`, by which `make test-adapter` runs the contract suites."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.support.adapter_runs import documented_adapter
from tests.support.markdown import PROJECT

SUITES: Final = ("-m", "tests.contract.suites")
UNUSED_PLUGINS: Final = ("cacheprovider", "schemathesis", "randomly", "hypothesispytest")
ACCEPTED: Final = "return DeliveryResult(DeliveryStatus.ACCEPTED)"
EXAMPLES: Final = {
    "acme_sms:open_acme_messenger": "messages",
    "acme_voice:open_acme_voice": "voice",
}
"""The port of each example that has a provider."""
OWN_FIXTURES: Final = """
import pytest

@pytest.fixture(autouse=True)
def driver():
    raise AssertionError("it is for other tests")
"""


def run_python(
    folder: Path, *arguments: str, environ: dict[str, str]
) -> "subprocess.CompletedProcess[str]":
    without = [option for plugin in UNUSED_PLUGINS for option in ("-p", f"no:{plugin}")]
    return subprocess.run(
        [sys.executable, *arguments, *without],
        cwd=folder,
        env={"PYTHONPATH": str(PROJECT), **os.environ, **environ},
        capture_output=True,
        text=True,
        check=False,
    )


def run_with(folder: Path, result: str, *options: str) -> "subprocess.CompletedProcess[str]":
    """Run the suites with the adapter of docs/adapters.md, which does this with a message."""
    (folder / "my_sms.py").write_text(documented_adapter().replace(ACCEPTED, result))
    environ = {"MY_SMS_FILE": str(folder / "messages")}
    adapter = ("my_sms:open_file_messenger", "messages")
    return run_python(folder, *SUITES, *adapter, *options, environ=environ)


def test_the_author_gets_the_result_without_a_configuration_of_other_tests(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(OWN_FIXTURES)
    (tmp_path / "pytest.ini").write_text("[pytest]\npython_functions = should_*\n")

    run = run_with(tmp_path, f"{ACCEPTED} if message.text else True", "-k", "text or number")

    assert run.returncode == 1, run.stdout + run.stderr
    assert "1 failed, 4 passed, 2 skipped" in run.stdout
    assert "send returned True. A failure is a DeliveryResult" in run.stdout
    assert "no helper received()" in run.stdout
    assert "warning" not in run.stdout


def test_an_adapter_that_ends_the_process_of_its_tests_has_failed(tmp_path: Path) -> None:
    run = run_with(tmp_path, "__import__('os')._exit(0)", "-k", "accepted_message")

    assert run.returncode == 1, run.stdout + run.stderr
    assert run.stderr.endswith("The process of the tests ended before their result.\n")


@pytest.mark.parametrize(("example", "port"), EXAMPLES.items())
def test_an_example_with_its_provider_keeps_all_promises(
    tmp_path: Path, example: str, port: str
) -> None:
    adapter = f"tests.contract.examples.{example}"
    provider = ("-m", adapter.partition(":")[0], sys.executable)

    run = run_python(tmp_path, *provider, *SUITES, adapter, port, environ={"ACME_TIMEOUT": "5"})

    assert run.returncode == 0, run.stdout + run.stderr
    assert "\nComplete: " in run.stdout
