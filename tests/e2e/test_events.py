"""Events of users come to the backend of the app, by HTTP and by an own destination."""

from pathlib import Path
from typing import Final

from tests.support.client import open_client, sign_up
from tests.support.servers.fake_hook import FakeReceiver
from tests.support.servers.process import free_ports
from tests.support.service import REASON, running

PHONE: Final = "+14155560001"
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


def test_what_happens_to_a_user_comes_to_the_backend_and_to_an_own_destination(
    tmp_path: Path,
) -> None:
    (tmp_path / "own_events.py").write_text(OWN_DESTINATION)
    [away_port] = free_ports(1)
    types = ["created", "updated", "blocked", "unblocked", "deleted"]
    with FakeReceiver() as receiver:
        destinations = (
            f"{receiver.url}/events",
            "own_events:open_destination",
            f"http://127.0.0.1:{away_port}/events",  # it stops nothing
        )
        settings = {
            **receiver.environ,
            "DIALTONE_EVENTS": ",".join(destinations),
            "DIALTONE_EVENTS_PHONE": "yes",
            "DIALTONE_WORKERS": "2",
        }
        with running(tmp_path, settings) as service:
            account = sign_up(service, PHONE)
            with open_client(service, account.headers) as http:
                assert http.patch("/users/me", json={"username": "New"}).status_code == 200
            for command in ("block", "unblock"):
                assert service.run("user", command, PHONE, *REASON).returncode == 0
            file = tmp_path / "events"
            # Of a closed account no phone is sent.
            service.wait_for(lambda: bool(receiver.events) and file.exists())
            assert service.run("user", "delete", account.user_id, "--yes", *REASON).returncode == 0
            service.wait_for(lambda: len(receiver.types_of(account.user_id)) >= len(types))
            service.wait_for(lambda: len(file.read_text().split("\n")) > 5)
            service.wait_until_logged("events_not_sent")

    assert receiver.types_of(account.user_id) == [f"user.{name}" for name in types]
    first, lines = receiver.events[0], file.read_text().splitlines()
    assert {*first} == {"id", "type", "time", "user_id", "phone"}
    assert (first["user_id"], first["phone"]) == (account.user_id, PHONE)
    assert lines[0] == f"user.created {account.user_id} {PHONE}"
    assert [line.split()[0] for line in lines] == receiver.types_of(account.user_id)
    assert PHONE not in service.log
    assert receiver.url + "/" not in service.log
