"""Events of users come to the backend of the app, by HTTP and by an own destination."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from tests.e2e.test_metrics import scrape, value
from tests.support.client import open_client, sign_up
from tests.support.forked_service import running
from tests.support.markdown import blocks_in, page
from tests.support.plain_http import PLAIN_HTTP
from tests.support.servers.fake_hook import FakeReceiver
from tests.support.servers.process import free_ports
from tests.support.service import REASON

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


def test_a_new_receiver_begins_with_all_users_and_ends_with_what_the_service_has(
    tmp_path: Path, receiver: FakeReceiver
) -> None:
    names: dict[str, Any] = {}
    [_, code] = blocks_in("python", page("docs/hooks.md"))
    exec(code, names)  # noqa: S102 -- the code of our page
    phones = [f"+1415555010{number}" for number in range(4)]
    lines = [f"{phone},User {number}" for number, phone in enumerate(phones)]
    with running(tmp_path, receiver.environ) as service:
        (tmp_path / "users.csv").write_text("\n".join(["phone,username", *lines]))
        service.run("import", "users", "users.csv", "--ignore-blocks", *REASON)
        scopes = ("--scope", "users:list", "--scope", "users:read")
        created = service.run("admin-token", "create", "--name", "a", *scopes, *REASON)
        headers = {"Authorization": f"Bearer {created.stdout.split()[0]}"}
        with open_client(service, headers) as http:

            def get_user(user_id: str) -> Any:
                response = http.get(f"/admin/users/{user_id}")
                return None if response.status_code == 404 else response.json()

            def list_users(cursor: dict[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
                body = http.get("/admin/users", params={"limit": 2, **cursor}).json()
                next_cursor = body["next_cursor"]
                users = {user["id"]: user for user in body["users"]}
                return users, {"cursor": next_cursor} if next_cursor else {}

            users, cursor = list_users({})
            later, _ = list_users(cursor)
            for blocked, deleted in ([*users], [*later]):
                assert service.run("user", "block", blocked, *REASON).returncode == 0
                assert service.run("user", "delete", deleted, "--yes", *REASON).returncode == 0
            users |= list_users(cursor)[0]
            service.wait_for(lambda: len({event["id"] for event in receiver.events}) >= len(phones))
            for event in receiver.events:
                names["apply"](event, users, get_user)

            left, _ = list_users({})
    assert [bool(user["blocked_at"]) for user in left.values()] == [True, True]
    assert {user_id: user["blocked_at"] for user_id, user in users.items()} == {
        user_id: user["blocked_at"] for user_id, user in left.items()
    }
