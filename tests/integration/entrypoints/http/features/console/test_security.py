"""Who gets into the web console: over HTTP, with all routes of the application."""

import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import httpx
import pytest
from litestar import Litestar
from litestar.routes import HTTPRoute

from domain.features.console import make_form_token
from domain.phone import PhoneNumber
from entrypoints.http.features.console.request import FORM_COOKIE, KNOWN_COOKIE, SESSION_COOKIE
from tests.integration.entrypoints.http.features.console.pages import (
    ADMINISTRATOR,
    CONSOLE,
    Browser,
)
from tests.support.app_harness import AppHarness
from tests.support.builders import a_phone
from tests.support.core_harness import wrong_code
from tests.support.http_app import open_http_app, open_http_client
from tests.support.http_settings import make_http_settings

ORIGIN: Final = "https://service"
WEB_ORIGIN: Final = "https://app.example.org"
MEMBER: Final = a_phone(1)
SCRIPTED_PATHS: Final = ("/console/sign-in/passkey", "/console/passkeys/enrol")
"""The pages with the only script."""
FILES: Final = ("/console/style.css", "/console/passkeys.js")
SIGN_IN_PATHS: Final = ("/console/sign-in", "/console/sign-in/verify", *SCRIPTED_PATHS, *FILES)
"""What has no session yet."""
POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self'; media-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'"
)
Call = tuple[str, str]
SETTINGS: Final = make_http_settings(
    ORIGIN, CONSOLE, web_origins=(WEB_ORIGIN,), default_region="US"
)


@dataclass
class ConsoleBrowser(Browser):
    """A browser at the console, and all routes of the service behind it."""

    app: Litestar = field(kw_only=True)

    @property
    def form_token(self) -> str:
        """That of the pages of the session."""
        return make_form_token(self.http.cookies[SESSION_COOKIE])

    async def sign_in(self, phone: PhoneNumber = ADMINISTRATOR, query: str = "") -> httpx.Response:
        self.harness.advance(hours=12)
        await self.send_code(phone, query)
        return await self.enter(self.harness.last_code)

    async def post(self, path: str) -> httpx.Response:
        form = {"form_token": self.form_token if SESSION_COOKIE in self.http.cookies else ""}
        return await self.http.post(path, data=form, headers={"Origin": ORIGIN})

    def set_cookie(self, value: str | None) -> None:
        """Have only this cookie of a session, or none."""
        self.http.cookies.clear()
        if value is not None:
            self.http.cookies.set(SESSION_COOKIE, value)

    def calls(self, *, of_console: bool) -> list[Call]:
        """All methods and paths of the application, with an id where a path has one."""
        return sorted(
            (method, re.sub(r"\{[^}]*\}", "0" * 24, route.path))
            for route in self.app.routes
            if isinstance(route, HTTPRoute)
            and (route.path == "/console" or route.path.startswith("/console/")) is of_console
            for method in {str(method) for method in route.methods} - {"OPTIONS"}
        )

    def stored(self) -> Any:
        """Everything in the database."""
        tables = self.harness.database.records.tables
        return {name: dict(rows) for name, rows in tables.items() if rows}


@pytest.fixture
async def browser() -> AsyncIterator[ConsoleBrowser]:
    harness = AppHarness()
    await harness.add_user(MEMBER)
    await harness.add_administrator(ADMINISTRATOR)
    async with open_http_app(harness.use_cases, SETTINGS) as (http, app):
        http.base_url = httpx.URL(ORIGIN)  # the cookies are only for https
        yield ConsoleBrowser(http, harness, ORIGIN, app=app)


@pytest.fixture
async def signed_in(browser: ConsoleBrowser) -> ConsoleBrowser:
    assert (await browser.sign_in()).status_code == 303
    return browser


def protected(calls: list[Call], *methods: str) -> Iterator[Call]:
    """Yield the calls that need a session."""
    return (call for call in calls if call[0] in methods and call[1] not in SIGN_IN_PATHS)


async def test_an_administrator_signs_in_and_is_led_to_the_page_of_the_link(
    browser: ConsoleBrowser,
) -> None:
    opened = await browser.http.get("/console/library?state=hidden")
    assert opened.status_code == 303
    target = opened.headers["location"].partition("?")
    assert target[0] == "/console/sign-in"
    response = await browser.sign_in(query=f"?{target[2]}")
    assert (response.status_code, response.headers["location"]) == (
        303,
        "/console/library?state=hidden",
    )
    for path in ("/console", "/console/library/"):
        assert (await browser.http.get(path)).status_code == 200


async def test_the_cookies_are_only_for_pages_of_the_service(browser: ConsoleBrowser) -> None:
    pages = [await browser.open("/console/sign-in"), *[await browser.sign_in() for _ in range(2)]]
    set_cookies = [text for page in pages for text in page.headers.get_list("set-cookie")]
    first, renewed = (text for text in set_cookies if text.startswith(KNOWN_COOKIE))
    # It is the same browser, and known for 90 days from now on.
    assert first.partition(";")[0] == renewed.partition(";")[0]
    assert "Max-Age=7776000" in renewed
    assert len(set_cookies) == 7
    for text in set_cookies:
        assert text.startswith("__Host-")
        for attribute in ("Secure", "HttpOnly", "SameSite=strict", "Path=/"):
            assert attribute in text
        assert "Domain" not in text


async def test_other_numbers_get_the_same_pages(browser: ConsoleBrowser) -> None:
    seen = list[tuple[object, ...]]()
    for phone in (ADMINISTRATOR, MEMBER, a_phone(3)):
        browser.harness.advance(hours=12)
        sent = await browser.send_code(phone)
        wrong = await browser.enter(wrong_code(browser.harness.last_code))
        pages = [sent, wrong]
        if phone != ADMINISTRATOR:
            pages.append(await browser.enter(browser.harness.last_code))
        for page in pages:
            text = re.sub(r'value="[^"]*"', "", page.text).replace(phone.e164, "")
            seen.append((page.status_code, text, sorted({*page.headers})))
    assert {*browser.http.cookies} == {FORM_COOKIE}
    assert len({repr(page) for page in seen}) == 2  # the form, and the form with the error


async def test_the_cookie_changes_no_response_of_the_api(signed_in: ConsoleBrowser) -> None:
    cookie = signed_in.http.cookies[SESSION_COOKIE]
    rejected = list[str]()
    for method, path in signed_in.calls(of_console=False):
        if path == "/openapi.json":
            continue  # to make it takes a second
        statuses = list[int]()
        for value in (None, cookie):
            signed_in.set_cookie(value)
            statuses.append((await signed_in.http.request(method, path)).status_code)
        assert statuses[0] == statuses[1], (method, path)
        if statuses[1] == 401:
            rejected.append(path)
        else:
            is_public = path == "/library/upload-limits"
            assert is_public or not path.startswith(("/admin", "/library", "/users")), path
    assert len(rejected) > 30


async def test_a_token_is_rejected_at_every_page_also_with_the_cookie(
    signed_in: ConsoleBrowser,
) -> None:
    access_token = await signed_in.harness.access_token(ADMINISTRATOR)
    signed_in.harness.advance(hours=-12)
    cookie = signed_in.http.cookies[SESSION_COOKIE]
    form = {"form_token": signed_in.form_token}
    calls = signed_in.calls(of_console=True)
    assert len(calls) > 10
    before = signed_in.stored()
    for method, path in calls:
        for scheme, value in (("Bearer", None), ("Basic", cookie)):
            signed_in.set_cookie(value)
            headers = {"Authorization": f"{scheme} {access_token}", "Origin": ORIGIN}
            response = await signed_in.http.request(method, path, headers=headers, data=form)
            assert response.status_code == 401, (method, path)
    assert signed_in.stored() == before


@pytest.mark.parametrize("cookie", [None, f"{'0' * 24}.{'0' * 64}"])
async def test_without_a_session_pages_lead_to_the_sign_in_and_forms_do_nothing(
    signed_in: ConsoleBrowser, cookie: str | None
) -> None:
    signed_in.set_cookie(cookie)
    before = signed_in.stored()
    calls = signed_in.calls(of_console=True)
    for method, path in protected(calls, "GET"):
        response = await signed_in.http.request(method, path)
        assert response.status_code == 303, path
        assert response.headers["location"].startswith("/console/sign-in"), path
    for method, path in protected(calls, "POST"):
        assert (await signed_in.post(path)).status_code == 401, (method, path)
    assert signed_in.stored() == before


@pytest.mark.parametrize(
    ("origins", "token"),
    [
        ([], None), ([WEB_ORIGIN], None), (["http://service"], None), ([ORIGIN, ORIGIN], None),
        ([ORIGIN], ""), ([ORIGIN], "0" * 64),
    ],
    ids=str,
)  # fmt: skip
async def test_a_form_of_another_origin_or_without_its_token_does_nothing(
    signed_in: ConsoleBrowser, origins: list[str], token: str | None
) -> None:
    await signed_in.http.get("/console/sign-in")
    before = signed_in.stored()
    headers = [("Origin", origin) for origin in origins]
    for method, path in signed_in.calls(of_console=True):
        if method != "GET":
            of_form = path in SIGN_IN_PATHS
            cookie = signed_in.http.cookies[FORM_COOKIE if of_form else SESSION_COOKIE]
            form = {"form_token": make_form_token(cookie) if token is None else token}
            response = await signed_in.http.request(method, path, data=form, headers=headers)
            assert response.status_code == 403, (method, path)
    assert signed_in.stored() == before


async def test_every_response_has_the_headers_of_the_console(signed_in: ConsoleBrowser) -> None:
    responses = [
        await signed_in.http.get("/console"),
        await signed_in.http.get("/console/style.css"),
        await signed_in.http.get("/console/nothing"),
        await signed_in.http.delete("/console"),
        await signed_in.http.get("/console", headers={"Authorization": "Bearer x"}),
        await signed_in.http.post("/console/sign-out"),
    ]
    assert [response.status_code for response in responses] == [200, 200, 404, 405, 401, 403]
    for response in responses:
        headers = response.headers
        assert headers["content-security-policy"] == POLICY
        assert headers["cache-control"] == "no-store"
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        # With no-referrer, browsers would send all forms with the origin null.
        assert headers["referrer-policy"] == "same-origin"
        if response.request.url.path not in FILES:
            assert headers["content-type"] == "text/html; charset=utf-8"


async def test_no_page_is_for_other_origins_and_two_have_the_only_script(
    signed_in: ConsoleBrowser,
) -> None:
    tag = '<script type="module" src="/console/passkeys.js"></script>'
    for method, path in signed_in.calls(of_console=True):
        preflight = {"Origin": WEB_ORIGIN, "Access-Control-Request-Method": method}
        page = await signed_in.http.request(method, path, headers={"Origin": WEB_ORIGIN})
        for response in (await signed_in.http.options(path, headers=preflight), page):
            assert not [name for name in response.headers if name.startswith("access-control")]
        may_have_script = path in SCRIPTED_PATHS
        added = "; script-src 'self'; base-uri 'none'" if may_have_script else ""
        assert page.headers["content-security-policy"] == POLICY + added, path
        if method == "GET" and path not in FILES:
            assert page.text.count(tag) == may_have_script, path
            text = page.text.replace(tag, "")
            assert not re.search(r"<script|<style|\sstyle=|\son\w+=|javascript:", text), path


async def test_after_the_sign_out_the_cookie_opens_nothing(signed_in: ConsoleBrowser) -> None:
    cookie = signed_in.http.cookies[SESSION_COOKIE]
    response = await signed_in.post("/console/sign-out")
    assert response.headers["location"] == "/console/sign-in?done=signed_out"
    assert "Max-Age=0" in response.headers["set-cookie"]
    assert "You are signed out." in (await signed_in.http.get(response.headers["location"])).text
    signed_in.set_cookie(cookie)
    assert (await signed_in.http.get("/console")).status_code == 303


async def test_without_the_setting_there_is_no_console() -> None:
    harness = AppHarness()
    async with open_http_client(harness.use_cases, make_http_settings(ORIGIN)) as http:
        for path in ("/console", "/console/sign-in", "/console/style.css"):
            response = await http.get(path)
            assert (response.status_code, response.json()["code"]) == (404, "not_found")
