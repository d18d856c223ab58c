"""The rolling restart of the samples: two instances of one machine behind nginx, under load."""

import io
import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Final

import httpx
import pytest

from tests.e2e.test_start import me, sign_in
from tests.support.images import still_gif
from tests.support.servers.fake_twilio import FakeTwilio
from tests.support.servers.nginx import Nginx
from tests.support.systemd import SAMPLES, FakeSystemctl, Machine, UnitInstance

ROLLING_RESTART: Final = SAMPLES / "rolling-restart"
PHONE: Final = "+14155591001"
STOPS: Final = 5
READERS: Final = 3
CLIENT_PAUSE: Final = 0.1
SIGN_IN_PAUSE: Final = 0.3
"""One network and one number range may request 360 codes a minute, with the limits of tests."""
MIN_REQUESTS: Final = 300
"""Of all of them: enough to see a restart that fails some."""

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
        service: Knows the codes.
        token: The access token of the user who reads and uploads.
    """

    def __init__(self, nginx: Nginx, service: UnitInstance, token: str) -> None:
        self._nginx, self._service = nginx, service
        self._headers = {"Authorization": f"Bearer {token}"}
        self._phones = (f"+1415556{number:04d}" for number in itertools.count(1000))
        self._is_over = threading.Event()
        self._pool = ThreadPoolExecutor(READERS + 3)
        with nginx.client() as http:
            body = {"username": "Asha", "number": PHONE}
            created = http.post("/users", json=body, headers=self._headers)
            self._user_id = created.json()["user_id"]

    def __enter__(self) -> dict[str, list[Future[list[int]]]]:
        """Start them; return the future statuses of each kind of request."""
        submit = self._pool.submit
        return {
            "read": [submit(self._repeat, self._read) for _ in range(READERS)],
            # One user may have two uploads at the same time.
            "upload": [submit(self._repeat, send) for send in (self._upload, self._upload_slowly)],
            "sign in": [submit(self._repeat, self._sign_in, SIGN_IN_PAUSE)],
        }

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._pool.shutdown()

    def _repeat(self, send: Send, pause: float = CLIENT_PAUSE) -> list[int]:
        """Return the status of each response, 0 for a broken connection."""
        statuses: list[int] = []
        with self._nginx.client() as http:
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

    def _upload(self, http: httpx.Client, file: io.BytesIO | None = None) -> httpx.Response:
        return http.post(
            "/library/upload",
            headers=self._headers,
            files={"file": ("a.gif", file or io.BytesIO(still_gif()))},
            data={"user_id": self._user_id},
        )

    def _upload_slowly(self, http: httpx.Client) -> httpx.Response:
        return self._upload(http, SlowFile(still_gif() + bytes(200_000)))

    def _sign_in(self, http: httpx.Client) -> httpx.Response:
        phone = next(self._phones)
        requested = http.post("/auth/request-otp", json={"phone": phone})
        if not requested.is_success:
            return requested
        body = {"phone": phone, "otp": self._service.code(phone)}
        return http.post("/auth/verify-otp", json=body)


# Each stop takes the delay of production, 5 s.
@pytest.mark.timeout(240)
def test_rolling_restarts_fail_no_request_and_change_a_setting(
    systemctl: FakeSystemctl, tmp_path: Path
) -> None:
    start(systemctl)
    machine, instances = systemctl.machine, systemctl.instances
    ports = [str(instance.port) for instance in instances]
    token = sign_in(instances[0], PHONE)
    (first_message,) = machine.messages(PHONE)
    nginx = Nginx(tmp_path / "nginx", *(instance.port for instance in instances))
    try:
        nginx.start()
        with Clients(nginx, instances[0], token) as futures:
            machine.set({"DIALTONE_APP_NAME": "Acme"})
            restarts = [systemctl.run(ROLLING_RESTART, *ports)]
            # As a machine with one instance does it: the second one runs only for the restart.
            systemctl.run("systemctl", "stop", instances[1].name)
            systemctl.run("systemctl", "start", instances[1].name)
            instances[1].wait_until_ready("ready")
            restarts.append(systemctl.run(ROLLING_RESTART, *ports))
        with nginx.client() as http:
            headers = {"Authorization": f"Bearer {token}"}
            stored = http.get("/library", headers=headers).json()["total"]
    finally:
        nginx.stop()

    is_ready = "".join(f"dialtone@{port} is ready.\n" for port in ports)
    assert [(each.stdout, each.stderr) for each in restarts] == [(is_ready, "")] * 2
    assert systemctl.exit_codes == [0] * STOPS
    sent = {
        kind: Counter(status for client in clients for status in client.result())
        for kind, clients in futures.items()
    }
    assert {kind: set(statuses) for kind, statuses in sent.items()} == {
        "read": {200}, "upload": {201}, "sign in": {200},
    }, sent  # fmt: skip
    assert sum(statuses.total() for statuses in sent.values()) > MIN_REQUESTS
    # No POST was sent to both instances.
    assert stored == sent["upload"].total()
    assert len(machine.twilio.messages) == 1 + sent["sign in"].total()
    assert "Acme" not in first_message
    assert "Acme" in machine.twilio.messages[-1]["Body"]


def test_a_rolling_restart_keeps_the_other_instance_if_one_does_not_start(
    systemctl: FakeSystemctl,
) -> None:
    at_once = {"DIALTONE_STOP_DELAY": "0s"}
    start(systemctl, **at_once)
    machine, (first, second) = systemctl.machine, systemctl.instances
    ports = (str(first.port), str(second.port))
    assert systemctl.run(ROLLING_RESTART, ports[0]).returncode == 1
    assert systemctl.commands == []

    machine.set({**at_once, "DIALTONE_COUNTRIES": "XX"})
    failed = systemctl.run(ROLLING_RESTART, *ports)
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
    failed = systemctl.run(ROLLING_RESTART, *ports, TIMEOUT="0")
    assert f"dialtone@{ports[0]} is not ready after 0 seconds" in failed.stderr
    restarts = [line for line in systemctl.commands if line.startswith("restart")]
    assert restarts == [f"restart {first.name}"] * 2
    assert second.is_running
