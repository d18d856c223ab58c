"""The service killed in the middle of everything: what it acknowledged is there."""

import asyncio
import itertools
from pathlib import Path

import httpx

from tests.e2e.app import App
from tests.faults.acknowledged import Acknowledged, Kept, assert_all_is_there
from tests.support.images import transparent_png
from tests.support.plain_http import PLAIN_HTTP
from tests.support.service import Service

MAX_RETRIES = 3
CALLERS = 6
ACKNOWLEDGED_BEFORE_KILL = 40

_numbers = itertools.count(1)


async def live(app: App, told: Acknowledged) -> None:
    """Join, upload, delete, sign out, again and again, until the service is gone."""
    while True:
        phone = f"+1415555{next(_numbers):04d}"
        account = await app.sign_up(phone)
        told.users[account.token] = account.user_id
        kept = await app.upload_item(account, transparent_png())
        told.pictures[kept["id"]] = Kept(account.token)
        gone = await app.upload_item(account, transparent_png())
        answer = await app.http.delete(f"/library/{gone['id']}", headers=account.headers)
        if answer.status_code == 204:
            told.deleted[gone["id"]] = account.token
        other = await app.sign_up(f"+1415557{next(_numbers):04d}")
        out = await app.http.post("/auth/logout", headers=other.headers)
        if out.status_code == 204:
            told.signed_out.append(other.token)


async def killed_in_the_middle(service: Service, told: Acknowledged) -> None:
    async with httpx.AsyncClient(base_url=service.url, **PLAIN_HTTP, timeout=20) as http:
        before = told.count
        callers = [asyncio.create_task(live(App(service, http), told)) for _ in range(CALLERS)]
        while told.count < before + ACKNOWLEDGED_BEFORE_KILL:
            done, _ = await asyncio.wait(callers, timeout=0.01)
            for principal in done:
                principal.result()
        service.kill()
        outcomes = await asyncio.gather(*callers, return_exceptions=True)
    # Each was stopped by the kill: by a broken connection, or in wait for a message.
    assert all(isinstance(one, httpx.TransportError | AssertionError) for one in outcomes)


async def assert_is_there(service: Service, told: Acknowledged) -> None:
    async with httpx.AsyncClient(base_url=service.url, **PLAIN_HTTP, timeout=20) as http:
        await assert_all_is_there(http, told)


async def test_what_was_acknowledged_before_a_kill_is_there_after_it(tmp_path: Path) -> None:
    service = Service(tmp_path)
    told = Acknowledged()
    for _ in range(MAX_RETRIES):
        service.start()
        await killed_in_the_middle(service, told)
    service.start()
    await assert_is_there(service, told)
    swept = service.run("cleanup")
    assert swept.returncode == 0, swept.stderr
    await assert_is_there(service, told)
    assert service.stop() == 0


async def test_requests_under_way_finish_when_it_is_told_to_stop(tmp_path: Path) -> None:
    service = Service(tmp_path).start()
    async with httpx.AsyncClient(base_url=service.url, **PLAIN_HTTP, timeout=20) as http:
        account = await App(service, http).sign_up("+14155580001")
        uploads = [
            asyncio.create_task(App(service, http).upload(account, transparent_png()))
            for _ in range(8)
        ]
        await asyncio.wait(uploads, return_when=asyncio.FIRST_COMPLETED)
        exit_code = await asyncio.to_thread(service.stop)
        outcomes = await asyncio.gather(*uploads, return_exceptions=True)
    assert exit_code == 0
    # A connection that was not served any more is no answer; a half one would be an error here.
    assert all(
        isinstance(one, httpx.ConnectError | httpx.RemoteProtocolError | httpx.ReadError)
        or (isinstance(one, httpx.Response) and one.status_code == 201)
        for one in outcomes
    )
