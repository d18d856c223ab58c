"""Events of users come to the backend of the app, by HTTP and by an own destination."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx
import pytest

from tests.e2e.test_metrics import scrape, value
from tests.support.client import sign_up
from tests.support.plain_http import PLAIN_HTTP
from tests.support.servers.fake_hook import FakeReceiver
from tests.support.servers.process import free_ports
from tests.support.service import REASON, running

PHONE: Final = "+14155594001"
CREATED, UPDATED, DELETED = "user.created", "user.updated", "user.deleted"
OWN_DESTINATION: Final = """
from contextlib import asynccontextmanager
from pathlib import Path


class OwnDestination:
    async def send(self, event):
        with Path("events").open("a") as file:
            file.write(f"{event.type.value} {event.user_id} {event.phone}\\n")


@asynccontextmanager
async def open_destination(environ):
    yield OwnDestination()
"""


@pytest.fixture
def receiver() -> Iterator[FakeReceiver]:
    with FakeReceiver() as receiver:
        yield receiver


async def test_what_happens_to_a_user_comes_to_the_backend_and_to_an_own_destination(
    tmp_path: Path, receiver: FakeReceiver
) -> None:
    (tmp_path / "own_events.py").write_text(OWN_DESTINATION)
    away_port, metrics_port = free_ports(2)
    destinations = (
        f"{receiver.url}/events",
        "own_events:open_destination",
        f"http://127.0.0.1:{away_port}/events",  # it stops nothing
    )
    settings = {
        **receiver.environ,
        "DIALTONE_EVENTS": ",".join(destinations),
        "DIALTONE_EVENTS_PHONE": "yes",
        "DIALTONE_METRICS_BIND": f"127.0.0.1:{metrics_port}",
        "DIALTONE_WORKERS": "2",
    }
    types = [CREATED, UPDATED, "user.blocked", "user.unblocked", DELETED]
    with running(tmp_path, settings) as service:
        async with httpx.AsyncClient(base_url=service.url, timeout=20, **PLAIN_HTTP) as http:
            account = sign_up(service, PHONE)
            renaming = {"username": "New name"}
            renamed = await http.patch("/users/me", json=renaming, headers=account.headers)
            assert renamed.status_code == 200, renamed.text
        for command in ("block", "unblock"):
            assert service.run("user", command, PHONE, *REASON).returncode == 0
        assert service.run("user", "delete", account.user_id, "--yes", *REASON).returncode == 0
        service.wait_for(lambda: len(receiver.types_of(account.user_id)) >= len(types))
        file = tmp_path / "events"
        service.wait_for(lambda: file.exists() and len(file.read_text().splitlines()) >= len(types))
        service.wait_until_logged("events_not_sent")
        counted = scrape(service)
        assert service.stop() == 0

    assert receiver.types_of(account.user_id) == types
    first = receiver.events[0]
    assert {*first} == {"id", "type", "time", "user_id", "phone"}
    assert (first["user_id"], first["phone"]) == (account.user_id, PHONE)
    lines = file.read_text().splitlines()
    assert lines[0] == f"{CREATED} {account.user_id} {PHONE}"
    assert [line.split()[0] for line in lines] == types
    assert value(counted, "events_total", destination="3", result="failed") >= 1
    assert PHONE not in service.log
    assert receiver.url + "/" not in service.log
