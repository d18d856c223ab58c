"""What happens to a running service from outside its requests."""

import json
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import httpx
import pytest

from tests.e2e.test_start import me, sign_in
from tests.support.plain_http import PLAIN_HTTP
from tests.support.service import START_LIMIT, Service, command, running

STOP_OF_DOCKER = 10


def workers_of(service: Service) -> list[int]:
    children = Path(f"/proc/{service.pid}/task/{service.pid}/children")
    return [int(pid) for pid in children.read_text().split()]


def wait_until_it_answers_by_another(service: Service, before: list[int]) -> None:
    end = time.monotonic() + START_LIMIT
    while time.monotonic() < end:
        now = workers_of(service)
        if now and now != before:
            try:
                if httpx.get(f"{service.url}/health/ready", **PLAIN_HTTP).status_code == 200:
                    return
            except httpx.TransportError:
                pass
        # Nothing tells from outside when another worker serves.
        time.sleep(0.02)
    raise AssertionError(service.log)


def errors_of(service: Service) -> list[str]:
    lines = [json.loads(line) for line in service.log.splitlines()]
    return [line["event"] for line in lines if line["level"] in ("error", "critical")]


def test_a_killed_worker_is_replaced_without_anybodys_doing(tmp_path: Path) -> None:
    with running(tmp_path) as service:
        token = sign_in(service, "+14155591001")
        before = workers_of(service)
        os.kill(before[0], signal.SIGKILL)
        wait_until_it_answers_by_another(service, before)
        assert me(service, token) == 404
        assert me(service, sign_in(service, "+14155591002")) == 404
    assert errors_of(service) == ["Unexpected exit from worker-1"]


def test_workers_that_end_again_and_again_end_the_service(tmp_path: Path) -> None:
    service = Service(tmp_path).start()
    end = time.monotonic() + START_LIMIT
    while service.is_running and time.monotonic() < end:
        for pid in workers_of(service):
            os.kill(pid, signal.SIGKILL)
        # Nothing tells when a worker has been replaced.
        time.sleep(0.05)
    assert not service.is_running
    assert service.stop() == 1


@pytest.mark.parametrize("count", ["1", "2"])
def test_a_worker_that_cannot_start_ends_the_service_and_says_why(
    tmp_path: Path, count: str
) -> None:
    # The folder is opened once before there are workers, and then by each of them.
    (tmp_path / "once.py").write_text(
        "import os\nfrom contextlib import asynccontextmanager\n"
        "from application.ports.errors import ConfigurationError\n"
        "SERVICE = []\n"
        "@asynccontextmanager\nasync def opened(environ):\n"
        "    if SERVICE:\n        raise ConfigurationError('The shelf is locked: unlock it.')\n"
        "    SERVICE.append(os.getpid())\n    yield object()\n"
    )
    service = Service(tmp_path, {"DIALTONE_MEDIA": "once:opened", "DIALTONE_WORKERS": count})
    service.launch()

    assert service.wait() == 1
    lines = [json.loads(line) for line in service.log.splitlines()]
    told = [line for line in lines if line["event"] == "A worker cannot start"]
    assert told
    assert {line["reason"] for line in told} == {"DIALTONE_MEDIA: The shelf is locked: unlock it."}
    assert "Traceback" not in service.log


def test_a_request_that_never_ends_does_not_hold_the_stop(tmp_path: Path) -> None:
    service = Service(tmp_path).start()
    with socket.create_connection(("127.0.0.1", service.port)) as half:
        half.sendall(b"POST /auth/request-otp HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{")
        httpx.get(f"{service.url}/health/live", **PLAIN_HTTP)
        began = time.monotonic()
        assert service.stop() == 0
        assert time.monotonic() - began < STOP_OF_DOCKER


def test_an_interrupt_that_reaches_everybody_is_an_ordinary_stop(tmp_path: Path) -> None:
    service = Service(tmp_path, {"DIALTONE_WORKERS": "2"}, has_group=True).start()
    os.killpg(service.pid, signal.SIGINT)

    assert service.wait() == 0
    assert errors_of(service) == []


def test_a_stop_while_the_workers_start_is_an_ordinary_stop(tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text(
        "import asyncio\nfrom contextlib import asynccontextmanager\n"
        "OPENED = []\n"
        "@asynccontextmanager\nasync def opened(environ):\n"
        "    if OPENED:\n        print('a worker starts', flush=True)\n"
        "        await asyncio.sleep(1)\n"
        "    OPENED.append(1)\n    yield object()\n"
    )
    service = Service(tmp_path, {"DIALTONE_MEDIA": "slow:opened"}, has_group=True)
    service.launch()
    service.wait_until_shown("a worker starts")
    os.killpg(service.pid, signal.SIGINT)

    assert service.wait() == 0
    assert errors_of(service) == []
    assert "Traceback" not in service.log


def test_a_name_is_listened_at_and_told_as_written(tmp_path: Path) -> None:
    service = Service(tmp_path)
    service.set("DIALTONE_BIND", f"localhost:{service.port}")
    service.start()
    service.wait_until_shown(f"http://localhost:{service.port}/docs")
    assert service.stop() == 0


def test_a_log_that_nobody_reads_stops_nothing(tmp_path: Path) -> None:
    service = Service(tmp_path, reads_log=False)
    service.start()
    with httpx.Client(base_url=service.url, **PLAIN_HTTP, timeout=20) as http:
        for _ in range(1000):  # each a line of more than a hundred characters; a pipe takes 64 kB
            assert http.get("/health/live").status_code == 200
    assert me(service, sign_in(service, "+14155591003")) == 404
    began = time.monotonic()
    assert service.stop() == 0
    assert time.monotonic() - began < STOP_OF_DOCKER


def test_a_terminal_that_went_away_costs_the_messages_only(tmp_path: Path) -> None:
    service = Service(tmp_path)
    reading, writing = os.pipe()
    os.close(reading)
    process = subprocess.Popen(
        [command(), "run"],
        cwd=tmp_path,
        env=service.environ,
        stdin=subprocess.DEVNULL,
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(writing)
    try:
        service.wait_until_it_answers()
        asked = httpx.post(
            f"{service.url}/auth/request-otp", json={"phone": "+14155591004"}, **PLAIN_HTTP
        )
        assert asked.status_code == 503
    finally:
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=START_LIMIT)
    assert process.returncode == 0
    assert "unforeseen" not in log
    assert "request_crashed" not in log


def test_start_and_stop_print_the_banner_and_nothing_else(tmp_path: Path) -> None:
    service = Service(tmp_path).start()
    service.wait_until_shown("Ctrl-C stops it.\n\n")
    assert service.stop() == 0
    assert service.shown.startswith("\n  Dialtone ")
    assert service.shown.endswith("Ctrl-C stops it.\n\n")
    lines = [json.loads(line) for line in service.log.splitlines()]
    assert {line["event"] for line in lines} <= {"request"}
