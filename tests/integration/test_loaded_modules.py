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
PHONE_LINE: Final = {
    "DIALTONE_VOICE": "twilio",
    "DIALTONE_COUNTRIES": "US",
    "TWILIO_ACCOUNT_SID": f"AC{0:032x}",
    "TWILIO_AUTH_TOKEN": "the-token",
    "TWILIO_VOICE_FROM": "+14155550006",
}
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
    app = worker_app.make_app(settings, Mock(lock_file=None))
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
    webhooks = {f"entrypoints.http.features.voice.{name}" for name in ("controller", "webhook")}
    packages = ("application.features.voice", "adapters.calls.flows", "adapters.messages.twilio")
    found = {module for module in modules if module.startswith(packages)} | (webhooks & modules)
    return found - OF_CALL_LOG


@pytest.fixture(scope="module")
def in_worker(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The modules that a worker loads by default."""
    return loaded_modules(WORKER, tmp_path_factory.mktemp("worker") / "service", {})


def test_only_a_phone_line_loads_what_belongs_to_it(in_worker: set[str], tmp_path: Path) -> None:
    with_line = loaded_modules(WORKER, tmp_path / "with", PHONE_LINE)

    assert of_phone_line(in_worker) == set()
    used = {
        "entrypoints.http.core.otp.message_status",
        "entrypoints.http.features.voice.calls.controller",
    }
    assert used <= in_worker
    assert {
        "application.features.voice.answer_call",
        "adapters.calls.flows",
        "adapters.messages.twilio.voice.markup",
        "adapters.messages.twilio.voice.calls",
        "entrypoints.http.features.voice.controller",
    } <= of_phone_line(with_line)


def test_the_parent_process_loads_neither_use_cases_nor_metrics(
    in_worker: set[str], tmp_path: Path
) -> None:
    parent = loaded_modules(PARENT, tmp_path / "parent", {"DIALTONE_METRICS_BIND": "[::1]:1"})

    assert "entrypoints.settings.settings" in parent
    assert {it for it in parent if re.match(r"application\..*(feature|use_cases)$", it)} == set()
    assert {module for module in in_worker | parent if module.startswith("prometheus")} == set()
    assert "adapters.operations.metrics.metrics" not in in_worker | parent
