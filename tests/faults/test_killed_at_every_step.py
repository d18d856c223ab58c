"""The service killed with -9 between every two steps of a sign-in and of an upload.

A step is a call to the database, the files or the sender. After each kill the client does what
people do: it asks again.
"""

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from tests.e2e.app import App
from tests.e2e.deployments import servers
from tests.faults.altered_service import AlteredService, altered
from tests.support.images import decode, transparent_png
from tests.support.plain_http import PLAIN_HTTP
from tests.support.servers.s3_server import S3Bucket, S3Server

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Mortal:
    """A service that dies when it is told to, and a look into its media store."""

    service: AlteredService
    http: httpx.AsyncClient
    stored: Callable[[], list[str]]

    @property
    def app(self) -> App:
        return App(self.service, self.http)

    async def outlives(self, steps: int, request: Awaitable[httpx.Response]) -> bool:
        """Say whether the request was answered in fewer steps; if not, it runs again by now."""
        self.service.die_after(steps)
        try:
            answer = await request
        except httpx.TransportError:
            self.service.kill()
            self.service.live()
            self.service.start()
            return False
        self.service.live()
        assert answer.is_success, answer.text
        return True

    async def ask(self, phone: str) -> httpx.Response:
        return await self.http.post("/auth/request-otp", json={"phone": phone})

    async def answer(self, phone: str, code: str) -> httpx.Response:
        return await self.http.post("/auth/verify-otp", json={"phone": phone, "otp": code})

    def wait(self, seconds: int) -> None:
        """Let so much time pass for the service."""
        self.service.set_clock_off(self.service.clock_off + timedelta(seconds=seconds))

    async def assert_can_sign_in(self, phone: str, code: str) -> str:
        """Fails unless the code signs in, once; gives the token."""
        right = await self.answer(phone, code)
        assert right.json()["success"] is True, right.text
        again = await self.answer(phone, code)
        assert (again.status_code, again.json()["success"]) == (200, False)
        token: str = right.json()["access_token"]
        return token


@pytest.fixture(params=["embedded", "on_servers"])
def world(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[tuple[AlteredService, Callable[[], list[str]]]]:
    media = tmp_path / "media"

    def files() -> list[str]:
        return sorted(one.name for one in media.rglob("*") if one.is_file())

    with ExitStack() as stack:
        if request.param == "embedded":
            yield stack.enter_context(altered(tmp_path)), files
            return
        environ, inbox = stack.enter_context(servers(request))
        server: S3Server = request.getfixturevalue("s3_server")
        prefix = environ["DIALTONE_MEDIA"].rpartition("/")[2]
        yield (
            stack.enter_context(altered(tmp_path, environ, inbox)),
            lambda: S3Bucket(server).keys(f"{prefix}/"),
        )


@pytest.fixture
async def mortal(
    world: tuple[AlteredService, Callable[[], list[str]]],
) -> AsyncIterator[Mortal]:
    service, stored = world
    async with httpx.AsyncClient(base_url=service.url, **PLAIN_HTTP, timeout=30) as http:
        yield Mortal(service, http, stored)


def a_phone() -> str:
    return f"+1415559{next(_numbers):04d}"


async def test_who_asks_again_after_a_kill_at_any_step_can_sign_in(mortal: Mortal) -> None:
    for steps in itertools.count(1):
        phone = a_phone()
        if await mortal.outlives(steps, mortal.ask(phone)):
            break
        again = await mortal.ask(phone)
        assert again.status_code == 200, again.text
        if not mortal.service.messages(phone):
            # It was on record that a message goes out, and nobody knows whether it did.
            assert again.json()["sent"] is False
            mortal.wait(again.json()["resend_in"])
            assert (await mortal.ask(phone)).json()["sent"] is True
        assert len(mortal.service.messages(phone)) == 1
        await mortal.assert_can_sign_in(phone, mortal.service.code(phone))
    assert steps > 3


async def test_who_answers_again_after_a_kill_at_any_step_can_sign_in(mortal: Mortal) -> None:
    for steps in itertools.count(1):
        phone = a_phone()
        assert (await mortal.ask(phone)).status_code == 200
        code = mortal.service.code(phone)
        if await mortal.outlives(steps, mortal.answer(phone, code)):
            break
        again = await mortal.answer(phone, code)
        if again.json()["success"]:
            assert (await mortal.answer(phone, code)).json()["success"] is False
            continue
        # The code was spent; a new one is to be had as soon as any other.
        refused = await mortal.ask(phone)
        assert refused.status_code == 429
        assert int(refused.headers["Retry-After"]) <= 15
        mortal.wait(int(refused.headers["Retry-After"]))
        assert (await mortal.ask(phone)).json()["sent"] is True
        await mortal.assert_can_sign_in(phone, mortal.service.code(phone, 2))
    assert steps > 4


async def test_who_joins_again_after_a_kill_at_any_step_is_the_same_user(mortal: Mortal) -> None:
    for steps in itertools.count(1):
        phone = a_phone()
        headers = {"Authorization": f"Bearer {await mortal.app.sign_in(phone)}"}
        body = {"username": f"user {phone}", "number": phone}

        def join(headers: dict[str, str], body: dict[str, str]) -> Awaitable[httpx.Response]:
            return mortal.http.post("/users", json=body, headers=headers)

        if await mortal.outlives(steps, join(headers, body)):
            break
        again = await join(headers, body)
        assert again.status_code == 201
        me = await mortal.http.get("/users/me", headers=headers)
        assert (me.json()["_id"], me.json()["username"]) == (
            again.json()["user_id"],
            body["username"],
        )
    assert steps > 3


async def test_an_upload_killed_at_any_step_is_shown_whole_or_not_at_all_and_leaves_nothing(
    mortal: Mortal,
) -> None:
    account = await mortal.app.sign_up(a_phone())
    uploaded = 0
    for steps in itertools.count(1):
        is_done = await mortal.outlives(steps, mortal.app.upload(account, transparent_png()))
        if not is_done:
            await mortal.app.upload_item(account, transparent_png())
        page = await mortal.http.get("/library?per_page=100", headers=account.headers)
        # A kill after the last step took the answer alone.
        assert page.json()["total"] in (uploaded + 1, uploaded + 2)
        uploaded = page.json()["total"]
        for item in page.json()["items"]:
            file = await mortal.http.get(item["url"])
            assert len(file.content) == item["bytes"]
            assert decode(file.content).size == (item["width"], item["height"])
        if is_done:
            break
    assert steps > 5
    # After the lease it is doomed, after the longest upload it is gone.
    for _ in range(2):
        mortal.wait(7200)
        swept = mortal.service.run("cleanup")
        assert swept.returncode == 0, swept.stderr
    assert len(mortal.stored()) == uploaded
    page = await mortal.http.get("/library?per_page=100", headers=account.headers)
    assert page.json()["total"] == uploaded


async def test_what_is_removed_again_after_a_kill_at_any_step_is_gone(mortal: Mortal) -> None:
    account = await mortal.app.sign_up(a_phone())
    for steps in itertools.count(1):
        item = await mortal.app.upload_item(account, transparent_png())
        where = f"/library/{item['id']}"
        remove = mortal.http.delete(where, headers=account.headers)
        if await mortal.outlives(steps, remove):
            break
        again = await mortal.http.delete(where, headers=account.headers)
        assert again.status_code in (204, 404)
        assert (await mortal.http.get(where, headers=account.headers)).status_code == 404
    assert steps > 4
    for _ in range(2):
        mortal.wait(7200)
        assert mortal.service.run("cleanup").returncode == 0
    assert mortal.stored() == []
