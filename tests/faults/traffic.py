"""Many clients at once, each of whom does what the app does, whatever becomes of the service."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from tests.e2e.app import Account, App, bearer
from tests.faults.acknowledged import Acknowledged, Kept, assert_all_is_there
from tests.faults.answers import is_done
from tests.support.images import plain_jpeg, still_gif, transparent_png
from tests.support.plain_http import PLAIN_HTTP
from tests.support.service import Service

CALLERS: Final = 6
PATIENCE: Final = 60.0
"""Seconds for one answer: above what all the calls of a request may take together, as the settings
of the adapters bound them. It finds what hangs, and judges no speed."""
BETWEEN_CONNECTIONS: Final = 0.05
"""Seconds after which a client whose connection broke comes again."""
BEHIND_A_PROXY: Final = {"DIALTONE_TRUSTED_PROXIES": "127.0.0.1/32"}
"""With it each client has an address of its own, as in the world."""
PICTURES: Final = (transparent_png(), plain_jpeg(), still_gif())

_numbers = itertools.count(1)


@dataclass
class Traffic:
    """What clients do, what they were told, and how often they were refused.

    Connections that break fail it, unless it `outlives_breaks`: then these are counted, and the
    client begins anew.
    """

    service: Service
    http: httpx.AsyncClient
    told: Acknowledged = field(default_factory=Acknowledged)
    refused: int = 0
    broken: int = 0
    outlives_breaks: bool = False
    account: Account | None = None
    item_id: str = ""
    list_published: dict[bytes, bytes] = field(default_factory=dict)
    has_ended: bool = False
    _callers: list[asyncio.Task[None]] = field(default_factory=list)

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Let it go on until this is so; fails with the first client that was told wrong."""
        while not is_so():
            done, _ = await asyncio.wait(self._callers, timeout=0.01)
            for principal in done:
                principal.result()

    async def until_acknowledged(self, more: int) -> None:
        """Let it go on until so much more was done."""
        goal = self.told.count + more
        await self.until(lambda: self.told.count >= goal)

    async def until_refused(self, more: int) -> None:
        """Let it go on until so many more requests were refused."""
        goal = self.refused + more
        await self.until(lambda: self.refused >= goal)

    async def assert_refused_everywhere(self) -> None:
        """Fails unless each path says in its own words that the database is away."""
        assert self.account is not None
        phone, user = self.account.phone, {"user_id": self.account.user_id}
        name, item = {"username": "Somebody", "number": phone}, f"/library/{self.item_id}"
        file = {"file": ("a.gif", still_gif(), "image/gif")}
        code = {"phone": phone, "otp": "123456"}
        asked: list[tuple[str, str, dict[str, Any]]] = [
            ("POST /auth/request-otp", "/auth/request-otp", {"json": {"phone": phone}}),
            ("POST /auth/verify-otp", "/auth/verify-otp", {"json": code}),
            ("POST /auth/logout", "/auth/logout", {}),
            ("POST /authenticate/get_otp", "/authenticate/get_otp", {"json": {"phone": phone}}),
            ("POST /authenticate/validate_otp", "/authenticate/validate_otp", {"json": code}),
            ("POST /users", "/users", {"json": name}),
            ("GET /users/me", "/users/me", {}),
            ("DELETE /users/me", "/users/me", {}),
            ("POST /library/upload", "/library/upload", {"files": file, "data": user}),
            ("GET /library", "/library", {}),
            ("DELETE /library/{id}", item, {}),
            ("GET /media/{key}", f"/media/{'0' * 32}.png", {}),
        ]
        headers = self.account.headers
        answers = await asyncio.gather(
            *(
                self.http.request(what.split()[0], path, headers=headers, **sent)
                for what, path, sent in asked
            )
        )
        for (what, _, _), answer in zip(asked, answers, strict=True):
            assert not is_done(answer, what)

    async def begin(self, callers: int = CALLERS) -> None:
        """Find out how pictures are published, while all is well, and let the clients loose."""
        app = App(self.service, self.http)
        self.account = account = await app.sign_up(_phone())
        for picture in PICTURES:
            item = await app.upload_item(account, picture)
            self.item_id = item["id"]
            self.list_published[picture] = (await self.http.get(item["url"])).content
            assert len(self.list_published[picture]) == item["bytes"]
        self._callers = [asyncio.create_task(self._live(number)) for number in range(callers)]

    async def end(self) -> None:
        """Let every client end what it is doing."""
        self.has_ended = True
        await asyncio.gather(*self._callers)

    async def _live(self, number: int) -> None:
        for turn in itertools.count(number):
            if self.has_ended:
                return
            picture = PICTURES[turn % len(PICTURES)]
            try:
                await self._visit(picture, is_older=bool(turn % 2), leaves=turn % 5 == 0)
            except httpx.TransportError:
                if not self.outlives_breaks:
                    raise
                self.broken += 1
                # Nothing tells a client when its server is back.
                await asyncio.sleep(BETWEEN_CONNECTIONS)

    async def _visit(self, picture: bytes, *, is_older: bool, leaves: bool) -> None:
        """Join, upload twice, look, remove one, and sometimes leave in one way or the other."""
        account = await self._join(_phone(), is_older=is_older)
        if account is None:
            return
        kept = await self._upload(account, picture)
        gone = await self._upload(account, picture)
        shown = await self._list(account)
        if kept and shown is not None:
            assert kept in shown
        if gone and await self._remove(account, gone):
            shown = await self._list(account)
            assert shown is None or gone not in shown
        if leaves:
            await self._leave(account, for_good=is_older, pictures=[kept])

    async def _join(self, phone: str, *, is_older: bool) -> Account | None:
        ask, answer, field_names = _OLDER if is_older else _MAIN
        where = {"X-Forwarded-For": _address()}
        asked = await self.http.post(ask, json={"phone": phone}, headers=where)
        if not self._is_done(asked, f"POST {ask}", 200):
            return None
        code = await asyncio.to_thread(self.service.code, phone)
        given = dict(zip(field_names, (phone, code), strict=True))
        verified = await self.http.post(answer, json=given, headers=where)
        if not self._is_done(verified, f"POST {answer}", 200):
            return None
        token: str = verified.json()["access_token"]
        body = {"username": f"user {phone}", "number": phone}
        created = await self.http.post("/users", json=body, headers=bearer(token))
        if not self._is_done(created, "POST /users", 201):
            await self._see(token, 404)
            return None
        user_id: str = created.json()["user_id"]
        self.told.users[token] = user_id
        await self._see(token)
        return Account(phone, token, user_id)

    async def _see(self, token: str, *also: int) -> None:
        me = await self.http.get("/users/me", headers=bearer(token))
        self._is_done(me, "GET /users/me", 200, *also)

    async def _upload(self, account: Account, picture: bytes) -> str | None:
        answer = await App(self.service, self.http).upload(account, picture)
        if not self._is_done(answer, "POST /library/upload", 201):
            return None
        item_id: str = answer.json()["id"]
        self.told.pictures[item_id] = Kept(account.token, self.list_published[picture])
        url = answer.json()["url"]
        if url.startswith(self.service.url):
            file = await self.http.get(url)
            if self._is_done(file, "GET /media/{key}", 200):
                assert file.content == self.list_published[picture]
        return item_id

    async def _list(self, account: Account) -> list[str] | None:
        page = await self.http.get(
            "/library", params={"user_id": account.user_id}, headers=account.headers
        )
        if not self._is_done(page, "GET /library", 200):
            return None
        return [item["id"] for item in page.json()["items"]]

    async def _remove(self, account: Account, item_id: str) -> bool:
        # Until the answer is there nobody knows, nor after a refusal.
        del self.told.pictures[item_id]
        answer = await self.http.delete(f"/library/{item_id}", headers=account.headers)
        if not self._is_done(answer, "DELETE /library/{id}", 204):
            return False
        self.told.deleted[item_id] = account.token
        return True

    async def _leave(self, account: Account, *, for_good: bool, pictures: list[str | None]) -> None:
        del self.told.users[account.token]
        for item_id in [*pictures, *self.told.deleted]:
            # Who has left cannot look any more.
            if item_id in self.told.pictures and self.told.pictures[item_id].token == account.token:
                del self.told.pictures[item_id]
            elif item_id and self.told.deleted.get(item_id) == account.token:
                del self.told.deleted[item_id]
        what = "DELETE /users/me" if for_good else "POST /auth/logout"
        method, path = what.split()
        answer = await self.http.request(method, path, headers=account.headers)
        if self._is_done(answer, what, 204):
            self.told.signed_out.append(account.token)

    def _is_done(self, answer: httpx.Response, what: str, *done: int) -> bool:
        is_done_ = is_done(answer, what, *done)
        self.refused += not is_done_
        return is_done_


@asynccontextmanager
async def traffic_at(service: Service, *, outlives_breaks: bool = False) -> AsyncIterator[Traffic]:
    """Traffic until the end of the block; then all that was acknowledged has to be there.

    The log may contain no unhandled exception.
    """
    async with client_of(service) as http:
        traffic = Traffic(service, http, outlives_breaks=outlives_breaks)
        await traffic.begin()
        try:
            yield traffic
        finally:
            await traffic.end()
        await assert_all_is_there(http, traffic.told)
    assert '"request_crashed"' not in service.log, service.log


def client_of(service: Service) -> httpx.AsyncClient:
    """A client that waits for its answers as long as they may take."""
    limits = httpx.Limits(max_connections=64)
    return httpx.AsyncClient(base_url=service.url, **PLAIN_HTTP, timeout=PATIENCE, limits=limits)


_MAIN: Final = ("/auth/request-otp", "/auth/verify-otp", ("phone", "otp"))
_OLDER: Final = ("/authenticate/get_otp", "/authenticate/validate_otp", ("phone", "otp"))


def _phone() -> str:
    return f"+1415{555 + (number := next(_numbers)) // 10_000}{number % 10_000:04d}"


def _address() -> str:
    return f"203.0.113.{next(_numbers) % 256}"
