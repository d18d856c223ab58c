"""A replica set of three nodes without a primary: some requests wait, all others fail at once."""

import asyncio
import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from adapters.mongo.primary import MAX_WAITING_REQUESTS
from tests.e2e.app import Account, App
from tests.support.plain_http import PLAIN_HTTP
from tests.support.servers.mongo import MongoProcess, initiate_replica_set
from tests.support.service import Service, running

SURPLUS: Final = 100
ELECTION_TIMEOUT: Final = 4.0
AT_ONCE: Final = 1.5
"""Seconds, also on a busy machine; far below the election."""


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[list[MongoProcess]]:
    with ExitStack() as stack:
        yield [
            stack.enter_context(MongoProcess(tmp_path / f"node{number}", alone=False))
            for number in range(3)
        ]


@pytest.fixture
def service(nodes: list[MongoProcess], tmp_path: Path) -> Iterator[Service]:
    url = initiate_replica_set(nodes, election_timeout=ELECTION_TIMEOUT)
    database = url.replace("/?", "/dialtone?")
    settings = {
        "DIALTONE_DATABASE": database,
        "DIALTONE_REQUEST_LIMIT_PER_IDENTITY": "10000/1m",
        "DIALTONE_SMS_LIMIT_PER_IP": "1000/1h",
    }
    with running(tmp_path, settings) as service:
        yield service


@contextmanager
def no_majority(nodes: list[MongoProcess]) -> Iterator[None]:
    """Kill the primary; no other node is elected until the end of the block."""
    primary = next(node for node in nodes if not node.server.find_error())
    voter = next(node for node in nodes if node is not primary)
    voter.pause()
    try:
        primary.kill()
        yield
    finally:
        voter.resume()


async def request_many(http: httpx.AsyncClient, account: Account) -> list[httpx.Response]:
    """Read and write at once, more often than requests may wait."""

    async def request(number: int) -> httpx.Response:
        if number % 2:
            return await http.get("/users/me", headers=account.headers)
        return await http.post("/auth/request-otp", json={"phone": f"+1415558{number:04d}"})

    return await asyncio.gather(*map(request, range(MAX_WAITING_REQUESTS + SURPLUS)))


def http_lines(service: Service) -> list[Mapping[str, Any]]:
    """Return what the service has logged of its requests."""
    return [json.loads(line) for line in service.log.splitlines() if '"http_request"' in line]


def durations(service: Service, ids: list[str], status: int) -> list[float]:
    """Return what the service measured: the client is slow with so many requests at once."""
    return [
        line["duration_ms"] / 1000
        for line in http_lines(service)
        if line["request_id"] in ids and line["status"] == status
    ]


async def test_in_an_election_200_requests_wait_and_succeed_and_all_others_fail_at_once(
    service: Service, nodes: list[MongoProcess]
) -> None:
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(
        base_url=service.url, timeout=40, limits=limits, **PLAIN_HTTP
    ) as http:
        account = await App(service, http).sign_up("+14155570001")
        service.wait_for(lambda: http_lines(service)[-1]["status"] == 201)
        earlier = len(http_lines(service))
        with no_majority(nodes):
            await asyncio.sleep(0.3)  # the driver sees the closed connections
            sent = asyncio.create_task(request_many(http, account))
            # A new primary comes when all others have failed, however slow this machine is.
            await asyncio.to_thread(
                service.wait_for, lambda: len(http_lines(service)) >= earlier + SURPLUS
            )
            assert {line["status"] for line in http_lines(service)[earlier:]} == {503}
        responses = await sent

    failed = [response for response in responses if response.status_code == 503]
    assert len(failed) == SURPLUS
    assert [response.status_code for response in responses].count(200) == MAX_WAITING_REQUESTS
    assert all(int(response.headers["retry-after"]) > 0 for response in failed)
    assert all(response.json()["code"] == "unavailable" for response in failed)
    ids = [response.headers["x-request-id"] for response in responses]
    service.wait_for(lambda: all(request_id in service.log for request_id in ids))
    assert max(durations(service, ids, 503)) < AT_ONCE
