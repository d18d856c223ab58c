"""nginx with the samples of the docs, in front of two instances of the service."""

import itertools
import json
import re
import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess, run
from typing import Final

import httpx
import pytest

from tests.samples.nginx import SAMPLE, SERVER_NAME, Nginx
from tests.support.client import bearer
from tests.support.images import still_gif
from tests.support.plain_http import PLAIN_HTTP
from tests.support.servers.fake_twilio import FakeTwilio
from tests.support.servers.http_server import Exchange, HttpServer
from tests.support.servers.process import find_or_install
from tests.support.service import ForkedService

ROLLING_RESTART: Final = SAMPLE.parents[1] / "systemd/rolling-restart"
PUBLIC_URL: Final = f"https://{SERVER_NAME}"
APP: Final = "https://app.example.org"
"""The web app that the sample lists."""
OUTSIDE: Final = "127.0.0.9"
"""A client IP that is not one of those who operate the service."""
MIN_REQUESTS: Final = 10
"""Requests of each kind: enough to see a restart that fails some."""
GIF: Final = still_gif()


@dataclass(frozen=True, slots=True)
class Site:
    """The instances, with one database and one folder, and nginx."""

    instances: tuple[ForkedService, ForkedService]
    nginx: Nginx

    @property
    def log(self) -> list[str]:
        return [line for instance in self.instances for line in instance.log.splitlines()]

    def sign_in(self, http: httpx.Client, phone: str, **fields: bool) -> httpx.Response:
        requested = http.post("/auth/request-otp", json={"phone": phone, "platform": "android"})
        if not requested.is_success:
            return requested
        body = {"phone": phone, "otp": self.instances[0].code(phone), **fields}
        return http.post("/auth/verify-otp", json=body)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    with FakeTwilio() as twilio:
        settings = {
            **twilio.environ,
            "DIALTONE_SMS": "twilio",
            "DIALTONE_COUNTRIES": "US",
            "DIALTONE_SINGLE_HOST": "yes",
            "DIALTONE_PUBLIC_URL": PUBLIC_URL,
            "DIALTONE_TRUSTED_PROXIES": "127.0.0.1",
            "DIALTONE_WEB_ORIGINS": APP,
            "DIALTONE_WEB_CONSOLE": "yes",
            # That of production, for which nginx has its time limits.
            "DIALTONE_STOP_DELAY": "5s",
        }

        def inbox(phone: str) -> list[str]:
            return [sent["Body"] for sent in twilio.messages if sent["To"] == phone]

        first, second = (ForkedService(folder / "data", settings, inbox) for _ in range(2))
        nginx = Nginx(folder / "nginx", first.port, second.port)
        try:
            first.start()
            second.start()
            yield Site((first, second), nginx.start())
        finally:
            for process in (nginx, first, second):
                if process.is_running:
                    process.stop()


def test_the_service_sees_the_ip_of_the_client(site: Site) -> None:
    trace = f"00-{'4' * 32}-{'7' * 16}-01"
    forged = {"X-Forwarded-For": "203.0.113.7", "X-Request-Id": "forged", "traceparent": trace}
    with site.nginx.client(OUTSIDE) as http:
        response = http.get("/users/me", headers=forged)
    (request_id,) = response.headers.get_list("X-Request-Id")
    site.instances[0].wait_for(lambda: any(request_id in line for line in site.log))
    lines = [json.loads(line) for line in site.log if request_id in line]

    assert {line["client_ip"] for line in lines} == {OUTSIDE}
    assert request_id != "forged"
    assert not any("trace_id" in line for line in lines)
    assert response.headers["Strict-Transport-Security"]


def test_readiness_is_for_operators(site: Site) -> None:
    with site.nginx.client() as http:
        assert http.get("/health/ready").json()["status"] == "ready"
    with site.nginx.client(OUTSIDE) as http:
        for path in ("ready?a", "ready/", "ready//", "/ready", "%72eady", "live/../ready"):
            url = f"https://127.0.0.1:{site.nginx.port}//health/{path}"
            assert http.get(url).status_code in (403, 404), path
        assert http.get("/health/live").status_code == 200


def test_console_and_administration_are_for_operators(site: Site) -> None:
    asked = {"Origin": APP, "Access-Control-Request-Method": "POST"}
    with site.nginx.client() as http:
        assert http.get("/console").status_code == 200
        assert http.post("/admin/session/options", headers={"Origin": PUBLIC_URL}).is_success
        assert http.get("/admin/users").json()["code"] == "unauthenticated"
        refused = http.options("/admin/session", headers=asked)
        assert (refused.status_code, refused.json()["code"]) == (403, "origin_not_allowed")
        assert "access-control-allow-origin" not in refused.headers
        assert http.options("/admin/users/block", headers=asked).status_code == 204
    with site.nginx.client(OUTSIDE) as http:
        for path in (
            "console", "console/console.js", "%63onsole", "admin", "admin/users", "%61dmin/users",
            "x/../admin/users", "/admin/session", "admin%2fusers",
        ):  # fmt: skip
            response = http.get(f"https://127.0.0.1:{site.nginx.port}/{path}")
            assert (response.status_code, response.json()["code"]) == (403, "forbidden"), path
        assert http.get("/auth/sessions").status_code == 401


def test_an_unknown_name_gets_no_response(site: Site) -> None:
    nginx = site.nginx
    with nginx.client() as http, pytest.raises(httpx.RemoteProtocolError):
        http.get("/health/live", headers={"Host": "evil.example"})
    with (
        pytest.raises(ssl.SSLError),
        socket.create_connection(("127.0.0.1", nginx.port)) as plain,
    ):
        nginx.tls.wrap_socket(plain, server_hostname="evil.example")
    url = f"http://127.0.0.1:{nginx.http_port}/docs?a=1"
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.get(url, headers={"Host": "evil.example"}, **PLAIN_HTTP)
    redirect = httpx.get(url, headers={"Host": f"{SERVER_NAME}:80"}, **PLAIN_HTTP)
    assert redirect.headers["Location"] == f"{PUBLIC_URL}/docs?a=1"


def test_installed_copies_of_hookaba_have_their_seven_requests_only(site: Site) -> None:
    url, phone = f"http://127.0.0.1:{site.nginx.hookaba_port}", "+14155591002"
    with httpx.Client(base_url=url, timeout=30, **PLAIN_HTTP) as http:
        http.headers.update(bearer(site.sign_in(http, phone).json()["access_token"]))
        body = {"username": "Ravi", "number": phone}
        user_id = http.post("/users", json=body).json()["user_id"]
        form = {"user_id": user_id, "type": "image"}
        uploaded = http.post("/library/upload", files={"file": ("led.gif", GIF)}, data=form)
        # On port 80 there are other servers too.
        http.base_url = f"http://127.0.0.1:{site.nginx.http_port}"
        read = [f"/users/{user_id}", "/users/me", "/library?page=1&per_page=10"]
        assert [http.get(path).status_code for path in read] == [200] * 3
        of_name = http.get("/users/me", headers={"Host": SERVER_NAME})
        others = [("DELETE", "/users/me"), ("GET", "/users/%6d%65"), ("GET", "/docs")]
        refused = [http.request(*other) for other in others]

    assert of_name.headers["Location"] == f"{PUBLIC_URL}/users/me"
    assert uploaded.json()["url"].startswith(PUBLIC_URL)
    assert {(each.status_code, each.json()["code"]) for each in refused} == {(404, "not_found")}
    log = site.nginx.hookaba_log.read_text()
    logged = re.findall(r'"([A-Z]+) ([^ ?]+)\S* HTTP/1.1" 20[01] ', log)
    sent = ("/auth/request-otp", "/auth/verify-otp", "/users", "/library/upload")
    posted = [("POST", path) for path in sent]
    assert logged == [*posted, *(("GET", path.partition("?")[0]) for path in read)]


def test_a_service_that_is_down_is_a_503_of_the_api(site: Site) -> None:
    preflight = {"Origin": APP, "Access-Control-Request-Method": "POST"}
    for instance in site.instances:
        instance.kill()
    with site.nginx.client() as http:
        response = http.get("/health/live", headers={"Origin": APP})
        # The path has a credential, that of the status of a delivery.
        of_page = http.options("/auth/requests/credential", headers=preflight)
        foreign = http.get("/health/live", headers={"Origin": f"{APP}.evil.example"})
        legacy = http.post("/authenticate/get_otp", json={}).json()
    for instance in site.instances:
        instance.start()

    assert (response.status_code, response.json()["code"]) == (503, "unavailable")
    assert response.json()["retry_after"] == int(response.headers["Retry-After"]) == 5
    assert response.headers["Cache-Control"] == "no-store"
    allowed = "Access-Control-Allow-Origin"
    assert response.headers[allowed] == of_page.headers[allowed] == APP
    assert allowed not in foreign.headers
    assert of_page.status_code == 204
    assert "credential" not in site.nginx.access_log.read_text()
    assert legacy["error"].startswith("Internal server error 503 Service Unavailable: ")
    assert (legacy["exit_code"], legacy["message"], legacy["status_code"]) == (5, "failed", 503)


class Clients:
    """Clients that send requests again and again through nginx, until the end of the block."""

    def __init__(self, site: Site) -> None:
        self._site, phone = site, "+14155591001"
        self._numbers = itertools.count(1000)
        self._is_over = threading.Event()
        with site.nginx.client() as http:
            session = site.sign_in(http, phone, refresh=True).json()
            self.headers = bearer(session["access_token"])
            self._refresh_token = session["refresh_token"]
            body = {"username": "Asha", "number": phone}
            created = http.post("/users", json=body, headers=self.headers)
            self.user_id = created.json()["user_id"]
        self.sent: dict[str, Counter[int]] = {}
        """How often each status came, by the kind of request; 0 is a broken connection."""

    def __enter__(self) -> "Clients":
        kinds = (self._read, self._upload, self._sign_in, self._refresh)
        self.sent = {send.__name__: Counter() for send in kinds}
        self._pool = ThreadPoolExecutor(len(kinds))
        self._futures = [self._pool.submit(self._repeat, send) for send in kinds]
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._pool.shutdown()
        for future in self._futures:
            future.result()

    def _repeat(self, send: Callable[[httpx.Client], httpx.Response]) -> None:
        statuses = self.sent[send.__name__]
        with self._site.nginx.client() as http:
            while not self._is_over.is_set():
                try:
                    statuses[send(http).status_code] += 1
                except httpx.TransportError:
                    statuses[0] += 1
                # As clients do.
                time.sleep(0.1)

    def _read(self, http: httpx.Client) -> httpx.Response:
        return http.get("/users/me", headers=self.headers)

    def _upload(self, http: httpx.Client) -> httpx.Response:
        files, form = {"file": ("a.gif", GIF)}, {"user_id": self.user_id}
        return http.post("/library/upload", headers=self.headers, files=files, data=form)

    def _sign_in(self, http: httpx.Client) -> httpx.Response:
        return self._site.sign_in(http, f"+1415556{next(self._numbers)}", refresh=True)

    def _refresh(self, http: httpx.Client) -> httpx.Response:
        response = http.post("/auth/refresh", json={"refresh_token": self._refresh_token})
        if response.is_success:
            self._refresh_token = response.json()["refresh_token"]
        return response


def rolling_restart(site: Site, folder: Path) -> "CompletedProcess[str]":
    """Run the sample for systemd, with a `systemctl` that restarts the instances."""

    def restart(exchange: Exchange) -> None:
        verb, *_, unit = exchange.received.body.decode().split()
        (instance,) = (each for each in site.instances if unit == f"dialtone@{each.port}")
        is_done = verb == "restart" and instance.stop() == 0
        if is_done:
            # It is not ready yet.
            instance.launch()
        # The program fails with 500. It asks `is-failed` too.
        exchange.respond(200 if is_done else 500)

    find_or_install("curl")
    program = folder / "systemctl"
    with HttpServer(restart) as server:
        program.write_text(f'#!/bin/sh\nexec curl -sf -o /dev/null --data "$*" {server.url}\n')
        program.chmod(0o755)
        ports = [str(instance.port) for instance in site.instances]
        environ = {"PATH": f"{folder}:/usr/local/bin:/usr/bin:/bin"}
        command = [str(ROLLING_RESTART), *ports]
        return run(command, env=environ, capture_output=True, text=True, check=False)


# Each stop takes the delay of production, 5 s.
@pytest.mark.timeout(240)
def test_a_rolling_restart_under_load_fails_no_request(site: Site, tmp_path: Path) -> None:
    with Clients(site) as clients:
        ended = rolling_restart(site, tmp_path)
    with site.nginx.client() as http:
        path = f"/library?user_id={clients.user_id}"
        stored = http.get(path, headers=clients.headers).json()["total"]

    ready = "".join(f"dialtone@{instance.port} is ready.\n" for instance in site.instances)
    assert (ended.stdout, ended.stderr) == (ready, "")
    statuses = {kind: set(counted) for kind, counted in clients.sent.items()}
    expected = {"_read": {200}, "_upload": {201}, "_sign_in": {200}, "_refresh": {200}}
    assert statuses == expected, clients.sent
    assert min(counted.total() for counted in clients.sent.values()) > MIN_REQUESTS, clients.sent
    # No POST was sent to both instances.
    assert stored == clients.sent["_upload"].total()
