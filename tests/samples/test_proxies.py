"""The samples for nginx and HAProxy in the docs, with these programs.

`test_rolling_restart.py` has two instances behind both.
"""

import json
import re
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from PIL import Image

from tests.samples import haproxy, nginx
from tests.samples.haproxy import Haproxy
from tests.samples.nginx import Nginx
from tests.samples.proxy import replace_all
from tests.support.client import sign_in
from tests.support.held_connections import (
    LARGE_RESPONSE,
    SERVER_NAME,
    connect,
    hold,
    request_latency,
)
from tests.support.images import encode
from tests.support.plain_http import PLAIN_HTTP
from tests.support.servers.process import free_ports, wait_until
from tests.support.service import Service, running

PHONE: Final = "+14155591001"
OUTSIDE: Final = "127.0.0.9"
"""A client IP that is not one of those who operate the service."""
MAX_CONNECTIONS: Final = 100
"""Of one IP, with small limits."""
APP: Final = "https://app.example.org"
"""The web app that the samples list."""
FOREIGN: Final = ("https://evil.example", f"{APP}.evil.example", "http://app.example.org", "null")
PREFLIGHT: Final = {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type",
}
UNKNOWN_METHOD: Final = {"Access-Control-Request-Method": "QUERY"}
PHOTO: Final = encode(Image.effect_noise((2600, 2000), 100), "JPEG", quality=97)

Proxy = Nginx | Haproxy


def make_nginx(folder: Path, port: int) -> Proxy:
    return Nginx(folder, port, changes=nginx.SMALL_LIMITS)


def make_haproxy(folder: Path, port: int) -> Proxy:
    return Haproxy(folder, [port], changes=haproxy.SMALL_LIMITS)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("proxied")
    settings = {"DIALTONE_TRUSTED_PROXIES": "127.0.0.1", "DIALTONE_WEB_ORIGINS": APP}
    with running(folder / "service", settings) as service:
        yield service


@pytest.fixture(scope="module", params=[make_nginx, make_haproxy], ids=["nginx", "haproxy"])
def proxy(
    request: pytest.FixtureRequest, service: Service, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Proxy]:
    make: Callable[[Path, int], Proxy] = request.param
    proxy = make(tmp_path_factory.mktemp("proxy") / "folder", service.port)
    try:
        yield proxy.start()
    finally:
        proxy.stop()


def test_a_photo_of_five_megabytes_is_uploaded(service: Service, proxy: Proxy) -> None:
    assert 4_000_000 < len(PHOTO) < 8_000_000
    headers = {"Authorization": f"Bearer {sign_in(service, PHONE)}"}
    with proxy.client() as http:
        body = {"username": "Asha", "number": PHONE}
        http.post("/users", json=body, headers=headers)
        user_id = http.get("/users/me", headers=headers).json()["_id"]

        def upload(content: bytes) -> httpx.Response:
            files, data = {"file": ("photo.jpg", content)}, {"user_id": user_id}
            return http.post("/library/upload", files=files, data=data, headers=headers)

        assert upload(PHOTO).status_code == 201
        large = upload(bytes(23_000_000))
        own_code = "body_too_large" if isinstance(proxy, Nginx) else "file_too_large"
        assert (large.status_code, large.json()["code"]) == (413, own_code)
        # The service rejects a file just over its limit, with its own response.
        large = upload(bytes(20_000_001))
        assert (large.status_code, large.json()["code"]) == (413, "file_too_large")


def cors_headers(response: httpx.Response) -> dict[str, set[str]]:
    """Return the headers for pages of other origins, each of which there is once."""
    names = [name for name in response.headers if name.startswith("access-control-")]
    assert len(response.headers.get_list("vary")) == 1
    values = {name: response.headers.get_list(name) for name in {*names, "vary"}}
    assert all(len(each) == 1 for each in values.values()), values
    return {name: set(re.split(", ?", each)) for name, (each,) in values.items()}


@pytest.mark.parametrize(
    ("status", "code", "options"),
    [
        (400, "invalid", {"extensions": {"target": b"/<"}}),
        (414, "uri_too_long", {"extensions": {"target": b"/library?" + b"a" * 60_000}}),
        (431, "headers_too_large", {"headers": {"Authorization": "a" * 60_000}}),
        (431, "headers_too_large", {"headers": {f"X-{n}": "a" for n in range(120)}}),
    ],
    ids=["400", "414", "431", "431 for many headers"],
)
def test_what_the_service_cannot_read_is_an_error_for_the_page_that_sent_it(
    proxy: Proxy, status: int, code: str, options: dict[str, Any]
) -> None:
    with proxy.client() as http:
        responses = []
        for origin in (APP, *FOREIGN):
            http.headers["Origin"] = origin
            responses.append(http.get("/", **options))
        of_service = http.get("/users/me", headers={"Origin": APP})
    response, *foreign = responses
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert response.headers["Cache-Control"] == "no-store"
    # The service itself adds two that only preflight responses need.
    assert cors_headers(response).items() <= cors_headers(of_service).items()
    assert "access-control-expose-headers" in response.headers
    assert all(cors_headers(each) == {"vary": {"Origin"}} for each in foreign)


def test_the_service_sees_the_ip_of_the_client(service: Service, proxy: Proxy) -> None:
    trace = f"00-{'4' * 32}-{'7' * 16}-01"
    forged = {"X-Forwarded-For": "203.0.113.7", "X-Request-Id": "forged", "traceparent": trace}
    with proxy.client(OUTSIDE) as http:
        response = http.get("/users/me", headers=forged)
    (request_id,) = response.headers.get_list("X-Request-Id")
    service.wait_for(lambda: request_id in service.log)
    lines = [json.loads(line) for line in service.log.splitlines() if request_id in line]

    assert {line["client_ip"] for line in lines} == {OUTSIDE}
    assert request_id != "forged"
    assert not any("trace_id" in line for line in lines)
    assert response.headers["Strict-Transport-Security"]


def test_readiness_is_for_operators(proxy: Proxy) -> None:
    with proxy.client() as http:
        assert http.get("/health/ready").json()["status"] == "ready"
    with proxy.client(OUTSIDE) as http:
        assert http.get("/health/ready?a").status_code == 403
        for path in ("ready/", "ready//", "/ready", "%72eady", "live/../ready"):
            url = f"https://127.0.0.1:{proxy.port}//health/{path}"
            assert http.get(url).status_code in (403, 404), path
        assert http.get("/health/live").status_code == 200


def test_an_unknown_name_gets_no_response(proxy: Proxy) -> None:
    with proxy.client() as http, pytest.raises(httpx.RemoteProtocolError):
        http.get("/health/live", headers={"Host": "evil.example"})
    with (
        pytest.raises(ssl.SSLError),
        socket.create_connection(("127.0.0.1", proxy.port)) as plain,
    ):
        proxy.tls.wrap_socket(plain, server_hostname="evil.example")
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.get(f"http://127.0.0.1:{proxy.http_port}/", headers={"Host": "evil.example"})


def test_http_is_redirected_to_the_name_of_the_service(proxy: Proxy) -> None:
    url = f"http://127.0.0.1:{proxy.http_port}/docs?a=1"
    response = httpx.get(url, headers={"Host": f"{SERVER_NAME}:80"})

    assert response.status_code == 308
    assert response.headers["Location"] == f"https://{SERVER_NAME}/docs?a=1"


def test_nginx_takes_no_host_of_a_request_line_for_its_redirect(proxy: Proxy) -> None:
    # The URL of the request line, where a client may write another host, has the last word.
    line = f"GET http://{SERVER_NAME}:80/docs HTTP/1.1\r\nHost: evil.example\r\n\r\n"
    with socket.create_connection(("127.0.0.1", proxy.http_port), timeout=20) as connection:
        connection.sendall(line.encode())
        assert b"Location: https://evil" not in connection.recv(65536)


def test_installed_copies_of_hookaba_have_their_seven_requests_only(
    service: Service, tmp_path: Path
) -> None:
    (port,), phone = free_ports(1), "+14155591002"
    log, file = tmp_path / "hookaba.log", tmp_path / "hookaba.conf"
    include = ("# include /etc/nginx/hookaba.conf", f"include {file}")
    proxy = Nginx(tmp_path / "nginx", service.port, changes=[include])
    changes = [
        ("/var/log/nginx/hookaba.log", str(log)),
        ("203.0.113.10", "127.0.0.1"),
        ("listen 80;", f"listen 127.0.0.1:{proxy.http_port};"),
        ("listen 5000 ", f"listen 127.0.0.1:{port} "),
    ]
    file.write_text(replace_all(nginx.HOOKABA.read_text(), *changes))
    requests = [("POST", "/auth/request-otp"), ("POST", "/auth/verify-otp"), ("POST", "/users")]
    try:
        proxy.start()
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30, **PLAIN_HTTP) as http:
            http.post("/auth/request-otp", json={"phone": phone, "platform": "android"})
            body = {"phone": phone, "otp": service.code(phone)}
            token = http.post("/auth/verify-otp", json=body).json()["access_token"]
            http.headers["Authorization"] = f"Bearer {token}"
            body = {"username": "Ravi", "number": phone}
            user_id = http.post("/users", json=body).json()["user_id"]
            files, data = {"file": ("led.jpg", PHOTO)}, {"user_id": user_id, "type": "image"}
            uploaded = http.post("/library/upload", files=files, data=data)
            # On port 80 there are other servers too.
            http.base_url = f"http://127.0.0.1:{proxy.http_port}"
            read = [f"/users/{user_id}", "/users/me", "/library?page=1&per_page=10"]
            assert [http.get(path).status_code for path in read] == [200] * 3
            of_name = http.get("/users/me", headers={"Host": SERVER_NAME})
            others = [("DELETE", "/users/me"), ("GET", "/users/%6d%65"), ("GET", "/docs")]
            refused = [http.request(*other) for other in others]
    finally:
        proxy.stop()
    assert of_name.headers["Location"] == f"https://{SERVER_NAME}/users/me"
    assert uploaded.json()["url"].startswith(service.url)
    assert {(each.status_code, each.json()["code"]) for each in refused} == {(404, "not_found")}
    logged = re.findall(r'"([A-Z]+) ([^ ?]+)\S* HTTP/1.1" 20[01] ', log.read_text())
    paths = [("GET", path.partition("?")[0]) for path in read]
    assert logged == [*requests, ("POST", "/library/upload"), *paths]


def is_accepted(proxy: Proxy) -> bool:
    """Return whether another connection of this machine gets a response."""
    try:
        # HAProxy closes it at once, and nginx responds with 503.
        with connect(proxy.port, "127.0.0.1", timeout=0.2) as connection:
            connection.recv(1)
    except TimeoutError:
        return request_latency(proxy.port, "127.0.0.1", proxy.tls) < 5
    except ConnectionError:
        pass
    return False


def test_one_ip_has_a_limit_and_stopped_clients_are_ended(service: Service, proxy: Proxy) -> None:
    with (
        hold(proxy.port, MAX_CONNECTIONS, LARGE_RESPONSE, tls=proxy.tls),
        connect(proxy.port, OUTSIDE, proxy.tls, timeout=60) as otp_request,
    ):
        otp_request.sendall(
            f"POST /auth/request-otp HTTP/1.1\r\nHost: {SERVER_NAME}\r\n"
            "Content-Type: application/json\r\nContent-Length: 9000\r\n\r\n{".encode()
        )
        # nginx counts a connection from its request on.
        wait_until(lambda: not is_accepted(proxy), 10)
        deadline = time.monotonic() + 90
        latencies = [0.0]
        # The clients do not see that they were given up: the end of a connection comes after the
        # bytes that they do not read.
        while not is_accepted(proxy):
            assert time.monotonic() < deadline
            latencies.append(request_latency(proxy.port, client_ip=OUTSIDE, tls=proxy.tls))
        assert otp_request.recv(65536).startswith(b"HTTP/1.1 408")
    assert max(latencies) < 5
    assert "Traceback" not in service.log


@pytest.mark.parametrize("health_check", ["option httpchk", "option httpchk GET /health/live"])
def test_other_health_checks_of_haproxy_mark_the_service_up(
    service: Service, tmp_path: Path, health_check: str
) -> None:
    proxy = Haproxy(tmp_path / "haproxy", [service.port], health_check)
    try:
        proxy.start()
        # Until the first check has ended, a server is up.
        time.sleep(2)
        with proxy.client() as http:
            assert http.get("/health/live").status_code == 200
        assert " is DOWN" not in proxy.log
    finally:
        proxy.stop()


def test_a_service_that_is_down_is_a_503_of_the_api(proxy: Proxy, service: Service) -> None:
    preflight = {"Origin": APP, **PREFLIGHT}
    with proxy.client() as http, httpx.Client(**PLAIN_HTTP) as direct:
        of_service = direct.options(f"{service.url}/users/me", headers=preflight)
        plain = direct.options(f"{service.url}/users/me", headers={**preflight, **UNKNOWN_METHOD})
        assert (
            http.options("/users/me", headers={**preflight, **UNKNOWN_METHOD}).content
            == plain.content
        )
        service.stop()
        of_proxy = http.options("/users/me", headers=preflight)
        foreign = http.options("/users/me", headers={"Origin": FOREIGN[0], **PREFLIGHT})
        of_console = http.options("/console/users", headers=preflight)
        # The path has a credential, that of the status of a delivery.
        of_status = http.options("/auth/requests/credential", headers=preflight)
        legacy = http.post("/authenticate/get_otp", json={}).json()
        response = http.get("/health/live", headers={"Origin": APP})

        assert "credential" not in proxy.access_log.read_text()
        assert (of_status.status_code, cors_headers(of_status)) == (204, cors_headers(of_service))
        assert legacy["error"].startswith("Internal server error 503 Service Unavailable: ")
        assert (legacy["exit_code"], legacy["message"], legacy["status_code"]) == (5, "failed", 503)
        assert (of_proxy.status_code, of_proxy.content) == (204, b"")
        assert cors_headers(of_proxy) == cors_headers(of_service)
        assert {foreign.status_code, of_console.status_code} == {503}
        assert cors_headers(foreign) == cors_headers(of_console) == {"vary": {"Origin"}}
        assert (response.status_code, response.json()["code"]) == (503, "unavailable")
        assert response.json()["retry_after"] == 5
        assert response.headers["Access-Control-Allow-Origin"] == APP
        assert response.headers["Retry-After"] == "5"
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["Strict-Transport-Security"]
        assert response.headers["X-Request-Id"]
        service.start()
        service.wait_for(lambda: http.get("/health/live").status_code == 200)
