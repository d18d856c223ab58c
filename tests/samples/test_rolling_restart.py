"""The rolling restart of the samples: two instances of one machine behind proxies, under load."""

import io
import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import httpx
import pytest
from PIL import Image

from tests.samples.haproxy import Haproxy
from tests.samples.nginx import Nginx
from tests.samples.systemd import SAMPLES, FakeSystemctl, Machine, UnitInstance
from tests.support.client import me, sign_in
from tests.support.images import encode, still_gif
from tests.support.servers.fake_twilio import FakeTwilio

ROLLING_RESTART: Final = SAMPLES / "rolling-restart"
PHONE: Final = "+14155591001"
STOPS: Final = 3
READERS: Final = 3
CLIENT_PAUSE: Final = 0.1
SIGN_IN_PAUSE: Final = 0.5
"""One network and one number range may request 360 codes a minute, with the limits of tests."""
MIN_REQUESTS: Final = 10
"""Of each kind: enough to see a restart that fails some."""
PHOTO: Final = encode(Image.effect_noise((1300, 1000), 100), "JPEG", quality=97)
GIF: Final = still_gif()

Send = Callable[[httpx.Client], httpx.Response]


@pytest.fixture
def systemctl(tmp_path: Path) -> Iterator[FakeSystemctl]:
    """Two instances for one machine, with SQLite and a folder."""
    with FakeTwilio() as twilio:
        machine = Machine(tmp_path / "machine", twilio)
        # Only the credential is left, which a drop-in names.
        (machine.etc / "twilio_auth_token").unlink()
        instances = [UnitInstance(machine, "dialtone@") for _ in range(2)]
        with FakeSystemctl(tmp_path / "bin", machine, *instances) as systemctl:
            yield systemctl
        for instance in instances:
            if instance.is_running:
                instance.kill()


def start(systemctl: FakeSystemctl, **settings: str) -> None:
    systemctl.machine.set(settings)
    for instance in systemctl.instances:
        instance.launch()
    for instance in systemctl.instances:
        instance.wait_until_ready("ready")


class SlowFile(io.BytesIO):
    """A file that takes two seconds to upload."""

    def read(self, size: int | None = -1) -> bytes:
        # As a phone in a slow network does.
        time.sleep(0.5)
        return super().read(size)


class Clients:
    """Clients that send requests again and again, until they are told to stop.

    Args:
        nginx: Gets the requests.
        haproxy: Gets some of them. It asks the instances for their health.
        service: Knows the codes.
        token: The access token of the user who reads and uploads.
    """

    def __init__(self, nginx: Nginx, haproxy: Haproxy, service: UnitInstance, token: str) -> None:
        self._haproxy, self._nginx, self._service = haproxy, nginx, service
        self._headers = {"Authorization": f"Bearer {token}"}
        self._numbers = itertools.count(1000)
        self._is_over = threading.Event()
        with nginx.client() as http:
            body = {"username": "Asha", "number": PHONE}
            created = http.post("/users", json=body, headers=self._headers)
            self._user_id = created.json()["user_id"]
            self._photo_path = urlsplit(self._upload(http, PHOTO).json()["url"]).path
            self._refresh_token = self._sign_in(http).json()["refresh_token"]

    def __enter__(self) -> dict[str, list[Future[list[int]]]]:
        """Start them; return the future statuses of each kind of request."""
        senders: dict[str, list[Send]] = {
            "read": [self._read] * READERS,
            "read by HAProxy": [self._read] * READERS,
            "download": [self._download],
            # One user may have two uploads at the same time.
            "upload": [self._upload, self._upload_slowly],
            "sign in": [self._sign_in],
            "refresh": [self._refresh],
        }
        self._pool = ThreadPoolExecutor(sum(map(len, senders.values())))
        return {
            kind: [
                self._pool.submit(
                    self._repeat,
                    self._haproxy if "HAProxy" in kind else self._nginx,
                    send,
                    SIGN_IN_PAUSE if "sign in" in kind else CLIENT_PAUSE,
                )
                for send in sends
            ]
            for kind, sends in senders.items()
        }

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._pool.shutdown()

    def _repeat(self, proxy: Nginx | Haproxy, send: Send, pause: float) -> list[int]:
        """Return the status of each response, 0 for a broken connection."""
        statuses: list[int] = []
        with proxy.client() as http:
            while not self._is_over.is_set():
                try:
                    statuses.append(send(http).status_code)
                except httpx.TransportError:
                    statuses.append(0)
                # As clients do.
                time.sleep(pause)
        return statuses

    def _read(self, http: httpx.Client) -> httpx.Response:
        return http.get("/users/me", headers=self._headers)

    def _download(self, http: httpx.Client) -> httpx.Response:
        # A file that is cut is an error: it is shorter than its Content-Length.
        return http.get(self._photo_path)

    def _upload(self, http: httpx.Client, content: bytes | io.BytesIO = GIF) -> httpx.Response:
        return http.post(
            "/library/upload",
            headers=self._headers,
            files={"file": ("a.gif", content)},
            data={"user_id": self._user_id},
        )

    def _upload_slowly(self, http: httpx.Client) -> httpx.Response:
        return self._upload(http, SlowFile(GIF + bytes(200_000)))

    def _sign_in(self, http: httpx.Client) -> httpx.Response:
        body = {"phone": f"+1415556{next(self._numbers)}"}
        requested = http.post("/auth/request-otp", json=body)
        if not requested.is_success:
            return requested
        answer = {**body, "otp": self._service.code(body["phone"]), "refresh": True}
        return http.post("/auth/verify-otp", json=answer)

    def _refresh(self, http: httpx.Client) -> httpx.Response:
        response = http.post("/auth/refresh", json={"refresh_token": self._refresh_token})
        if response.is_success:
            self._refresh_token = response.json()["refresh_token"]
        return response


# Each stop takes the delay of production, 5 s.
@pytest.mark.timeout(240)
def test_a_rolling_restart_fails_no_request_and_changes_a_setting(
    systemctl: FakeSystemctl, tmp_path: Path
) -> None:
    machine, (first, second) = systemctl.machine, systemctl.instances
    ports = [str(instance.port) for instance in systemctl.instances]
    first.launch()
    first.wait_until_ready("ready")
    token = sign_in(first, PHONE)
    (first_message,) = machine.messages(PHONE)
    nginx = Nginx(tmp_path / "nginx", first.port, second.port)
    haproxy = Haproxy(tmp_path / "haproxy", [first.port, second.port])
    try:
        nginx.start()
        haproxy.start()
        clients = Clients(nginx, haproxy, first, token)
        sent_before = len(machine.twilio.messages)
        with clients as futures:
            machine.set({"DIALTONE_APP_NAME": "Acme"})
            # As a machine with one instance does it: the second one runs only for the restart.
            systemctl.run("systemctl", "start", second.name)
            second.wait_until_ready("ready")
            restart = systemctl.run(ROLLING_RESTART, *ports)
            systemctl.run("systemctl", "stop", second.name)
        with nginx.client() as http:
            headers = {"Authorization": f"Bearer {token}"}
            stored = http.get("/library", headers=headers).json()["total"]
    finally:
        nginx.stop()
        haproxy.stop()

    is_ready = "".join(f"dialtone@{port} is ready.\n" for port in ports)
    assert (restart.stdout, restart.stderr) == (is_ready, "")
    assert systemctl.exit_codes == [0] * STOPS
    sent = {
        kind: Counter(status for client in clients for status in client.result())
        for kind, clients in futures.items()
    }
    assert {kind: set(statuses) for kind, statuses in sent.items()} == {
        "read": {200}, "read by HAProxy": {200}, "download": {200}, "upload": {201},
        "sign in": {200}, "refresh": {200},
    }, sent  # fmt: skip
    assert min(statuses.total() for statuses in sent.values()) > MIN_REQUESTS, sent
    # No POST was sent to both instances.
    assert stored == 1 + sent["upload"].total()
    assert len(machine.twilio.messages) == sent_before + sent["sign in"].total()
    assert "Acme" not in first_message
    assert "Acme" in machine.twilio.messages[-1]["Body"]


def test_a_rolling_restart_keeps_the_other_instance_if_one_does_not_start(
    systemctl: FakeSystemctl,
) -> None:
    at_once = {"DIALTONE_STOP_DELAY": "0s"}
    no_pause = {"PAUSE": "0"}
    start(systemctl, **at_once)
    machine, (first, second) = systemctl.machine, systemctl.instances
    ports = (str(first.port), str(second.port))
    assert systemctl.run(ROLLING_RESTART, ports[0]).returncode == 1
    assert systemctl.commands == []

    machine.set({**at_once, "DIALTONE_COUNTRIES": "XX"})
    failed = systemctl.run(ROLLING_RESTART, *ports, **no_pause)
    assert (failed.returncode, failed.stdout) == (1, "")
    assert f"dialtone@{ports[0]} does not start" in failed.stderr
    assert "DIALTONE_COUNTRIES" in first.log
    assert me(second, sign_in(second, PHONE)) == 404

    # The second instance is the only one now.
    failed = systemctl.run(ROLLING_RESTART, *reversed(ports))
    assert failed.returncode == 1
    assert f"dialtone@{ports[0]} is not ready" in failed.stderr

    # A start that takes longer than the limit, here no time at all, ends the restart too.
    machine.set(at_once)
    assert systemctl.run("systemctl", "start", first.name).returncode == 0
    first.wait_until_ready("ready")
    failed = systemctl.run(ROLLING_RESTART, *ports, TIMEOUT="0", **no_pause)
    assert f"dialtone@{ports[0]} is not ready after 0 seconds" in failed.stderr
    restarts = [line for line in systemctl.commands if line.startswith("restart")]
    assert restarts == [f"restart {first.name}"] * 2
    assert second.is_running
