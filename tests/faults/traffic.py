"""Many clients at once that do what the app does while the service has faults."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Mapping, Set
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from tests.support.client import Account, bearer, upload_form
from tests.support.images import transparent_png
from tests.support.plain_http import PLAIN_HTTP
from tests.support.service import Service

CLIENTS: Final = 6
RESPONSE_TIMEOUT: Final = 60.0
"""Seconds. All adapter timeouts of one request together are shorter, so it finds only hangs."""
BEHIND_A_PROXY: Final = {"DIALTONE_TRUSTED_PROXIES": "127.0.0.1/32"}
"""With this setting each client has an IP of its own."""
IMAGE: Final = transparent_png()
_UNAVAILABLE: Final = {(503, "unavailable"), (503, "overloaded")}
_NOT_STORED: Final = (500, "storage_failed")
_OTHER_ERRORS: Final[Mapping[str, Set[tuple[int, str]]]] = {
    "POST /auth/request-otp": {(503, "delivery_failed")},
    "POST /users": {_NOT_STORED},
    "POST /library/upload": {_NOT_STORED},
    "GET /library": {_NOT_STORED},
}
"""The status and the code of each error of an operation that is not only unavailable."""

_numbers = itertools.count(1)


@dataclass
class Acknowledged:
    """What the service acknowledged. Operations that failed are not in it.

    Attributes:
        users: The id of the user of each token.
        items: The token of the owner of each item.
        deleted_items: The same of those that were deleted.
    """

    users: dict[str, str] = field(default_factory=dict)
    items: dict[str, str] = field(default_factory=dict)
    deleted_items: dict[str, str] = field(default_factory=dict)

    @property
    def count(self) -> int:
        return sum(map(len, (self.users, self.items, self.deleted_items)))


async def assert_acknowledged(http: httpx.AsyncClient, acknowledged: Acknowledged) -> None:
    """Assert that the service has everything that was acknowledged, and nothing deleted."""
    for token, user_id in acknowledged.users.items():
        me = await http.get("/users/me", headers=bearer(token))
        assert (me.status_code, me.json().get("_id")) == (200, user_id)
    files = set()
    for item_id, token in acknowledged.items.items():
        item = await http.get(f"/library/{item_id}", headers=bearer(token))
        assert item.status_code == 200
        file = await http.get(item.json()["url"])
        assert len(file.content) == item.json()["bytes"]
        files.add(file.content)
    assert len(files) <= 1  # all clients upload the same image
    for item_id, token in acknowledged.deleted_items.items():
        item = await http.get(f"/library/{item_id}", headers=bearer(token))
        assert item.status_code == 404


class RequestFailed(Exception):
    """A request got an error that is allowed while a part of the service is unavailable."""


def check(response: httpx.Response, operation: str, status: int) -> Any:
    """Return the body of a response with this status to an operation, which is method and path.

    Raises:
        AssertionError: The response is neither a success nor an error that is allowed.
        RequestFailed
    """
    described = f"{operation}: {response.status_code} {response.text[:300]}"
    if response.status_code == status:
        return response.json() if response.content else None
    body = response.json()
    allowed = _UNAVAILABLE | _OTHER_ERRORS.get(operation, set())
    assert (response.status_code, body["code"]) in allowed, described
    if response.status_code == 503:
        assert int(response.headers["Retry-After"]) == body["retry_after"], described
    raise RequestFailed


@dataclass
class Traffic:
    """Clients, what was acknowledged to them, and how many requests failed.

    A broken connection is an error, unless the traffic `survives_broken_connections`: then the
    client reconnects.
    """

    service: Service
    http: httpx.AsyncClient
    survives_broken_connections: bool = False
    acknowledged: Acknowledged = field(default_factory=Acknowledged)
    failed: int = 0
    is_stopping: bool = False
    _clients: list[asyncio.Task[None]] = field(default_factory=list)

    def start(self) -> None:
        """Start the clients."""
        self._clients = [asyncio.create_task(self._run()) for _ in range(CLIENTS)]

    async def stop(self) -> None:
        """Let every client finish its visit."""
        self.is_stopping = True
        await asyncio.gather(*self._clients)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for a condition. Raises the error of the first client that fails."""
        while not condition():
            done, _ = await asyncio.wait(self._clients, timeout=0.01)
            for client in done:
                client.result()

    async def until_acknowledged(self, more: int) -> None:
        """Wait until so many more operations were acknowledged."""
        goal = self.acknowledged.count + more
        await self.until(lambda: self.acknowledged.count >= goal)

    async def until_failed(self, more: int) -> None:
        """Wait until so many more requests failed."""
        goal = self.failed + more
        await self.until(lambda: self.failed >= goal)

    async def _run(self) -> None:
        while not self.is_stopping:
            try:
                await self._visit()
            except RequestFailed:
                self.failed += 1
            except httpx.TransportError:
                if not self.survives_broken_connections:
                    raise
                await asyncio.sleep(0.05)  # nobody tells a client that the server is there again

    async def _visit(self) -> None:
        """Sign up, upload twice, delete one, list."""
        http, acknowledged = self.http, self.acknowledged
        account = await self._sign_up()
        items = []
        for _ in range(2):
            upload = upload_form(account, IMAGE)
            response = await http.post("/library/upload", headers=account.headers, **upload)
            items.append(check(response, "POST /library/upload", 201)["id"])
            acknowledged.items[items[-1]] = account.token
        # Until the response arrives, and after an error, the result is unknown.
        deleted = items.pop()
        del acknowledged.items[deleted]
        response = await http.delete(f"/library/{deleted}", headers=account.headers)
        check(response, "DELETE /library/{id}", 204)
        acknowledged.deleted_items[deleted] = account.token
        of_user = {"user_id": account.user_id}
        response = await http.get("/library", params=of_user, headers=account.headers)
        assert [item["id"] for item in check(response, "GET /library", 200)["items"]] == items

    async def _sign_up(self) -> Account:
        number = next(_numbers)
        phone = f"+1415{555 + number // 10_000}{number % 10_000:04d}"
        headers = {"X-Forwarded-For": f"203.0.113.{number % 256}"}
        body = {"phone": phone}
        requested = await self.http.post("/auth/request-otp", json=body, headers=headers)
        check(requested, "POST /auth/request-otp", 200)
        body["otp"] = await asyncio.to_thread(self.service.code, phone)
        verified = await self.http.post("/auth/verify-otp", json=body, headers=headers)
        token: str = check(verified, "POST /auth/verify-otp", 200)["access_token"]
        body = {"username": f"user {phone}", "number": phone}
        created = await self.http.post("/users", json=body, headers=bearer(token))
        user_id: str = check(created, "POST /users", 201)["user_id"]
        self.acknowledged.users[token] = user_id
        return Account(phone, token, user_id)


@asynccontextmanager
async def run_traffic(
    service: Service, *, survives_broken_connections: bool = False
) -> AsyncIterator[Traffic]:
    """Run traffic during the block, and assert everything acknowledged after it."""
    async with open_client(service) as http:
        traffic = Traffic(service, http, survives_broken_connections)
        traffic.start()
        try:
            yield traffic
        finally:
            await traffic.stop()
        await assert_acknowledged(http, traffic.acknowledged)
    assert '"request_crashed"' not in service.log, service.log


def open_client(service: Service) -> httpx.AsyncClient:
    """Open a client with a timeout above all of the service's own."""
    limits = httpx.Limits(max_connections=300)
    return httpx.AsyncClient(
        base_url=service.url, **PLAIN_HTTP, timeout=RESPONSE_TIMEOUT, limits=limits
    )
