"""The web console over fakes, in a browser, and in that of somebody who is signed in."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any, Final

import httpx

from adapters.databases.records.features.console import make_console_repositories
from domain.features.console import SECRET_BYTES, ConsoleSession, format_cookie, make_form_token
from domain.identities.passkey import Passkey
from domain.identities.role import Role
from domain.otp.challenge import CHALLENGE_ID_BYTES
from domain.phone import PhoneNumber
from domain.secret_hash import hash_secret
from entrypoints.http.features.console.request import SESSION_COOKIE
from tests.support.app_harness import AppHarness
from tests.support.builders import a_phone
from tests.support.http_app import open_http_client
from tests.support.http_settings import AppSettings, make_http_settings
from tests.support.stored_values import replace_stored

ORIGIN: Final = "http://service"
CONSOLE: Final = {"DIALTONE_WEB_CONSOLE": "yes"}
ADMINISTRATOR: Final = a_phone(2)
_SESSION_ID: Final = "00" * CHALLENGE_ID_BYTES
_SECRET: Final = "55" * SECRET_BYTES


@dataclass
class Browser:
    """A browser that sends the form of the page that it shows."""

    http: httpx.AsyncClient
    harness: AppHarness
    origin: str
    page: str = ""

    async def open(self, path: str) -> httpx.Response:
        return self._show(await self.http.get(path))

    async def send(self, path: str, **fields: str) -> httpx.Response:
        form = dict(re.findall(r'name="(\w+)" (?:type="text" )?value="([^"]*)"', self.page))
        headers = {"Origin": self.origin}
        return self._show(await self.http.post(path, data=form | fields, headers=headers))

    async def send_code(
        self, phone: PhoneNumber = ADMINISTRATOR, query: str = ""
    ) -> httpx.Response:
        """Go to the sign-in, and ask for a code."""
        await self.open(f"/console/sign-in{query}")
        return await self.send("/console/sign-in", phone=phone.e164)

    async def enter(self, code: str) -> httpx.Response:
        """Enter a code in the page that `send_code` returned."""
        return await self.send("/console/sign-in/verify", otp=code)

    def _show(self, response: httpx.Response) -> httpx.Response:
        self.page = response.text
        return response


@dataclass(frozen=True, slots=True)
class ConsoleDriver:
    """A browser, and the service behind it."""

    http: httpx.AsyncClient
    harness: AppHarness
    administrator_id: str

    async def get(self, path: str) -> httpx.Response:
        """Load a page below `/console`."""
        return await self.http.get(f"/console{path}")

    async def post(self, path: str, **fields: str) -> httpx.Response:
        """Send a form of a page, with its token."""
        form = {"form_token": make_form_token(format_cookie(_SESSION_ID, _SECRET)), **fields}
        headers = {"Origin": ORIGIN}
        return await self.http.post(f"/console{path}", data=form, headers=headers)


@asynccontextmanager
async def open_console(
    harness: AppHarness,
    *,
    role: Role = Role.ADMINISTRATOR,
    has_passkey: bool = False,
    **settings: Any,
) -> AsyncIterator[ConsoleDriver]:
    """Open the application in the block, for somebody with this role, with these settings of HTTP.

    Its clock must not be advanced by 15 minutes, which end the session. The administrator used an
    app more than a week ago, so no page of numbers has it.
    """
    administrator = await harness.add_administrator(ADMINISTRATOR)
    harness.clock.advance(timedelta(days=8))
    if role is not Role.ADMINISTRATOR:
        actions = harness.identities.operator_actions
        await actions.change_role(administrator.identity.id, role)
    identity = harness.database.identities[administrator.identity.id].value
    now, passkey = harness.clock.now(), None
    if has_passkey:
        passkey = Passkey(
            credential_id=b"1", public_key=b"2", sign_count=0, name="key", created_at=now
        )
        identities = harness.database.repositories().identities
        identity = identity.add_console_passkey(passkey)
        await replace_stored(identities, identity)
    session = ConsoleSession(
        id=_SESSION_ID,
        secret_hash=hash_secret(_SECRET),
        identity_id=identity.id,
        session_version=identity.session_version,
        created_at=now,
        last_used_at=now,
        passkey_id=passkey.id if passkey else None,
    )
    await make_console_repositories(harness.database.stores).sessions.add(session)
    async with open_http_client(harness.use_cases, _with_console(**settings)) as http:
        http.cookies.set(SESSION_COOKIE, format_cookie(_SESSION_ID, _SECRET))
        yield ConsoleDriver(http, harness, identity.id)


@cache
def _with_console(**settings: Any) -> AppSettings:
    return make_http_settings(ORIGIN, CONSOLE, **settings)
