"""The contract suites and the examples from the wheel, as docs/adapters.md begins with them."""

import subprocess
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Final

import pytest

from tests.support.adapter_runs import documented_adapter
from tests.wheel.conftest import Venv, check_run

pytestmark = pytest.mark.timeout(600)  # the first test waits for an installation
EXAMPLES: Final = "pytest_dialtone.examples"
PORTS: Final = {"acme_sms:open_acme_messenger": "messages", "acme_voice:open_acme_voice": "voice"}
"""The port of each example that has a provider."""


@pytest.fixture(scope="module")
def author(base: Venv, wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Venv:
    environment = base.extend(tmp_path_factory.mktemp("author"))
    environment.pip(f"{wheel}[testing]")
    return environment


def run_suites(
    author: Venv, folder: Path, adapter: str, port: str, *before: str, **environ: str
) -> subprocess.CompletedProcess[str]:
    """Run the suites in a folder, by a command that begins with these arguments."""
    pytest_command = str(author.python.with_name("pytest"))
    options = (f"--dialtone-adapter={adapter}", f"--dialtone-port={port}")
    return subprocess.run(
        [*before, pytest_command, *options],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_wheel_with_its_extra_is_all_that_an_author_needs(author: Venv, tmp_path: Path) -> None:
    adapter = documented_adapter()
    broken = adapter.replace("return DeliveryResult(DeliveryStatus.ACCEPTED)", "return True")

    for code, returncode in ((adapter, 5), (broken, 1)):
        (tmp_path / "my_sms.py").write_text(code)
        environ = {"MY_SMS_FILE": str(tmp_path / "messages")}
        run = run_suites(author, tmp_path, "my_sms:open_file_messenger", "messages", **environ)
        assert run.returncode == returncode, run.stdout + run.stderr
        assert " passed" in run.stdout


@pytest.fixture(scope="module")
def example_runs(
    author: Venv, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mapping[str, "Future[subprocess.CompletedProcess[str]]"]]:
    """The runs of all examples at once: most of the time they wait for a provider that hangs."""

    def run(example: str, port: str) -> "subprocess.CompletedProcess[str]":
        server = f"{EXAMPLES}.{example.partition(':')[0]}"
        before = [str(author.python), "-m", server]
        folder = tmp_path_factory.mktemp("example")
        return run_suites(author, folder, f"{EXAMPLES}.{example}", port, *before, ACME_TIMEOUT="5")

    with ThreadPoolExecutor() as threads:
        yield {example: threads.submit(run, example, port) for example, port in PORTS.items()}


@pytest.mark.parametrize("example", PORTS)
def test_an_example_with_its_provider_keeps_all_promises(
    example_runs: Mapping[str, "Future[subprocess.CompletedProcess[str]]"], example: str
) -> None:
    run = example_runs[example].result()
    assert run.returncode == 0, run.stdout + run.stderr
    assert "\nComplete: " in run.stdout


def test_the_examples_are_installed(author: Venv) -> None:
    """What they do is proven without the wheel, which is faster."""
    imports = [
        f"from {EXAMPLES}.vault_keys import __main__, open_vault_keys",
        f"from {EXAMPLES}.memory_database import open_memory_database",
        f"from {EXAMPLES}.redis_limits import open_redis_limits",
        f"from {EXAMPLES}.event_file import open_event_file",
        f"from {EXAMPLES}.file_messenger import open_file_messenger",
    ]
    check_run([author.python, "-I", "-c", "\n".join(imports)])
