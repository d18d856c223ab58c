"""Events of users come to the backend of the app, by HTTP and by an own destination."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from tests.e2e.app import Account, App
from tests.e2e.deployments import DATABASES, Database
from tests.e2e.test_metrics import scrape, value
from tests.support.forked_service import running
from tests.support.plain_http import PLAIN_HTTP
from tests.support.servers.fake_receiver import FakeReceiver
from tests.support.servers.process import free_ports
from tests.support.service import REASON, Service

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


def open_http(service: Service) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=service.url, timeout=20, **PLAIN_HTTP)


def wait_for_types(
    service: Service, receiver: FakeReceiver, account: Account, *types: str
) -> list[Mapping[str, Any]]:
    """Wait until the receiver has these events of the user, and return them."""
    service.wait_for(lambda: len(receiver.types_of(account.user_id)) >= len(types))
    assert receiver.types_of(account.user_id) == [*types]
    return [event for event in receiver.events if event["user_id"] == account.user_id]


@pytest.mark.parametrize("database", DATABASES)
async def test_what_happens_to_a_user_comes_to_the_backend(
    tmp_path: Path,
    receiver: FakeReceiver,
    request: pytest.FixtureRequest,
    database: Database,
) -> None:
    settings = {**database(request), **receiver.environ, "DIALTONE_WORKERS": "2"}
    with running(tmp_path, settings) as service:
        async with open_http(service) as http:
            app = App(service, http)
            account = await app.sign_up(PHONE)
            wait_for_types(service, receiver, account, CREATED)
            renaming = {"username": "New name"}
            renamed = await http.patch("/users/me", json=renaming, headers=account.headers)
            assert renamed.status_code == 200, renamed.text
            expected = [CREATED, UPDATED]
            for command, event in (
                (("user", "block", PHONE), "user.blocked"),
                (("user", "unblock", PHONE), "user.unblocked"),
                (("user", "delete", account.user_id, "--yes"), DELETED),
            ):
                run = service.run(*command, *REASON)
                assert run.returncode == 0, run.stderr
                expected.append(event)
            events = wait_for_types(service, receiver, account, *expected)
        assert service.stop() == 0

    assert all({*event} == {"id", "type", "time", "user_id"} for event in events)
    assert PHONE not in service.log
    assert receiver.url + "/" not in service.log


async def test_an_own_destination_gets_what_a_url_gets_and_the_phone_if_it_is_wanted(
    tmp_path: Path, receiver: FakeReceiver
) -> None:
    (tmp_path / "own_events.py").write_text(OWN_DESTINATION)
    destinations = f"{receiver.url}/events,own_events:open_destination"
    settings = {
        **receiver.environ,
        "DIALTONE_EVENTS": destinations,
        "DIALTONE_EVENTS_PHONE": "yes",
    }
    with running(tmp_path, settings) as service:
        async with open_http(service) as http:
            account = await App(service, http).sign_up(PHONE)
        (event,) = wait_for_types(service, receiver, account, CREATED)
        file = tmp_path / "events"
        service.wait_for(file.exists)
        checked = service.run("check-settings", "--connect")
        shown = service.run("check-settings").stdout

    assert event["phone"] == PHONE
    assert file.read_text() == f"{CREATED} {account.user_id} {PHONE}\n"
    assert checked.returncode == 0, checked.stdout
    assert f"events {receiver.url} ok (" in " ".join(checked.stdout.split())
    assert len(receiver.requests) == 1
    assert f"{receiver.url},own_events:open_destination" in shown


async def test_a_backend_that_is_away_stops_nothing_and_gets_all_when_it_is_back(
    tmp_path: Path,
) -> None:
    receiver_port, metrics_port = free_ports(2)
    with FakeReceiver(receiver_port) as receiver:
        settings = {**receiver.environ, "DIALTONE_METRICS_BIND": f"127.0.0.1:{metrics_port}"}
    with running(tmp_path, settings) as service:
        async with open_http(service) as http:
            account = await App(service, http).sign_up(PHONE)
            service.wait_until_logged("events_not_sent")
            assert (await http.get("/health/ready")).status_code == 200
        counted = scrape(service)
        assert value(counted, "events_total", destination="1", result="failed") >= 1
        with FakeReceiver(receiver_port) as receiver:
            wait_for_types(service, receiver, account, CREATED)
            service.wait_until_logged("events_sent")
        assert service.stop() == 0

    logged = [json.loads(line) for line in service.log.splitlines()]
    (line,) = [line for line in logged if line["event"] == "events_not_sent"]
    assert line["destination"] == f"http://127.0.0.1:{receiver_port}"
    assert line["reason"].startswith("no connection")
    assert line["waiting_users"] == 1
