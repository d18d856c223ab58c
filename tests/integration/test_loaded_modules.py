"""What the processes of the service load: only what they need."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.support.service import Service

pytestmark = pytest.mark.slow

PROJECT: Final = Path(__file__).parents[2]
PARENT: Final = """
import sys
import entrypoints.commands.cli
import entrypoints.server.run
print(*sys.modules, sep="\\n")
"""
WORKER: Final = """
import asyncio, sys
from contextlib import asynccontextmanager
from unittest.mock import Mock
from entrypoints.commands import cli
from entrypoints.commands.shared import command
from entrypoints.server import run, worker_app

async def start_worker(settings):
    app = worker_app.make_app(settings, Mock())
    messages = [{"type": "lifespan.startup"}]
    stop = asyncio.Event()
    async def receive():
        if messages:
            return messages.pop()
        stop.set()
        return {"type": "lifespan.shutdown"}
    sent = []
    async def send(message):
        sent.append(message["type"])
    await app({"type": "lifespan"}, receive, send)
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"], sent

settings = command._read_settings(checks_files=True)
asyncio.run(start_worker(settings))
print(*sys.modules, sep="\\n")
"""


OF_CALL_LOG: Final = {"application.features.voice"} | {
    f"application.features.voice.{name}"
    for name in ("call_log", "calls", "cleanup", "details", "export", "ports")
}
"""What lists and deletes the calls of a former phone line."""


def loaded_modules(program: str, folder: Path, environ: dict[str, str]) -> set[str]:
    """Run a program in a process of its own; return all modules that it has loaded."""
    folder.mkdir()
    run = subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        env={**Service(folder, environ).environ, "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return set(run.stdout.splitlines())


def of_phone_line(modules: set[str]) -> set[str]:
    packages = (
        "application.features.voice",
        "adapters.calls.call_texts",
        "adapters.messages.twilio",
        "entrypoints.http.features.voice.webhook",
    )
    return {module for module in modules if module.startswith(packages)} - OF_CALL_LOG


@pytest.fixture(scope="module")
def in_worker(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The modules that a worker loads by default."""
    return loaded_modules(WORKER, tmp_path_factory.mktemp("worker") / "service", {})


def test_without_a_phone_line_nothing_of_it_is_loaded(in_worker: set[str]) -> None:
    # What lists and deletes the calls of a former one is.
    assert "entrypoints.http.features.voice.calls" in in_worker
    assert of_phone_line(in_worker) == set()


def test_the_parent_process_loads_neither_use_cases_nor_metrics(
    in_worker: set[str], tmp_path: Path
) -> None:
    parent = loaded_modules(PARENT, tmp_path / "parent", {"DIALTONE_METRICS_BIND": "[::1]:1"})

    assert "entrypoints.settings.settings" in parent
    assert {it for it in parent if re.match(r"application\..*(feature|use_cases)$", it)} == set()
    assert {module for module in in_worker | parent if module.startswith("prometheus")} == set()
    assert "adapters.operations.metrics.metrics" not in in_worker | parent
