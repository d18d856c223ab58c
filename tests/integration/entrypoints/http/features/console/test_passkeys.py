"""The pages of passkeys in the console, without a browser: what the script sends and gets."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from html import unescape
from typing import Final

import httpx
import pytest

from application.administration.operator import operating_system_user
from application.features.staff_passkeys.feature import StaffPasskeysFeature
from entrypoints.http.features.console.request import SESSION_COOKIE
from tests.integration.entrypoints.http.features.console.pages import (
    ADMINISTRATOR,
    CONSOLE,
    Browser,
)
from tests.support.app_harness import PASSKEY_ORIGIN as ORIGIN
from tests.support.app_harness import AppHarness
from tests.support.authenticator import SoftwareAuthenticator
from tests.support.http_app import open_http_client
from tests.support.http_settings import make_http_settings

SIGN_IN: Final = "/console/sign-in/passkey"
ENROL: Final = "/console/passkeys/enrol"


@dataclass
class PasskeyBrowser(Browser):
    """A browser with an authenticator."""

    device: SoftwareAuthenticator = field(default_factory=lambda: SoftwareAuthenticator(ORIGIN))

    async def invite(self) -> str:
        """Return the secret of a link."""
        passkeys = self.harness.use_cases.of(StaffPasskeysFeature)
        operator = operating_system_user("root")
        link = await passkeys.invite(operator, ADMINISTRATOR, "a test")
        return link.partition("#")[2]

    async def enrol(self) -> httpx.Response:
        await self.open(ENROL)
        await self.send(ENROL, secret=await self.invite(), name="laptop")
        return await self.send(ENROL, response=self.device.create(self.options))

    async def sign_in(self, query: str = "") -> httpx.Response:
        await self.open(f"{SIGN_IN}{query}")
        return await self.send(SIGN_IN, response=self.device.get(self.options))

    @property
    def options(self) -> str:
        found = re.search(r'data-options="([^"]*)"', self.page)
        assert found, self.page
        return unescape(found[1])


@pytest.fixture
async def browser() -> AsyncIterator[PasskeyBrowser]:
    harness = AppHarness()
    await harness.add_administrator(ADMINISTRATOR)
    settings = make_http_settings(ORIGIN, CONSOLE)
    async with open_http_client(harness.use_cases, settings) as http:
        http.base_url = httpx.URL(ORIGIN)  # the cookies are only for https
        yield PasskeyBrowser(http, harness, ORIGIN)


async def test_a_link_adds_a_passkey_which_opens_the_page_of_the_link(
    browser: PasskeyBrowser,
) -> None:
    added = await browser.enrol()
    assert (added.status_code, added.headers["location"]) == (
        303,
        "/console/passkeys?done=passkey_added",
    )
    first = browser.http.cookies[SESSION_COOKIE]
    signed_in = await browser.sign_in("?next=/console/audit")
    assert (signed_in.status_code, signed_in.headers["location"]) == (303, "/console/audit")
    assert (await browser.open("/console/passkeys")).status_code == 200
    assert "laptop" in browser.page
    browser.http.cookies.clear()
    browser.http.cookies.set(SESSION_COOKIE, first)
    assert (await browser.open("/console")).status_code == 303, "the former session has ended"


async def test_a_code_opens_no_session_of_somebody_who_has_a_passkey(
    browser: PasskeyBrowser,
) -> None:
    await browser.enrol()
    browser.http.cookies.clear()
    await browser.open("/console/sign-in?next=/console/audit")
    assert f'href="{SIGN_IN}?next=%2Fconsole%2Faudit"' in browser.page
    await browser.send_code(query="?next=/console/audit")
    led = await browser.enter(browser.harness.last_code)
    assert SESSION_COOKIE not in browser.http.cookies
    assert led.headers["location"] == f"{SIGN_IN}?done=passkey_required&next=%2Fconsole%2Faudit"
    await browser.open(led.headers["location"])
    assert "this account needs its passkey" in browser.page
    signed_in = await browser.send(SIGN_IN, response=browser.device.get(browser.options))
    assert signed_in.headers["location"] == "/console/audit"


async def test_what_needs_a_fresh_login_leads_to_the_passkey_and_back(
    browser: PasskeyBrowser,
) -> None:
    await browser.enrol()
    await browser.open("/console/passkeys")
    found = re.search(r"/console/passkeys/\w+/remove", browser.page)
    assert found
    # A session ends 15 minutes after its last use.
    browser.harness.clock.advance(timedelta(minutes=8))
    await browser.open(found[0])
    browser.harness.clock.advance(timedelta(minutes=8))
    led = await browser.open(found[0])
    target = found[0].replace("/", "%2F")
    assert led.headers["location"] == f"{SIGN_IN}?next={target}&again=yes"
    await browser.sign_in(f"?next={found[0]}")
    await browser.open(found[0])
    removed = await browser.send(found[0])
    assert removed.headers["location"] == "/console/passkeys?done=passkey_removed"
    assert (await browser.open("/console")).status_code == 303, "its session has ended"


async def test_what_fails_is_said_and_can_be_tried_again(browser: PasskeyBrowser) -> None:
    secret = await browser.invite()
    await browser.open(ENROL)
    assert (await browser.send(ENROL, secret=secret, name="a" * 51)).status_code == 400
    await browser.send(ENROL, name="laptop")
    browser.device.verifies_user = False
    refused = browser.device.create(browser.options)
    browser.device.verifies_user = True
    assert (await browser.send(ENROL, response=refused)).status_code == 403
    made = browser.device.create(browser.options)
    browser.harness.clock.advance(timedelta(minutes=5))
    late = await browser.send(ENROL, response=made)
    assert (late.status_code, "Try again" in browser.page) == (409, True)
    assert (await browser.send(ENROL)).status_code == 400, "the script did not run"
    assert "Allow scripts for this page" in browser.page
    added = await browser.send(ENROL, response=browser.device.create(browser.options))
    assert added.status_code == 303

    await browser.open(ENROL)
    assert (await browser.send(ENROL, secret=secret, name="laptop")).status_code == 410
    browser.device.sign_count = 0
    await browser.sign_in()
    assert "copy" in browser.page
