"""Many clients at once that do what the app does while the service has faults."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

import httpx

from tests.e2e.app import Account, App, bearer
from tests.faults.responses import is_success
from tests.support.images import plain_jpeg, still_gif, transparent_png
from tests.support.plain_http import PLAIN_HTTP
from tests.support.service import Service

CLIENTS: Final = 6
RESPONSE_TIMEOUT: Final = 60.0
"""Seconds. All adapter timeouts of one request together are shorter, so it finds only hangs."""
RECONNECT_DELAY: Final = 0.05
"""Seconds after which a client whose connection broke continues."""
BEHIND_A_PROXY: Final = {"DIALTONE_TRUSTED_PROXIES": "127.0.0.1/32"}
"""With this setting each client has an IP of its own."""
IMAGES: Final = (transparent_png(), plain_jpeg(), still_gif())

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class StoredImage:
    """An acknowledged upload: the token that can see it, and the file that is served."""

    token: str
    content: bytes


@dataclass
class Acknowledged:
    """What the service acknowledged. Operations that failed are not in it."""

    users: dict[str, str] = field(default_factory=dict)
    images: dict[str, StoredImage] = field(default_factory=dict)
    deleted_items: dict[str, str] = field(default_factory=dict)
    revoked_tokens: list[str] = field(default_factory=list)

    @property
    def count(self) -> int:
        items = len(self.images) + len(self.deleted_items)
        return items + len(self.users) + len(self.revoked_tokens)


async def assert_acknowledged(http: httpx.AsyncClient, acknowledged: Acknowledged) -> None:
    """Assert that the service has everything that was acknowledged, and nothing deleted."""
    for token, user_id in acknowledged.users.items():
        me = await http.get("/users/me", headers=bearer(token))
        assert (me.status_code, me.json().get("_id")) == (200, user_id)
    for item_id, image in acknowledged.images.items():
        item = await http.get(f"/library/{item_id}", headers=bearer(image.token))
        assert item.status_code == 200
        file = await http.get(item.json()["url"])
        assert len(file.content) == item.json()["bytes"]
        assert file.content == image.content
    for item_id, token in acknowledged.deleted_items.items():
        item = await http.get(f"/library/{item_id}", headers=bearer(token))
        assert item.status_code == 404
    for token in acknowledged.revoked_tokens:
        assert (await http.get("/users/me", headers=bearer(token))).status_code == 401


@dataclass
class Traffic:
    """Clients, what was acknowledged to them, and how many requests failed.

    A broken connection is an error, unless the traffic `survives_broken_connections`: then the
    client reconnects.
    """

    service: Service
    http: httpx.AsyncClient
    acknowledged: Acknowledged = field(default_factory=Acknowledged)
    failed: int = 0
    survives_broken_connections: bool = False
    published: dict[bytes, bytes] = field(default_factory=dict)
    is_stopping: bool = False
    _clients: list[asyncio.Task[None]] = field(default_factory=list)

    async def start(self) -> None:
        """Find out how each image is published, and start the clients."""
        app = App(self.service, self.http)
        account = await app.sign_up(_new_phone())
        for image in IMAGES:
            item = await app.upload_item(account, image)
            self.published[image] = (await self.http.get(item["url"])).content
            assert len(self.published[image]) == item["bytes"]
        self._clients = [asyncio.create_task(self._run(number)) for number in range(CLIENTS)]

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

    async def _run(self, number: int) -> None:
        for visit in itertools.count(number):
            if self.is_stopping:
                return
            image = IMAGES[visit % len(IMAGES)]
            try:
                await self._visit(image, is_legacy=bool(visit % 2), leaves=visit % 5 == 0)
            except httpx.TransportError:
                if not self.survives_broken_connections:
                    raise
                # A client is not notified when the server is available again.
                await asyncio.sleep(RECONNECT_DELAY)

    async def _visit(self, image: bytes, *, is_legacy: bool, leaves: bool) -> None:
        """Sign up, upload twice, list, delete one; sometimes log out or delete the user."""
        account = await self._sign_up(_new_phone(), is_legacy=is_legacy)
        if account is None:
            return
        kept = await self._upload(account, image)
        deleted = await self._upload(account, image)
        listed = await self._list(account)
        if kept and listed is not None:
            assert kept in listed
        if deleted and await self._delete_item(account, deleted):
            listed = await self._list(account)
            assert listed is None or deleted not in listed
        if leaves:
            await self._leave(account, kept, deletes_user=is_legacy)

    async def _sign_up(self, phone: str, *, is_legacy: bool) -> Account | None:
        request_path, verify_path = _LEGACY_PATHS if is_legacy else _MAIN_PATHS
        headers = {"X-Forwarded-For": _new_client_ip()}
        requested = await self.http.post(request_path, json={"phone": phone}, headers=headers)
        if not self._is_success(requested, f"POST {request_path}", 200):
            return None
        code = await asyncio.to_thread(self.service.code, phone)
        body = {"phone": phone, "otp": code}
        verified = await self.http.post(verify_path, json=body, headers=headers)
        if not self._is_success(verified, f"POST {verify_path}", 200):
            return None
        token: str = verified.json()["access_token"]
        body = {"username": f"user {phone}", "number": phone}
        created = await self.http.post("/users", json=body, headers=bearer(token))
        if not self._is_success(created, "POST /users", 201):
            await self._get_me(token, 404)
            return None
        user_id: str = created.json()["user_id"]
        self.acknowledged.users[token] = user_id
        await self._get_me(token)
        return Account(phone, token, user_id)

    async def _get_me(self, token: str, *statuses: int) -> None:
        me = await self.http.get("/users/me", headers=bearer(token))
        self._is_success(me, "GET /users/me", 200, *statuses)

    async def _upload(self, account: Account, image: bytes) -> str | None:
        response = await App(self.service, self.http).upload(account, image)
        if not self._is_success(response, "POST /library/upload", 201):
            return None
        item_id: str = response.json()["id"]
        self.acknowledged.images[item_id] = StoredImage(account.token, self.published[image])
        url = response.json()["url"]
        if url.startswith(self.service.url):
            file = await self.http.get(url)
            if self._is_success(file, "GET /media/{folder}/{name}", 200):
                assert file.content == self.published[image]
        return item_id

    async def _list(self, account: Account) -> list[str] | None:
        page = await self.http.get(
            "/library", params={"user_id": account.user_id}, headers=account.headers
        )
        if not self._is_success(page, "GET /library", 200):
            return None
        return [item["id"] for item in page.json()["items"]]

    async def _delete_item(self, account: Account, item_id: str) -> bool:
        # Until the response arrives, and after an error, the result is unknown.
        del self.acknowledged.images[item_id]
        response = await self.http.delete(f"/library/{item_id}", headers=account.headers)
        if not self._is_success(response, "DELETE /library/{id}", 204):
            return False
        self.acknowledged.deleted_items[item_id] = account.token
        return True

    async def _leave(self, account: Account, kept_item: str | None, *, deletes_user: bool) -> None:
        # Afterwards the token can see nothing.
        acknowledged = self.acknowledged
        del acknowledged.users[account.token]
        if kept_item is not None:
            acknowledged.images.pop(kept_item, None)
        acknowledged.deleted_items = {
            item_id: token
            for item_id, token in acknowledged.deleted_items.items()
            if token != account.token
        }
        operation = "DELETE /users/me" if deletes_user else "POST /auth/logout"
        method, path = operation.split()
        response = await self.http.request(method, path, headers=account.headers)
        if self._is_success(response, operation, 204):
            acknowledged.revoked_tokens.append(account.token)

    def _is_success(self, response: httpx.Response, operation: str, *statuses: int) -> bool:
        success = is_success(response, operation, *statuses)
        self.failed += not success
        return success


@asynccontextmanager
async def run_traffic(
    service: Service, *, survives_broken_connections: bool = False
) -> AsyncIterator[Traffic]:
    """Run traffic during the block, and assert everything acknowledged after it."""
    async with open_client(service) as http:
        traffic = Traffic(service, http, survives_broken_connections=survives_broken_connections)
        await traffic.start()
        try:
            yield traffic
        finally:
            await traffic.stop()
        await assert_acknowledged(http, traffic.acknowledged)
    assert_no_crashed_request(service)


def assert_no_crashed_request(service: Service) -> None:
    """Assert that the log has no unexpected exception."""
    assert '"request_crashed"' not in service.log, service.log


def open_client(service: Service) -> httpx.AsyncClient:
    """Open a client with a timeout above all of the service's own."""
    return httpx.AsyncClient(
        base_url=service.url,
        **PLAIN_HTTP,
        timeout=RESPONSE_TIMEOUT,
        limits=httpx.Limits(max_connections=64),
    )


_MAIN_PATHS: Final = ("/auth/request-otp", "/auth/verify-otp")
_LEGACY_PATHS: Final = ("/authenticate/get_otp", "/authenticate/validate_otp")


def _new_phone() -> str:
    number = next(_numbers)
    return f"+1415{555 + number // 10_000}{number % 10_000:04d}"


def _new_client_ip() -> str:
    return f"203.0.113.{next(_numbers) % 256}"
