"""A start that takes long is in the log, once."""

import socket
import threading

import pytest
from structlog.testing import capture_logs

from entrypoints.server import serve
from entrypoints.settings.values import Bind


def test_the_log_says_that_no_worker_listens_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    attempts, listening = [OSError(), OSError(), OSError()], list[int]()

    def connect(*_: object, **__: object) -> socket.socket:
        if attempts:
            raise attempts.pop()
        return socket.socket()

    monkeypatch.setattr(socket, "create_connection", connect)
    monkeypatch.setattr(serve, "_SLOW_START", 0)
    with capture_logs() as logs:
        serve._wait_until_listening(
            Bind("127.0.0.1", 1), lambda: listening.append(1), threading.Event()
        )

    assert [line["event"] for line in logs] == ["service_start_slow"]
    assert listening == [1]
