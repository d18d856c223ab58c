"""The contract suites and the examples from the wheel, as docs/adapters.md begins with them."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.support.adapter_runs import documented_adapter
from tests.support.servers.valkey import ValkeyProcess
from tests.wheel.conftest import Venv

pytestmark = pytest.mark.timeout(600)  # the first test waits for an installation
EXAMPLES: Final = "pytest_dialtone.examples"


@pytest.fixture(scope="module")
def author(base: Venv, wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Venv:
    environment = base.copy(tmp_path_factory.mktemp("author"))
    environment.pip(f"{wheel}[testing]")
    return environment


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[ValkeyProcess]:
    with ValkeyProcess(tmp_path / "valkey") as valkey:
        yield valkey


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


@pytest.mark.parametrize(
    ("example", "port", "has_server"),
    [
        ("acme_sms:open_acme_messenger", "messages", True),
        ("acme_voice:open_acme_voice", "voice", True),
        ("vault_keys:open_vault_keys", "secrets", True),
        ("memory_database:open_memory_database", "database", False),
    ],
)
def test_an_example_keeps_all_promises(
    author: Venv, tmp_path: Path, example: str, port: str, has_server: bool
) -> None:
    server = f"{EXAMPLES}.{example.partition(':')[0]}"
    before = [str(author.python), "-m", server] if has_server else []
    run = run_suites(author, tmp_path, f"{EXAMPLES}.{example}", port, *before)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "\nComplete: " in run.stdout


def test_limits_in_redis_keep_all_promises(
    author: Venv, tmp_path: Path, valkey: ValkeyProcess
) -> None:
    adapter = f"{EXAMPLES}.redis_limits:open_redis_limits"
    run = run_suites(author, tmp_path, adapter, "limits", REDIS_URL=valkey.url)
    assert run.returncode == 0, run.stdout + run.stderr


def test_events_in_a_file_fail_no_test(author: Venv, tmp_path: Path) -> None:
    adapter = f"{EXAMPLES}.event_file:open_event_file"
    run = run_suites(author, tmp_path, adapter, "events", PYTEST_ADDOPTS="--dialtone-partial")
    assert run.returncode == 0, run.stdout + run.stderr
