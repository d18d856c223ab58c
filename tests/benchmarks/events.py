"""How many events a second one process sends, on each database, to a receiver in another one."""

import asyncio
import multiprocessing
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

from adapters.events.http_destination import open_http_destination
from application.events.send_events import SendEvents
from application.pacing import call_in_groups
from application.ports.events import Event, EventDestination
from application.ports.repositories import Repositories
from domain.identities.identity import Identity
from domain.identities.user_events import EventType, UserEvents
from tests.benchmarks.databases import open_databases, open_repositories
from tests.support.builders import NOW, a_phone, a_user, an_id, an_identity
from tests.support.fakes.clock import MovableClock
from tests.support.servers.fake_receiver import SECRET

USERS: Final = 2_000
_RESPONSE: Final = b"HTTP/1.1 204 No Content\r\n\r\n"


class _Nowhere:
    """Accepts everything at once: what is left is the database."""

    async def send(self, event: Event) -> None:
        pass


async def measure_events(folder: Path) -> None:
    """Print, for each database, the events a second: without and with requests."""
    with open_databases(folder) as databases, _receiver() as url:
        for name, create_database in databases.items():
            with create_database() as database_url:
                async with (
                    open_repositories(database_url) as repositories,
                    open_http_destination(url, [SECRET]) as first,
                    open_http_destination(url, [SECRET]) as second,
                ):
                    destinations: Mapping[str, Mapping[str, EventDestination]] = {
                        "no requests": {"a": _Nowhere()},
                        "one receiver": {"a": first},
                        "two receivers": {"a": first, "b": second},
                    }
                    for title, opened in destinations.items():
                        rate = await _measure(repositories, opened)
                        print(f"{name:<12}{title:<15}{rate:6.0f} events a second")


async def _measure(
    repositories: Repositories, destinations: Mapping[str, EventDestination]
) -> float:
    """Return the events a second that came to each destination."""
    await _record_events(repositories)
    clock = MovableClock(NOW)
    send = SendEvents(
        identities=repositories.identities,
        leases=repositories.leases,
        destinations=destinations,
        clock=clock,
    )
    began_at = time.perf_counter()
    accepted = await asyncio.gather(*(_send_all(send, name) for name in destinations))
    seconds = time.perf_counter() - began_at
    assert {*accepted} == {USERS}, accepted
    return USERS / seconds


async def _send_all(send: SendEvents, name: str) -> int:
    accepted = 0
    while accepted < USERS:
        accepted += (await send.send_due(name)).accepted
    return accepted


async def _record_events(repositories: Repositories) -> None:
    """Let each user have an event, and create them the first time."""

    async def record(number: int) -> None:
        loaded = await repositories.identities.load(an_id(number))
        identity: Identity = loaded.value if loaded else _make_identity(number)
        successor = identity.record_event(EventType.USER_BLOCKED, NOW)
        if loaded is None:
            await repositories.identities.add(successor)
        else:
            await repositories.identities.replace(successor, loaded.version)

    await call_in_groups(record, range(USERS), 50)


def _make_identity(number: int) -> Identity:
    identity = an_identity(id=an_id(number), phone=a_phone(number), user=a_user(f"user {number}"))
    return replace(identity, events=UserEvents())


@contextmanager
def _receiver() -> Iterator[str]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs,), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}/events"
    finally:
        process.terminate()
        process.join()


def _serve(port_to: Connection) -> None:
    asyncio.run(_accept_everything(port_to))


async def _accept_everything(port_to: Connection) -> None:
    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with_length = b"content-length:"
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                (length,) = [
                    int(line[len(with_length) :])
                    for line in head.lower().splitlines()
                    if line.startswith(with_length)
                ]
                await reader.readexactly(length)
                writer.write(_RESPONSE)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(respond, "127.0.0.1", 0)
    port_to.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()
