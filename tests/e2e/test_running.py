"""The cleanup and crashed workers of a running service."""

import os
import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from tests.support.client import me, sign_in
from tests.support.service import START_TIMEOUT, ForkedService, running


def test_a_new_worker_waits_for_the_lock_of_the_database(tmp_path: Path) -> None:
    with running(tmp_path) as service:
        token = sign_in(service, "+14155591001")
        with closing(sqlite3.connect(tmp_path / "dialtone.db", isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            os.kill(service.workers[0], signal.SIGKILL)
            service.wait_until_logged("worker_start_waits")
        service.wait_until_ready()
        assert me(service, token) == 404
    assert service.errors == ["Unexpected exit from worker-1"]


def test_workers_that_crash_again_and_again_stop_the_service(tmp_path: Path) -> None:
    service = ForkedService(tmp_path).start()
    deadline = time.monotonic() + START_TIMEOUT
    while service.is_running and time.monotonic() < deadline:
        for pid in service.workers:
            os.kill(pid, signal.SIGKILL)
        # There is no event for a respawned worker.
        time.sleep(0.05)
    assert not service.is_running
    assert service.stop() == 1


def test_a_new_worker_that_cannot_start_stops_the_service_and_logs_the_reason(
    tmp_path: Path,
) -> None:
    (tmp_path / "once.py").write_text(
        "from contextlib import asynccontextmanager\nfrom pathlib import Path\n"
        "from application.ports.errors import ConfigurationError\n"
        "class Messenger:\n    async def send(self, phone, message): ...\n"
        "@asynccontextmanager\nasync def opened(*, environ):\n"
        "    if Path('once').exists():\n"
        "        raise ConfigurationError('The account is locked: unlock it.')\n"
        "    Path('once').touch()\n    yield Messenger()\n"
    )
    service = ForkedService(
        tmp_path, {"DIALTONE_SMS": "once:opened", "DIALTONE_COUNTRIES": "US"}
    ).start()
    os.kill(service.workers[0], signal.SIGKILL)

    assert service.wait() == 1
    reasons = [line["reason"] for line in service.lines if line["event"] == "worker_start_failed"]
    assert reasons == ["DIALTONE_SMS: The account is locked: unlock it."]
    assert "Traceback" not in service.log


def test_a_hangup_stops_a_service_that_logged_before_it_listened(tmp_path: Path) -> None:
    (url := tmp_path / "url").write_text(f"sqlite:///{tmp_path}/own.db")
    environ = {
        "DIALTONE_DATABSE": "unknown",
        "DIALTONE_DATABASE": "",
        "DIALTONE_DATABASE_URL_FILE": str(url),
    }
    service = ForkedService(tmp_path, environ).start()
    os.kill(service.pid, signal.SIGHUP)

    assert service.wait() == 0
    assert service.errors == []
    warnings = [line["event"] for line in service.lines if line["level"] == "warning"]
    assert warnings == ["setting_unknown"]
    assert (tmp_path / "own.db").exists()
