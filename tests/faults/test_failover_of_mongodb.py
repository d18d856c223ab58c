"""The primary of a replica set is killed while users sign in: nobody loses a login."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx

from tests.e2e.app import bearer
from tests.faults.faulty_service import FaultyService, run_faulty_service
from tests.faults.traffic import BEHIND_A_PROXY, assert_no_crashed_request, open_client
from tests.support.servers.mongo import MongoProcess, initiate_replica_set

CLIENTS = 8
FAILED_VERIFICATIONS = 5
"""At least. The time of a kill decides how many fail."""
LOGINS_AFTER_KILL = 16
ELECTION_TIMEOUT = 3.0
"""Seconds. It is longer than the timeout of the service, so requests fail."""
RETRY_DELAY = 0.1
"""Seconds after which a client repeats a request that failed."""

_numbers = itertools.count(1)


@dataclass
class Logins:
    """Clients that sign in with new phones, and how many logins and verifications they had."""

    service: FaultyService
    http: httpx.AsyncClient
    completed: int = 0
    failed_verifications: int = 0
    is_stopping: bool = False

    async def run(self, *, has_request_id: bool) -> None:
        while not self.is_stopping:
            number = next(_numbers)
            phone, client_ip = f"+1415562{number:04d}", f"203.0.113.{number % 256}"
            await self._sign_in(phone, client_ip, has_request_id=has_request_id)
            self.completed += 1

    async def until_completed(self, more: int, clients: Sequence[asyncio.Task[None]]) -> None:
        """Wait for so many more logins. Raises the error of the first client that fails."""
        goal = self.completed + more
        while self.completed < goal:
            done, _ = await asyncio.wait(clients, timeout=0.05)
            for client in done:
                client.result()

    async def _sign_in(self, phone: str, client_ip: str, *, has_request_id: bool) -> None:
        async def post(path: str, body: Mapping[str, Any]) -> tuple[dict[str, Any], int]:
            headers = {"X-Forwarded-For": client_ip}
            response, failed = await _until_available(
                lambda: self.http.post(path, json={"phone": phone, **body}, headers=headers)
            )
            assert response.status_code == 200, response.text
            return response.json(), failed

        async def request_otp(number: int) -> dict[str, str]:
            requested, failed = await post("/auth/request-otp", {})
            while not requested["sent"]:
                # Its delivery was saved, but the response of the database was lost.
                assert failed
                self.service.advance_clock(timedelta(seconds=requested["resend_in"]))
                requested, failed = await post("/auth/request-otp", {})
            code = await asyncio.to_thread(self.service.code, phone, number)
            request_id = {"request_id": requested["request_id"]} if has_request_id else {}
            return {"otp": code, **request_id}

        tokens, failed = await post("/auth/verify-otp", await request_otp(1))
        self.failed_verifications += failed
        sessions = 1
        if not tokens["success"]:
            # The session was saved, but the response of the database was lost.
            assert failed
            sessions = 2
            tokens, _ = await post("/auth/verify-otp", await request_otp(2))
            assert tokens["success"], phone
        listed, _ = await _until_available(
            lambda: self.http.get("/auth/sessions", headers=bearer(tokens["access_token"]))
        )
        assert len(listed.json()["sessions"]) >= sessions, listed.text


async def _until_available(
    send: Callable[[], Awaitable[httpx.Response]],
) -> tuple[httpx.Response, int]:
    """Repeat a request until it is not a 503; return its response and the number of failures."""
    failed = 0
    while (response := await send()).status_code == 503:
        failed += 1
        # A client does not know when the database is available again.
        await asyncio.sleep(RETRY_DELAY)
    return response, failed


async def test_no_login_is_lost_when_the_primary_is_killed(
    nodes: list[MongoProcess], tmp_path: Path
) -> None:
    url = initiate_replica_set(nodes, election_timeout=ELECTION_TIMEOUT)
    server, _, options = url.partition("?")
    database = {"DIALTONE_DATABASE": f"{server}dialtone?{options}&timeoutMS=1000"}
    with run_faulty_service(tmp_path / "service", {**database, **BEHIND_A_PROXY}) as service:
        async with open_client(service) as http:
            logins = Logins(service, http)
            clients = [
                asyncio.create_task(logins.run(has_request_id=bool(number % 2)))
                for number in range(CLIENTS)
            ]
            while logins.failed_verifications < FAILED_VERIFICATIONS:
                await logins.until_completed(CLIENTS, clients)
                primary = next(node for node in nodes if not node.server.find_error())
                await asyncio.to_thread(primary.kill)
                await logins.until_completed(LOGINS_AFTER_KILL, clients)
                await asyncio.to_thread(primary.start)
            logins.is_stopping = True
            await asyncio.gather(*clients)
        assert_no_crashed_request(service)
