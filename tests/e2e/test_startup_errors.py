"""Errors that stop a start: one line, an exit code, and no files left behind."""

import json
import signal
import subprocess
from pathlib import Path

from tests.support.service import ForkedService, Service, command


def run_in_shell(
    service: Service, script: str, status: int = 1, lines: int = 1
) -> subprocess.CompletedProcess[str]:
    """Run a script that ends with this status, and lines on stderr; `$0` is the command."""
    service.folder.mkdir(parents=True, exist_ok=True)
    ended = subprocess.run(
        ["/bin/bash", "-c", script, command()],
        cwd=service.folder,
        env=service.environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert ended.returncode == status, ended.stderr
    assert len(ended.stderr.splitlines()) == lines, ended.stderr
    return ended


def test_console_messages_without_stdout(tmp_path: Path) -> None:
    line = run_in_shell(Service(tmp_path), 'exec "$0" run >&-').stderr

    assert "DIALTONE_SMS" in line
    assert "stdout" in line
    assert not (tmp_path / "secrets.json").exists()


def test_an_interrupt_during_the_start_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text(
        "import asyncio\nfrom contextlib import asynccontextmanager\n"
        "@asynccontextmanager\nasync def opened(*, environ):\n"
        "    print('opening', flush=True)\n    await asyncio.sleep(60)\n    yield None\n"
    )
    service = ForkedService(tmp_path, {"DIALTONE_MEDIA": "slow:opened"})
    service.launch()
    service.wait_for(lambda: "opening" in service.shown)

    assert service.end(signal.SIGINT) == 130
    created, *others = service.log.splitlines()
    assert json.loads(created)["event"] == "database_created"
    assert others == ["Interrupted."]
