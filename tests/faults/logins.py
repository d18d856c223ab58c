"""Clients that sign in while a database fails over: nobody loses a login."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import httpx

from tests.faults.faulty_service import FaultyService
from tests.faults.traffic import assert_no_crashed_request, open_client
from tests.support.client import bearer

CLIENTS: Final = 8
FAILED_VERIFICATIONS: Final = 5
"""At least. The time of a kill decides how many fail."""
LOGINS_AFTER_FAILOVER: Final = 16
RETRY_DELAY: Final = 0.1
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
    clients: list[asyncio.Task[None]] = field(default_factory=list)

    async def run(self, *, has_request_id: bool) -> None:
        while not self.is_stopping:
            number = next(_numbers)
            phone, client_ip = f"+1415562{number:04d}", f"203.0.113.{number % 256}"
            await self._sign_in(phone, client_ip, has_request_id=has_request_id)
            self.completed += 1

    async def until_completed(self, more: int) -> None:
        """Wait for so many more logins. Raises the error of the first client that fails."""
        goal = self.completed + more
        while self.completed < goal:
            done, _ = await asyncio.wait(self.clients, timeout=0.05)
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


@asynccontextmanager
async def run_logins(service: FaultyService) -> AsyncIterator[Logins]:
    """Let clients sign in during the block."""
    async with open_client(service) as http:
        logins = Logins(service, http)
        logins.clients = [
            asyncio.create_task(logins.run(has_request_id=bool(number % 2)))
            for number in range(CLIENTS)
        ]
        await logins.until_completed(CLIENTS)
        yield logins
        logins.is_stopping = True
        await asyncio.gather(*logins.clients)
    assert_no_crashed_request(service)


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
