"""Starts of the service: the first, and those after a stop and after a kill."""

from pathlib import Path

from entrypoints.parts.version import UNKNOWN, find_commit, installed_version
from tests.support.client import me, sign_in
from tests.support.service import Service


def test_a_service_starts_again_with_its_data_after_a_stop_and_after_a_kill(tmp_path: Path) -> None:
    (tmp_path / "media").mkdir()
    (tmp_path / "media" / "0123.png").touch()  # a file of a database that was lost
    service = Service(tmp_path).start()
    service.wait_until_logged("service_started")
    token = sign_in(service, "+14155590001")
    assert service.stop() == 0
    service.start()
    assert me(service, token) == 404
    # A kill may lose the latest lines.
    service.wait_until_logged("service_started")
    service.kill()
    service.start()
    assert me(service, token) == 404
    service.wait_until_logged("service_started")
    assert service.stop() == 0

    own = [
        line
        for line in service.lines
        if line["event"] != "http_request" and line["logger"] != "dialtone.security"
    ]
    events = [line["event"] for line in own]
    stopped = ["service_stopping", "service_stopped"]
    started = ["service_listens", "service_started"]
    found = ["database_created", "database_found_empty"]
    assert sorted(events[:4]) == sorted(found + started)
    assert events[4:] == [*stopped, *started, *(started + stopped)]
    listens = next(line for line in own if line["event"] == "service_listens")
    for part in (service.url, f"{service.url}/docs", "shown below", "media", "dialtone.db"):
        assert any(part in str(value) for value in listens.values()), part
    start = next(line for line in own if line["event"] == "service_started")
    assert start["version"] == installed_version()
    assert start["commit"] == find_commit() != UNKNOWN
    assert (start["bind"], start["workers"]) == (f"127.0.0.1:{service.port}", 1)
    assert start["database"] == f"sqlite:///{tmp_path}/dialtone.db"
