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
from tests.integration.entrypoints.http.features.console.pages import ADMINISTRATOR, CONSOLE
from tests.support.app_harness import PASSKEY_ORIGIN as ORIGIN
from tests.support.app_harness import AppHarness
from tests.support.authenticator import SoftwareAuthenticator
from tests.support.http_app import open_http_client
from tests.support.http_settings import make_http_settings

SIGN_IN: Final = "/console/sign-in/passkey"
ENROL: Final = "/console/passkeys/enrol"


@dataclass
class Browser:
    """A browser with an authenticator. It sends the form of the page that it shows."""

    http: httpx.AsyncClient
    harness: AppHarness
    device: SoftwareAuthenticator = field(default_factory=lambda: SoftwareAuthenticator(ORIGIN))
    page: str = ""

    async def open(self, path: str) -> httpx.Response:
        return self._show(await self.http.get(path))

    async def send(self, path: str, **fields: str) -> httpx.Response:
        form = dict(re.findall(r'name="(\w+)" (?:type="text" )?value="([^"]*)"', self.page))
        headers = {"Origin": ORIGIN}
        return self._show(await self.http.post(path, data=form | fields, headers=headers))

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

    async def enter_code(self, target: str = "/console/audit") -> httpx.Response:
        """Sign in with the right code of a message."""
        await self.open(f"/console/sign-in?next={target}")
        await self.send("/console/sign-in", phone=ADMINISTRATOR.e164)
        return await self.send("/console/sign-in/verify", otp=self.harness.last_code)

    @property
    def options(self) -> str:
        found = re.search(r'data-options="([^"]*)"', self.page)
        assert found, self.page
        return unescape(found[1])

    def _show(self, response: httpx.Response) -> httpx.Response:
        self.page = response.text
        return response


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    harness = AppHarness()
    await harness.add_administrator(ADMINISTRATOR)
    settings = make_http_settings(ORIGIN, CONSOLE)
    async with open_http_client(harness.use_cases, settings) as http:
        http.base_url = httpx.URL(ORIGIN)  # the cookies are only for https
        yield Browser(http, harness)


async def test_a_link_adds_a_passkey_which_opens_the_page_of_the_link(browser: Browser) -> None:
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


async def test_a_code_opens_no_session_of_somebody_who_has_a_passkey(browser: Browser) -> None:
    await browser.enrol()
    browser.http.cookies.clear()
    await browser.open("/console/sign-in?next=/console/audit")
    assert f'href="{SIGN_IN}?next=%2Fconsole%2Faudit"' in browser.page
    led = await browser.enter_code()
    assert SESSION_COOKIE not in browser.http.cookies
    assert led.headers["location"] == f"{SIGN_IN}?done=passkey_required&next=%2Fconsole%2Faudit"
    await browser.open(led.headers["location"])
    assert "this account needs its passkey" in browser.page
    signed_in = await browser.send(SIGN_IN, response=browser.device.get(browser.options))
    assert signed_in.headers["location"] == "/console/audit"


async def test_who_needs_a_passkey_and_has_none_is_told_who_makes_a_link(browser: Browser) -> None:
    browser.harness.use_cases.identities.extensions.needs_passkey = lambda _: True
    led = await browser.enter_code()
    assert SESSION_COOKIE not in browser.http.cookies
    await browser.open(led.headers["location"])
    assert "needs a passkey, and has none" in browser.page
    assert "dialtone user passkey-invite" in browser.page


async def test_what_needs_a_fresh_login_leads_to_the_passkey_and_back(browser: Browser) -> None:
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


async def test_what_needs_a_passkey_leads_from_a_session_by_code_to_it_and_back(
    browser: Browser,
) -> None:
    await browser.enter_code("/console/passkeys")
    await browser.open("/console/passkeys")
    led = await browser.send("/console/passkeys/0123456789abcdef/remove")
    assert led.headers["location"].startswith(f"{SIGN_IN}?done=passkey_needed&next=%2Fconsole")


async def test_what_fails_is_said_and_can_be_tried_again(browser: Browser) -> None:
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


async def test_another_name_can_be_chosen_for_the_second_passkey(browser: Browser) -> None:
    await browser.enrol()
    await browser.open(f"{ENROL}?with=passkey")
    first = browser.device
    await browser.send(ENROL, response=first.get(browser.options), name="laptop")
    browser.device = SoftwareAuthenticator(ORIGIN, credential_id=bytes(16))
    again = await browser.send(ENROL, response=browser.device.create(browser.options))
    assert (again.status_code, "Another passkey has this name" in browser.page) == (400, True)
    await browser.send(ENROL, name="key")
    added = await browser.send(ENROL, response=browser.device.create(browser.options))
    assert added.status_code == 303
    await browser.open("/console/passkeys")
    assert re.findall(r'<th scope="row">(\w+)', browser.page) == ["laptop", "key"]
