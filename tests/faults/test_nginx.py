"""The sample for nginx in the docs, with a real nginx.

`test_rolling_restart.py` has two instances behind it.
"""

import json
import socket
import ssl
import time
from collections.abc import Iterator
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
from tests.support.servers.nginx import Nginx
from tests.support.service import Service

PHONE: Final = "+14155591001"
OUTSIDE: Final = "127.0.0.9"
"""A client IP that is not one of those who operate the service."""
MAX_CONNECTIONS: Final = 1_000
"""Of one IP, in the sample."""
PHOTO: Final = encode(Image.effect_noise((2600, 2000), 100), "JPEG", quality=97)


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, Nginx]]:
    folder = tmp_path_factory.mktemp("proxied")
    service = Service(folder / "service", {"DIALTONE_TRUSTED_PROXIES": "127.0.0.1"}).start()
    nginx = Nginx(folder / "nginx", service.port)
    try:
        nginx.start()
        yield service, nginx
    finally:
        nginx.stop()
        service.kill()


@pytest.fixture(scope="module")
def token(proxied: tuple[Service, Nginx]) -> str:
    return sign_in(proxied[0], PHONE)


def upload(http: httpx.Client, token: str, content: bytes) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"}
    user = http.post("/users", json={"username": "Asha", "number": PHONE}, headers=headers).json()
    return http.post(
        "/library/upload",
        files={"file": ("photo.jpg", content)},
        data={"user_id": user["user_id"]},
        headers=headers,
    )


def test_a_photo_of_five_megabytes_is_uploaded(proxied: tuple[Service, Nginx], token: str) -> None:
    _, nginx = proxied
    assert 4_000_000 < len(PHOTO) < 8_000_000
    with nginx.client() as http:
        response = upload(http, token, PHOTO)
        assert response.status_code == 201, response.text
        large = http.post("/library/upload", content=bytes(23_000_000))
        assert (large.status_code, large.json()["code"]) == (413, "body_too_large")
        # The service rejects a file just over its limit, with its own response.
        large = upload(http, token, bytes(20_000_001))
        assert (large.status_code, large.json()["code"]) == (413, "file_too_large")


def test_the_service_sees_the_ip_of_the_client(proxied: tuple[Service, Nginx]) -> None:
    service, nginx = proxied
    with nginx.client("127.0.0.9") as http:
        trace = f"00-{'4' * 32}-{'7' * 16}-01"
        forged = {"X-Forwarded-For": "203.0.113.7", "X-Request-Id": "forged", "traceparent": trace}
        request_id = http.get("/users/me", headers=forged).headers["X-Request-Id"]
    service.wait_for(lambda: request_id in service.log)
    lines = [json.loads(line) for line in service.log.splitlines() if request_id in line]

    assert {line["client_ip"] for line in lines} == {"127.0.0.9"}
    assert request_id != "forged"
    assert not any("trace_id" in line for line in lines)


def test_readiness_is_for_operators(proxied: tuple[Service, Nginx]) -> None:
    _, nginx = proxied
    with nginx.client() as http:
        assert http.get("/health/ready").json()["status"] == "ready"
    with nginx.client(OUTSIDE) as http:
        for path in ("ready", "ready/", "ready//", "/ready", "%72eady", "live/../ready", "ready?a"):
            assert http.get(f"/health/{path}").status_code == 403, path
        assert http.get("/health/live").status_code == 200


def test_an_unknown_name_gets_no_response(proxied: tuple[Service, Nginx]) -> None:
    _, nginx = proxied
    with nginx.client() as http, pytest.raises(httpx.RemoteProtocolError):
        http.get("/health/live", headers={"Host": "evil.example"})
    with (
        pytest.raises(ssl.SSLError, match="UNRECOGNIZED_NAME"),
        socket.create_connection(("127.0.0.1", nginx.port)) as plain,
    ):
        nginx.tls.wrap_socket(plain, server_hostname="evil.example")
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.get(f"http://127.0.0.1:{nginx.http_port}/", headers={"Host": "evil.example"})


def test_http_is_redirected_to_the_name_of_the_service(proxied: tuple[Service, Nginx]) -> None:
    _, nginx = proxied
    with socket.create_connection(("127.0.0.1", nginx.http_port), timeout=20) as connection:
        # The URL of the request line, where a client may write another host, has the last word.
        connection.sendall(
            f"GET http://{SERVER_NAME}:80/docs?a=1 HTTP/1.1\r\nHost: evil.example\r\n\r\n".encode()
        )
        response = connection.recv(65536).decode()
    assert response.startswith("HTTP/1.1 308 ")
    assert f"Location: https://{SERVER_NAME}/docs?a=1\r\n" in response


def stop_in_body(nginx: Nginx, token: str, path: str, content_type: str) -> socket.socket:
    connection = connect(nginx.port, OUTSIDE, nginx.tls, timeout=30)
    connection.sendall(
        f"POST {path} HTTP/1.1\r\nHost: {SERVER_NAME}\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: {content_type}\r\nContent-Length: 9000\r\n\r\n--b".encode()
    )
    return connection


def test_one_ip_has_a_limit_and_stopped_clients_are_closed(
    proxied: tuple[Service, Nginx], token: str
) -> None:
    service, nginx = proxied
    with (
        hold(nginx.port, MAX_CONNECTIONS, LARGE_RESPONSE, tls=nginx.tls) as readers,
        stop_in_body(nginx, token, "/auth/request-otp", "application/json") as otp_request,
        stop_in_body(
            nginx, token, "/library/upload", "multipart/form-data; boundary=b"
        ) as file_upload,
    ):
        # nginx counts a connection from its request on.
        time.sleep(1)
        with nginx.client() as http:
            assert http.get("/health/live").status_code == 503
        deadline = time.monotonic() + 90
        latencies = []
        while readers.open and time.monotonic() < deadline:
            latencies.append(request_latency(nginx.port, client_ip=OUTSIDE, tls=nginx.tls))
            # Others send a request from time to time.
            time.sleep(0.2)
        assert readers.open == 0
        for body in (file_upload, otp_request):
            assert body.recv(65536).startswith(b"HTTP/1.1 408")
    assert max(latencies) < 5
    with nginx.client() as http:
        assert http.get("/health/live").status_code == 200
    assert "Traceback" not in service.log


def test_a_stopped_service_is_a_503_of_the_api(proxied: tuple[Service, Nginx]) -> None:
    service, nginx = proxied
    with nginx.client() as http:
        service.stop()
        response = http.get("/health/live")

        assert (response.status_code, response.json()["code"]) == (503, "unavailable")
        assert response.headers["Retry-After"] == "5"
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["Strict-Transport-Security"]
        assert response.headers["X-Request-Id"]
        service.start()
        assert http.get("/health/live").status_code == 200
