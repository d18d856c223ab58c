"""The contract suites from the wheel, as docs/adapters.md begins with them."""

import subprocess
from pathlib import Path

import pytest

from tests.support.adapter_runs import documented_adapter
from tests.wheel.conftest import Venv


@pytest.mark.timeout(600)  # it waits for an installation
def test_the_wheel_with_its_extra_is_all_that_an_author_needs(
    base: Venv, wheel: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    environment = base.copy(tmp_path_factory.mktemp("author"))
    environment.pip(f"{wheel}[testing]")
    adapter = documented_adapter()
    broken = adapter.replace("return DeliveryResult(DeliveryStatus.ACCEPTED)", "return True")

    for code, returncode in ((adapter, 5), (broken, 1)):
        (tmp_path / "my_sms.py").write_text(code)
        pytest_command = environment.python.with_name("pytest")
        run = subprocess.run(
            [
                pytest_command,
                "--dialtone-adapter=my_sms:open_file_messenger",
                "--dialtone-port=messages",
            ],
            cwd=tmp_path,
            env={"MY_SMS_FILE": str(tmp_path / "messages")},
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == returncode, run.stdout + run.stderr
        assert " passed" in run.stdout
