"""The sample for nginx in the docs, with a real nginx."""

import json
import os
import re
import signal
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import httpx
import pytest
from PIL import Image

from tests.e2e.test_start import sign_in
from tests.support.certificates import CertificateAuthority
from tests.support.images import encode
from tests.support.servers.process import find_or_install, free_ports, wait_until
from tests.support.service import START_TIMEOUT, Service

SAMPLE: Final = Path(__file__).parents[2] / "docs/nginx.conf"
PHONE: Final = "+14155591001"
PHOTO: Final = encode(Image.effect_noise((2600, 2000), 100), "JPEG", quality=97)


class Nginx:
    """An nginx with the sample, in front of a service."""

    def __init__(self, folder: Path, service: Service) -> None:
        self.port = free_ports(1)[0]
        self._folder = folder
        tls = folder / "tls"
        tls.mkdir(parents=True)
        authority = CertificateAuthority(folder)
        certificate = authority.issue("service").read_bytes()
        (tls / "privkey.pem").write_bytes(certificate)
        (tls / "fullchain.pem").write_bytes(certificate)
        self.tls = ssl.create_default_context(cafile=authority.file)
        text = SAMPLE.read_text()
        text = re.sub(r".*listen \[::\].*\n", "", text)
        for written, used in (
            ("/etc/nginx/tls", str(tls)),
            ("listen 80;", f"listen 127.0.0.1:{free_ports(1)[0]};"),
            ("listen 443", f"listen 127.0.0.1:{self.port}"),
            ("server 127.0.0.1:8000;", f"server 127.0.0.1:{service.port};"),
            ("http {", f"pid {folder}/pid;\nerror_log {folder}/error;\nhttp {{\n{self._paths()}"),
        ):
            assert written in text
            text = text.replace(written, used)
        self._file = folder / "nginx.conf"
        # Only root may have workers of another user.
        self._file.write_text(f"daemon off;\n{'user root;' * (os.geteuid() == 0)}\n{text}")
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def client(self, client_ip: str = "127.0.0.1") -> httpx.Client:
        transport = httpx.HTTPTransport(verify=self.tls, local_address=client_ip)
        return httpx.Client(base_url=self.url, transport=transport, timeout=60)

    def start(self) -> None:
        program = find_or_install("nginx", "nginx-light")
        self.process = subprocess.Popen([program, "-c", self._file, "-e", self.errors])
        wait_until(self.is_listening, explain=self.errors.read_text)

    def is_listening(self) -> bool:
        with suppress(httpx.TransportError), self.client() as http:
            return http.get("/health/live").is_success
        return False

    @property
    def errors(self) -> Path:
        return self._folder / "error"

    def _paths(self) -> str:
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        paths = [f"{kind}_temp_path {self._folder}/{kind};" for kind in kinds]
        return "\n".join(["access_log off;", *paths])


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, Nginx]]:
    folder = tmp_path_factory.mktemp("proxied")
    service = Service(folder / "service", {"DIALTONE_TRUSTED_PROXIES": "127.0.0.1"}).start()
    nginx = Nginx(folder / "nginx", service)
    try:
        nginx.start()
        yield service, nginx
    finally:
        if nginx.process is not None:
            nginx.process.terminate()
            nginx.process.wait(START_TIMEOUT)
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


def test_metrics_are_hidden_and_readiness_is_for_operators(proxied: tuple[Service, Nginx]) -> None:
    _, nginx = proxied
    with nginx.client() as http:
        assert http.get("/metrics").status_code == 404
        assert http.get("/health/ready").json()["status"] == "ready"
    with nginx.client("127.0.0.9") as http:
        assert http.get("/health/ready").status_code == 403
        assert http.get("/health/live").status_code == 200


@pytest.mark.parametrize(
    ("path", "answer"), [("/auth/request-otp", b""), ("/library/upload", b"HTTP/1.1 408")]
)
def test_a_body_that_stops_is_ended(
    proxied: tuple[Service, Nginx], token: str, path: str, answer: bytes
) -> None:
    _, nginx = proxied
    with (
        socket.create_connection(("127.0.0.1", nginx.port), timeout=30) as plain,
        nginx.tls.wrap_socket(plain, server_hostname="127.0.0.1") as connection,
    ):
        connection.sendall(
            f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
            "Content-Type: multipart/form-data; boundary=b\r\n"
            "Content-Length: 90000\r\n\r\n--b".encode()
        )
        received = connection.recv(65536)
    # nginx itself closes the connection without a response.
    assert received.startswith(answer)
    assert bool(received) == bool(answer)


def test_a_reload_cuts_nothing(proxied: tuple[Service, Nginx], token: str) -> None:
    _, nginx = proxied
    assert nginx.process is not None
    with nginx.client() as http:
        # A reload closes idle connections, possibly while a client sends its next request on one.
        headers = {"Authorization": f"Bearer {token}", "Connection": "close"}
        for _ in range(5):
            nginx.process.send_signal(signal.SIGHUP)
            for _ in range(20):
                assert http.get("/users/me", headers=headers).status_code in (200, 404)
        assert upload(http, token, PHOTO).status_code == 201


def test_a_stopped_service_is_a_503_of_the_api(proxied: tuple[Service, Nginx]) -> None:
    service, nginx = proxied
    with nginx.client() as http:
        service.stop()
        response = http.get("/health/live")

        assert (response.status_code, response.json()["code"]) == (503, "unavailable")
        assert response.headers["Retry-After"] == "5"
        service.start()
        assert http.get("/health/live").status_code == 200
