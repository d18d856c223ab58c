"""The sample for HAProxy in the docs, with a real HAProxy.

`test_rolling_restart.py` has two instances behind it.
"""

import json
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx
import pytest
from PIL import Image

from tests.e2e.test_start import sign_in
from tests.support.held_connections import (
    LARGE_RESPONSE,
    SERVER_NAME,
    connect,
    hold,
    request_latency,
)
from tests.support.images import encode
from tests.support.servers.haproxy import Haproxy
from tests.support.service import Service

PHONE: Final = "+14155591011"
OUTSIDE: Final = "127.0.0.9"
"""A client IP that is not one of those who operate the service."""
MAX_CONNECTIONS: Final = 1_000
"""Of one IP, in the sample."""
PHOTO: Final = encode(Image.effect_noise((2600, 2000), 100), "JPEG", quality=97)
TRUSTED: Final = {"DIALTONE_TRUSTED_PROXIES": "127.0.0.1"}


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, Haproxy]]:
    folder = tmp_path_factory.mktemp("proxied")
    service = Service(folder / "service", TRUSTED).start()
    haproxy = Haproxy(folder / "haproxy", [service.port])
    try:
        haproxy.start()
        yield service, haproxy
    finally:
        haproxy.stop()
        service.kill()


@pytest.fixture(scope="module")
def token(proxied: tuple[Service, Haproxy]) -> str:
    return sign_in(proxied[0], PHONE)


def test_a_photo_of_five_megabytes_is_uploaded(
    proxied: tuple[Service, Haproxy], token: str
) -> None:
    _, haproxy = proxied
    headers = {"Authorization": f"Bearer {token}"}

    def upload(content: bytes) -> httpx.Response:
        files = {"file": ("photo.jpg", content)}
        data = {"user_id": user["user_id"]}
        return http.post("/library/upload", files=files, data=data, headers=headers)

    with haproxy.client() as http:
        body = {"username": "Asha", "number": PHONE}
        user = http.post("/users", json=body, headers=headers).json()
        response = upload(PHOTO)
        assert response.status_code == 201, response.text
        large = http.post("/library/upload", content=bytes(23_000_000))
        assert (large.status_code, large.json()["code"]) == (413, "body_too_large")
        # The service rejects a file just over its limit, with its own response.
        large = upload(bytes(20_000_001))
        assert (large.status_code, large.json()["code"]) == (413, "file_too_large")


def test_the_service_sees_the_ip_of_the_client(proxied: tuple[Service, Haproxy]) -> None:
    service, haproxy = proxied
    with haproxy.client(OUTSIDE) as http:
        trace = f"00-{'4' * 32}-{'7' * 16}-01"
        forged = {"X-Forwarded-For": "203.0.113.7", "X-Request-Id": "forged", "traceparent": trace}
        response = http.get("/users/me", headers=forged)
    (request_id,) = response.headers.get_list("X-Request-Id")
    service.wait_for(lambda: request_id in service.log)
    lines = [json.loads(line) for line in service.log.splitlines() if request_id in line]

    assert {line["client_ip"] for line in lines} == {OUTSIDE}
    assert request_id != "forged"
    assert not any("trace_id" in line for line in lines)
    assert response.headers["Strict-Transport-Security"]


def test_readiness_is_for_operators(proxied: tuple[Service, Haproxy]) -> None:
    _, haproxy = proxied
    with haproxy.client() as http:
        assert http.get("/health/ready").json()["status"] == "ready"
    with haproxy.client(OUTSIDE) as http:
        for path in ("/health/ready", "/health/ready/", "//health//ready", "/health/%72eady"):
            response = http.get(f"https://127.0.0.1:{haproxy.port}{path}?a")
            assert (response.status_code, response.json()["code"]) == (403, "forbidden"), path
        assert http.get("/health/live").status_code == 200


def test_an_unknown_name_gets_no_response(proxied: tuple[Service, Haproxy]) -> None:
    _, haproxy = proxied
    with haproxy.client() as http, pytest.raises(httpx.RemoteProtocolError):
        http.get("/health/live", headers={"Host": "evil.example"})
    with (
        pytest.raises(ssl.SSLError),
        socket.create_connection(("127.0.0.1", haproxy.port)) as plain,
    ):
        haproxy.tls.wrap_socket(plain, server_hostname="evil.example")
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.get(f"http://127.0.0.1:{haproxy.http_port}/", headers={"Host": "evil.example"})


def test_http_is_redirected_to_the_name_of_the_service(proxied: tuple[Service, Haproxy]) -> None:
    _, haproxy = proxied
    url = f"http://127.0.0.1:{haproxy.http_port}/docs?a=1"
    response = httpx.get(url, headers={"Host": f"{SERVER_NAME}:80"})
    assert response.status_code == 308
    assert response.headers["Location"] == f"https://{SERVER_NAME}/docs?a=1"


def accepts(haproxy: Haproxy, client_ip: str) -> bool:
    """Return whether a connection from this IP is not closed at once."""
    try:
        with connect(haproxy.port, client_ip, timeout=1) as connection:
            connection.recv(1)
    except TimeoutError:
        return True
    except ConnectionError:
        pass
    return False


def test_one_ip_has_a_limit_and_stopped_clients_are_ended(
    proxied: tuple[Service, Haproxy],
) -> None:
    service, haproxy = proxied
    with (
        hold(haproxy.port, MAX_CONNECTIONS, LARGE_RESPONSE, tls=haproxy.tls),
        connect(haproxy.port, OUTSIDE, haproxy.tls, timeout=60) as otp_request,
    ):
        otp_request.sendall(
            f"POST /auth/request-otp HTTP/1.1\r\nHost: {SERVER_NAME}\r\n"
            "Content-Type: application/json\r\nContent-Length: 9000\r\n\r\n{".encode()
        )
        assert not accepts(haproxy, "127.0.0.1")
        deadline = time.monotonic() + 90
        latencies = [0.0]
        # The clients do not see that HAProxy has given them up: the end of the connection comes
        # after the bytes that they do not read.
        while not accepts(haproxy, "127.0.0.1"):
            assert time.monotonic() < deadline
            latencies.append(request_latency(haproxy.port, client_ip=OUTSIDE, tls=haproxy.tls))
            # Others send a request from time to time.
            time.sleep(0.2)
        assert otp_request.recv(65536).startswith(b"HTTP/1.1 408")
    assert max(latencies) < 5
    assert "Traceback" not in service.log


def test_a_stopped_service_is_a_503_of_the_api(proxied: tuple[Service, Haproxy]) -> None:
    service, haproxy = proxied
    with haproxy.client() as http:
        service.stop()
        response = http.get("/health/live")

        assert (response.status_code, response.json()["code"]) == (503, "unavailable")
        assert response.headers["Retry-After"] == "5"
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["Strict-Transport-Security"]
        assert response.headers["X-Request-Id"]
        service.start()
        service.wait_for(lambda: http.get("/health/live").status_code == 200)


@pytest.mark.parametrize(
    "health_check",
    [
        "option httpchk",
        "option httpchk GET /health/live",
        "option httpchk\n    http-check send meth GET uri /health/ready ver HTTP/1.1 hdr Host a",
    ],
)
def test_health_checks_mark_the_service_up(
    proxied: tuple[Service, Haproxy], tmp_path: Path, health_check: str
) -> None:
    service, _ = proxied
    haproxy = Haproxy(tmp_path / "haproxy", [service.port], health_check)
    try:
        haproxy.start()
        # Until the first check has ended, a server is up.
        time.sleep(2)
        with haproxy.client() as http:
            assert http.get("/health/live").status_code == 200
        assert " is DOWN" not in haproxy.log
    finally:
        haproxy.stop()
