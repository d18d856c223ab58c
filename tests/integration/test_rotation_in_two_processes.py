"""Two processes of the service that reload a rotated secrets file at different times."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import jwt
import pytest

from adapters.key_file import MIN_ROTATION_DELAY, RELOAD_INTERVAL, KeyPurpose, rotate_secrets_file
from adapters.key_file.rotation import ROTATED_PURPOSES
from tests.support.builders import a_phone
from tests.support.keys import edit_secrets_file, load_keys

PROJECT: Final = Path(__file__).parents[2]
# Later than the `not_before` of the keys that a first start creates with the system clock.
NOW: Final = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
STEP: Final = timedelta(seconds=5)
LIFETIMES: Final = {
    KeyPurpose.SIGNING: timedelta(days=90),
    KeyPurpose.REFRESH: timedelta(days=90),
    KeyPurpose.OTP_PEPPER: timedelta(minutes=5),
}
SHORT_LIFETIMES: Final = dict.fromkeys(ROTATED_PURPOSES, STEP)


class Process:
    """A process; `tests.integration.service_process` describes its commands."""

    def __init__(self, directory: Path, clock: Path) -> None:
        environ = {
            "PATH": os.environ["PATH"],
            "DIALTONE_DATABASE": f"sqlite:///{directory}/dialtone.db",
            "DIALTONE_MEDIA": f"file://{directory}/media",
            "DIALTONE_SECRETS_FILE": f"{directory}/secrets.json",
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.integration.service_process", str(clock)],
            cwd=PROJECT,
            env=environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._read()

    def request_otp(self, phone: str) -> str:
        code: str = self._send("request_otp", phone)
        return code

    def verify_otp(self, phone: str, code: str) -> str:
        token = self._send("verify_otp", phone, code)
        assert isinstance(token, str), "the code was rejected"
        return token

    def sign_in(self, phone: str) -> str:
        return self.verify_otp(phone, self.request_otp(phone))

    def authenticate(self, token: str) -> str | None:
        user_id: str | None = self._send("authenticate", token)
        return user_id

    def published_key_ids(self) -> list[str]:
        key_ids: list[str] = self._send("published_key_ids")
        return key_ids

    def stop(self) -> None:
        self._process.communicate(timeout=30)
        assert self._process.returncode == 0

    def _send(self, *command: str) -> Any:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        return self._read()

    def _read(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the process ended"
        return json.loads(line)


@dataclass
class Deployment:
    """A directory, a clock, and the processes that share both."""

    directory: Path
    stack: ExitStack
    now: datetime = NOW
    phones: int = 0

    def __post_init__(self) -> None:
        self.set_time(self.now)

    @property
    def secrets_file(self) -> Path:
        return self.directory / "secrets.json"

    def set_time(self, now: datetime) -> None:
        """Change the time of all processes, atomically because they may read it meanwhile."""
        self.now = now
        temporary = self.directory / "clock.new"
        temporary.write_text(now.isoformat())
        temporary.replace(self.directory / "clock")

    def start_process(self) -> Process:
        process = Process(self.directory, self.directory / "clock")
        self.stack.callback(process.stop)
        return process

    def new_phone(self) -> str:
        self.phones += 1
        return a_phone(self.phones).e164

    def rotate(self, lifetimes: dict[KeyPurpose, timedelta] = LIFETIMES) -> datetime:
        """Rotate the keys and return when the new ones become active."""
        return rotate_secrets_file(self.secrets_file, self.now, lifetimes)[0].not_before


@pytest.fixture
def deployment(tmp_path: Path) -> Iterator[Deployment]:
    with ExitStack() as stack:
        yield Deployment(tmp_path, stack)


def read_key_id(token: str) -> str:
    key_id: str = jwt.get_unverified_header(token)["kid"]
    return key_id


def test_two_processes_accept_each_others_codes_during_a_rotation(
    deployment: Deployment,
) -> None:
    first = deployment.start_process()
    deployment.set_time(NOW + 2 * STEP)
    second = deployment.start_process()
    old_key_id = read_key_id(first.sign_in(deployment.new_phone()))
    user_ids: dict[str, str] = {}
    pending_codes: list[tuple[Process, str, str]] = []
    steps_known_to_first_only, used_key_ids = 0, []

    deployment.set_time(NOW + 3 * STEP)
    not_before = deployment.rotate()
    while deployment.now < not_before + 2 * RELOAD_INTERVAL:
        known_to_first, known_to_second = first.published_key_ids(), second.published_key_ids()
        steps_known_to_first_only += len(known_to_first) > len(known_to_second)
        # Each process verifies the code that the other requested a step ago.
        for process, phone, code in pending_codes:
            token = process.verify_otp(phone, code)
            user_id = first.authenticate(token)
            assert user_id is not None
            user_ids[token] = user_id
            used_key_ids.append((deployment.now, read_key_id(token)))
        pending_codes = []
        for requesting, verifying in ((first, second), (second, first)):
            phone = deployment.new_phone()
            pending_codes.append((verifying, phone, requesting.request_otp(phone)))
        for token, user_id in user_ids.items():
            assert first.authenticate(token) == second.authenticate(token) == user_id
        deployment.set_time(deployment.now + STEP)

    assert steps_known_to_first_only > 0
    assert first.published_key_ids() == second.published_key_ids()
    new_key_id = read_key_id(first.sign_in(deployment.new_phone()))
    assert new_key_id != old_key_id
    assert used_key_ids == [
        (time, old_key_id if time < not_before else new_key_id) for time, _ in used_key_ids
    ]
    assert {key_id for _, key_id in used_key_ids} == {old_key_id, new_key_id}


def test_each_process_rejects_tokens_of_a_removed_key_after_reloading(
    deployment: Deployment,
) -> None:
    first = deployment.start_process()
    old_token = first.sign_in(deployment.new_phone())
    deployment.set_time(deployment.rotate() + STEP)
    second = deployment.start_process()
    new_token = second.sign_in(deployment.new_phone())
    assert read_key_id(old_token) != read_key_id(new_token)

    deployment.set_time(NOW + timedelta(days=8))
    assert None not in (first.authenticate(old_token), second.authenticate(old_token))
    deployment.rotate(SHORT_LIFETIMES)
    deployment.set_time(deployment.now + RELOAD_INTERVAL)

    assert (first.authenticate(old_token), second.authenticate(old_token)) == (None, None)
    assert None not in (first.authenticate(new_token), second.authenticate(new_token))


def test_a_key_removed_by_the_operator_is_rejected_from_the_next_reload(
    deployment: Deployment,
) -> None:
    process = deployment.start_process()
    token = process.sign_in(deployment.new_phone())
    deployment.set_time(deployment.rotate())
    assert process.authenticate(token) is not None

    edit_secrets_file(deployment.secrets_file, lambda document: document["refresh"].pop(1))

    deployment.set_time(deployment.now + RELOAD_INTERVAL - timedelta(milliseconds=1))
    assert process.authenticate(token) is not None
    deployment.set_time(deployment.now + timedelta(milliseconds=1))
    assert process.authenticate(token) is None


def test_weekly_rotations_sign_nobody_out_before_the_token_expires(deployment: Deployment) -> None:
    process = deployment.start_process()
    tokens = []
    for _ in range(13):
        tokens.append(process.sign_in(deployment.new_phone()))
        deployment.rotate()
        deployment.set_time(deployment.now + timedelta(days=7) - MIN_ROTATION_DELAY)

    assert deployment.now > NOW + timedelta(days=90)
    expired = [process.authenticate(token) is None for token in tokens]
    assert expired == [True] + [False] * 12
    assert len(load_keys(deployment.secrets_file)[KeyPurpose.SIGNING]) == 14
