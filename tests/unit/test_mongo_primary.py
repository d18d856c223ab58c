"""Calls while a replica set has no primary."""

import asyncio
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from adapters.mongo.deadline import Deadline
from adapters.mongo.primary import MAX_WAITING_REQUESTS, Primary
from application.ports.current_request import CURRENT_REQUEST, CurrentRequest
from application.ports.errors import StorageUnavailable


@pytest.fixture(autouse=True)
def no_request() -> Iterator[None]:
    token = CURRENT_REQUEST.set(None)
    yield
    CURRENT_REQUEST.reset(token)


async def change(
    primary: Primary, *, has_primary: bool, kind: str = "ReplicaSetNoPrimary", client: int = 0
) -> None:
    def description(writable: bool) -> Any:
        return SimpleNamespace(topology_type_name=kind, has_writable_server=lambda: writable)

    event: Any = SimpleNamespace(
        topology_id=client,
        previous_description=description(not has_primary),
        new_description=description(has_primary),
    )
    primary.description_changed(event)
    await asyncio.sleep(0)


async def wait_as(primary: Primary, request: CurrentRequest, calls: int = 1) -> None:
    CURRENT_REQUEST.set(request)
    await asyncio.gather(*(primary.wait() for _ in range(calls)))


async def fill(primary: Primary) -> list[asyncio.Task[None]]:
    waiting = [
        asyncio.create_task(wait_as(primary, CurrentRequest({}), 3))
        for _ in range(MAX_WAITING_REQUESTS)
    ]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return waiting


async def test_a_request_counts_once_however_many_calls_it_makes() -> None:
    primary = Primary()
    await change(primary, has_primary=False)
    waiting = await fill(primary)

    with pytest.raises(StorageUnavailable, match="no primary"):
        await wait_as(primary, CurrentRequest({}))

    assert not any(task.done() for task in waiting)
    await change(primary, has_primary=True)
    await asyncio.gather(*waiting)
    await primary.wait()


async def test_a_canceled_request_makes_room_for_another() -> None:
    primary = Primary()
    await change(primary, has_primary=False)
    waiting = await fill(primary)
    waiting[0].cancel()
    await asyncio.wait([waiting[0]])

    waiting[0] = asyncio.create_task(wait_as(primary, CurrentRequest({})))
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    assert not waiting[0].done()
    await change(primary, has_primary=True)
    await asyncio.gather(*waiting)


async def test_calls_under_way_are_limited_when_the_primary_is_lost() -> None:
    primary = Primary()
    replied = asyncio.Event()

    async def call() -> None:
        CURRENT_REQUEST.set(CurrentRequest({}))
        async with asyncio.timeout(60) as timeout:
            primary.add_call(timeout)
            await replied.wait()

    calls = [asyncio.create_task(call()) for _ in range(MAX_WAITING_REQUESTS + 50)]
    await asyncio.sleep(0)

    await change(primary, has_primary=False)
    failed, _ = await asyncio.wait(calls, return_when=asyncio.FIRST_EXCEPTION)
    with pytest.raises(StorageUnavailable):
        await wait_as(primary, CurrentRequest({}))
    replied.set()
    results = await asyncio.gather(*calls, return_exceptions=True)

    assert failed
    assert results[:MAX_WAITING_REQUESTS] == [None] * MAX_WAITING_REQUESTS
    assert all(isinstance(result, TimeoutError) for result in results[MAX_WAITING_REQUESTS:])


@pytest.mark.parametrize("kind", ["Single", "Sharded", "Unknown"])
async def test_only_replica_sets_have_elections(kind: str) -> None:
    primary = Primary()
    await primary.wait()

    await change(primary, has_primary=False, kind=kind)

    assert not primary.is_lost


async def test_a_primary_is_found_when_all_clients_have_found_it() -> None:
    primary = Primary()
    for client in (1, 2):
        await change(primary, has_primary=False, client=client)

    await change(primary, has_primary=True, client=2)
    assert primary.is_lost
    await change(primary, has_primary=True, client=1)
    assert not primary.is_lost


async def test_a_deadline_that_is_moved_ends_a_future() -> None:
    result: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    deadline = Deadline(result, 60, TimeoutError)

    deadline.reschedule(deadline.when() - 60)

    with pytest.raises(TimeoutError):
        await result
