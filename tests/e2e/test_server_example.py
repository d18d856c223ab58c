"""The website of docs/server.md, which keeps the session of its visitors in cookies."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any, Final

import httpx
import pytest

from tests.support.node_samples import run_node_sample
from tests.support.plain_http import PLAIN_HTTP
from tests.support.servers.http_server import Exchange, HttpServer, close_connection, in_sequence
from tests.support.servers.process import free_ports
from tests.support.service import ForkedService, running

PHONE: Final = "+14155560012"
OTHER_PHONES: Final = ("+14155560013", "+14155560014")
ACCESS: Final = "__Host-access"
REFRESH: Final = "__Host-refresh"
_REQUEST_ID: Final = re.compile(r'name="request_id" value="(\w+)"')


@dataclass(frozen=True, slots=True)
class Website:
    """The sample, and a server between it and the service, which may lose responses."""

    url: str
    service: ForkedService
    server: HttpServer

    def paths(self) -> list[str]:
        """Return the paths that it has requested from the service since the last call."""
        paths = [request.path for request in self.server.requests]
        self.server.requests.clear()
        return paths

    def forward(self, exchange: Exchange) -> None:
        response = self._send(exchange)
        exchange.respond(response.status_code, response.content)

    def lose_response(self, exchange: Exchange) -> None:
        self._send(exchange)

    def _send(self, exchange: Exchange) -> httpx.Response:
        method, path, headers, body = exchange.received
        url = self.service.url + path
        return httpx.request(method, url, headers=dict(headers), content=body, **PLAIN_HTTP)


@dataclass(frozen=True, slots=True)
class Visitor:
    """A browser behind a proxy of the website, which sends cookies with `Secure` by http too."""

    website: Website
    ip: str
    cookies: dict[str, str] = field(default_factory=dict)

    def send(self, method: str, path: str = "/", **options: Any) -> httpx.Response:
        """Send a request, and keep no cookie of the response."""
        headers = {
            # Before it is what a client can send.
            "X-Forwarded-For": f"192.0.2.66, {self.ip}",
            "Origin": self.website.url,
            "Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()),
            **options.pop("headers", {}),
        }
        url = self.website.url + path
        return httpx.request(method, url, headers=headers, timeout=30, **options, **PLAIN_HTTP)

    def open(self, method: str = "GET", path: str = "/", **options: Any) -> str:
        """Send a request as a browser does; return the page after redirections."""
        for _ in range(5):
            response = self.send(method, path, **options)
            self.keep(response)
            if response.status_code not in (303, 307):
                return response.text
            method = method if response.status_code == 307 else "GET"
            path = response.headers["Location"]
        raise AssertionError("too many redirections")

    def keep(self, response: httpx.Response) -> None:
        for name, cookie in cookies_in(response).items():
            if cookie["max-age"] == "0":
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = cookie.value

    def sign_in(self, phone: str) -> str:
        """Return the page that shows who is signed in."""
        page = self.open("POST", "/code", data={"phone": phone})
        [request_id] = _REQUEST_ID.findall(page)
        otp = self.website.service.code(phone)
        form = {"phone": phone, "otp": otp, "request_id": request_id}
        return self.open("POST", "/sign-in", data=form)


def cookies_in(response: httpx.Response) -> SimpleCookie:
    cookies = SimpleCookie()
    for header in response.headers.get_list("set-cookie"):
        cookies.load(header)
    return cookies


@pytest.fixture(scope="module")
def website(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Website]:
    folder, [port] = tmp_path_factory.mktemp("website"), free_ports(1)
    url = f"http://127.0.0.1:{port}"
    trusted = {"DIALTONE_TRUSTED_PROXIES": "127.0.0.1"}
    with running(folder / "service", trusted) as service, HttpServer(close_connection) as server:
        environ = {"SERVICE_URL": server.url, "ORIGIN": url}
        with run_node_sample("server.mjs", port, folder / "out", **environ):
            website = Website(url, service, server)
            server.behavior = website.forward
            yield website


@pytest.fixture(scope="module")
def visitor(website: Website) -> Visitor:
    """A visitor who is signed in."""
    visitor = Visitor(website, "198.51.100.7")
    assert "Hello" in visitor.sign_in(PHONE)
    return visitor


def test_each_visitor_has_an_ip_of_its_own_for_the_service(website: Website) -> None:
    ips = ["203.0.113.9", "203.0.114.9"]
    for ip, phone in zip(ips, OTHER_PHONES, strict=True):
        Visitor(website, ip).sign_in(phone)

    def logged() -> list[str]:
        lines = [line for line in website.service.lines if line["event"] == "login_succeeded"]
        return [line["client_ip"] for line in lines][-2:]

    website.service.wait_for(lambda: logged() == ips)


def test_no_script_and_no_other_website_gets_at_the_cookies(visitor: Visitor) -> None:
    del visitor.cookies[ACCESS]
    response = visitor.send("GET")
    visitor.keep(response)
    cookies = cookies_in(response)
    assert cookies.keys() == {ACCESS, REFRESH}
    for cookie in cookies.values():
        assert (cookie["httponly"], cookie["secure"]) == (True, True)
        assert (cookie["samesite"], cookie["path"], cookie["domain"]) == ("Lax", "/", "")


def test_only_an_expired_access_token_is_refreshed_and_used_when_the_browser_has_it(
    website: Website, visitor: Visitor
) -> None:
    website.paths()
    assert "Hello" in visitor.open()
    assert website.paths() == ["/users/me"]

    del visitor.cookies[ACCESS]
    # Each request of a page has the same cookies, and the browser keeps one of the responses.
    with ThreadPoolExecutor(3) as threads:
        responses = [*threads.map(lambda _: visitor.send("GET", "/?page=2"), range(3))]
    assert {(each.status_code, each.headers["Location"]) for each in responses} == {
        (307, "/?page=2")
    }
    assert len({cookies_in(response)[REFRESH].value for response in responses}) == 1
    assert {*website.paths()} == {"/auth/refresh"}
    visitor.keep(responses[1])
    assert "Hello" in visitor.open()


def test_a_lost_response_signs_nobody_out(website: Website, visitor: Visitor) -> None:
    del visitor.cookies[ACCESS]
    website.server.behavior = in_sequence(website.lose_response, website.forward)
    assert "Hello" in visitor.open()
    website.server.behavior = website.lose_response
    del visitor.cookies[ACCESS]
    before = dict(visitor.cookies)
    assert "Try again" in visitor.open()
    assert visitor.cookies == before
    website.server.behavior = website.forward
    assert "Hello" in visitor.open()


@pytest.mark.parametrize("origin", ["https://other.example", "null", None])
def test_another_website_signs_nobody_in_or_out(
    website: Website, visitor: Visitor, origin: str | None
) -> None:
    website.paths()
    for path in ("/code", "/sign-in", "/sign-out"):
        response = visitor.send("POST", path, headers={"Origin": origin or ""})
        assert (response.status_code, cookies_in(response)) == (403, {})
    assert website.paths() == []


def test_a_sign_out_ends_the_session_also_for_copies_of_the_cookies(website: Website) -> None:
    visitor = Visitor(website, "198.51.100.8")
    visitor.sign_in("+14155560015")
    copy = Visitor(website, "198.51.100.9", dict(visitor.cookies))

    website.server.behavior = website.lose_response
    assert "Try again" in visitor.open("POST", "/sign-out")
    website.server.behavior = website.forward
    assert "Send a code" in visitor.open("POST", "/sign-out")
    assert {ACCESS, REFRESH} & visitor.cookies.keys() == set()
    assert "Send a code" in copy.open()
