"""Two processes of the service, which read the rotated file at different moments."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import jwt
import pytest

from adapters.secrets_file import (
    RELOAD_INTERVAL,
    SHORTEST_DELAY,
    Lives,
    load_or_make_secrets,
    rotate_secrets,
)
from tests.support.builders import a_phone

PROJECT: Final = Path(__file__).parents[2]
# The keys of a first start carry the machine's time, whenever in the run that is: this is later.
NOW: Final = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
A_STEP: Final = timedelta(seconds=5)
LIVES: Final = Lives(
    codes=timedelta(minutes=5), access_tokens=timedelta(days=90), refresh_tokens=timedelta(days=90)
)
SHORT_LIVES: Final = Lives(codes=A_STEP, access_tokens=A_STEP, refresh_tokens=A_STEP)


class Process:
    """One of them; `tests.integration.key_process` says what it can do."""

    def __init__(self, folder: Path, clock: Path) -> None:
        environ = {
            "PATH": os.environ["PATH"],
            "DIALTONE_DATABASE": f"sqlite:///{folder}/dialtone.db",
            "DIALTONE_MEDIA": f"file://{folder}/media",
            "DIALTONE_SECRETS_FILE": f"{folder}/secrets.json",
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.integration.key_process", str(clock)],
            cwd=PROJECT,
            env=environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._read()

    def ask(self, phone: str) -> str:
        code: str = self._do("ask", phone)
        return code

    def answer(self, phone: str, code: str) -> str:
        token = self._do("answer", phone, code)
        assert isinstance(token, str), "the code was refused"
        return token

    def show(self, token: str) -> str | None:
        whose: str | None = self._do("show", token)
        return whose

    def keys(self) -> list[str]:
        ids: list[str] = self._do("keys")
        return ids

    def end(self) -> None:
        self._process.communicate(timeout=30)
        assert self._process.returncode == 0

    def _do(self, *step: str) -> Any:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(step) + "\n")
        self._process.stdin.flush()
        return self._read()

    def _read(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the process ended"
        return json.loads(line)


@dataclass
class World:
    """A folder, the time in it, and the processes that share both."""

    folder: Path
    stack: ExitStack
    now: datetime = NOW
    phones: int = 0

    def __post_init__(self) -> None:
        self.set(self.now)

    @property
    def secrets(self) -> Path:
        return self.folder / "secrets.json"

    def set(self, now: datetime) -> None:
        """Have it be another time; in one write, since it is read meanwhile."""
        self.now = now
        beside = self.folder / "clock.new"
        beside.write_text(now.isoformat())
        beside.replace(self.folder / "clock")

    def process(self) -> Process:
        process = Process(self.folder, self.folder / "clock")
        self.stack.callback(process.end)
        return process

    def phone(self) -> str:
        self.phones += 1
        return a_phone(self.phones).e164

    def rotate(self, lives: Lives = LIVES) -> datetime:
        """Rotate the keys; gives when the new ones are used."""
        return rotate_secrets(self.secrets, self.now, lives)[0].signs_from


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with ExitStack() as stack:
        yield World(tmp_path, stack)


@contextmanager
def key_file_of(world: World) -> Iterator[dict[str, Any]]:
    document = json.loads(world.secrets.read_text())
    yield document
    world.secrets.write_text(json.dumps(document))


def signer(token: str) -> str:
    key_id: str = jwt.get_unverified_header(token)["kid"]
    return key_id


def test_at_every_moment_of_a_rotation_each_takes_what_the_other_gave(world: World) -> None:
    early = world.process()
    world.set(NOW + 2 * A_STEP)
    late = world.process()
    old = signer(early.answer(phone := world.phone(), early.ask(phone)))
    tokens: dict[str, str] = {}
    codes: list[tuple[Process, str, str]] = []
    only_early_knew, signers = 0, []

    world.set(NOW + 3 * A_STEP)
    signs_from = world.rotate()
    while world.now < signs_from + 2 * RELOAD_INTERVAL:
        only_early_knew += len(early.keys()) > len(late.keys())
        # What was asked at one a step ago is answered at the other.
        for other, phone, code in codes:
            token = other.answer(phone, code)
            whose = early.show(token)
            assert whose is not None
            tokens[token] = whose
            signers.append((world.now, signer(token)))
        codes = [(late, phone := world.phone(), early.ask(phone))]
        codes += [(early, phone := world.phone(), late.ask(phone))]
        for token, whose in tokens.items():
            assert early.show(token) == late.show(token) == whose
        world.set(world.now + A_STEP)

    assert only_early_knew > 0
    assert early.keys() == late.keys()
    new = early.keys()[0]
    assert new != old
    assert signers == [(at, old if at < signs_from else new) for at, _ in signers]
    assert {key_id for _, key_id in signers} == {old, new}


def test_what_dropped_keys_made_is_refused_by_each_as_soon_as_it_has_looked(world: World) -> None:
    early = world.process()
    token = early.answer(phone := world.phone(), early.ask(phone))
    world.set(world.rotate() + A_STEP)
    late = world.process()
    lasting = late.answer(phone := world.phone(), late.ask(phone))
    assert signer(token) != signer(lasting)

    world.set(NOW + timedelta(days=8))
    assert None not in (early.show(token), late.show(token))
    world.rotate(SHORT_LIVES)
    world.set(world.now + RELOAD_INTERVAL)

    assert (early.show(token), late.show(token)) == (None, None)
    assert None not in (early.show(lasting), late.show(lasting))


def test_a_key_that_the_operator_takes_out_counts_no_more_from_the_next_look_on(
    world: World,
) -> None:
    process = world.process()
    token = process.answer(phone := world.phone(), process.ask(phone))
    world.set(world.rotate())
    assert process.show(token) is not None

    with key_file_of(world) as document:
        del document["signing_keys"][1]

    world.set(world.now + RELOAD_INTERVAL - timedelta(milliseconds=1))
    assert process.show(token) is not None
    world.set(world.now + timedelta(milliseconds=1))
    assert process.show(token) is None


def test_nobody_is_signed_out_by_a_rotation_a_week_for_as_long_as_a_token_lives(
    world: World,
) -> None:
    process = world.process()
    tokens = []
    for _ in range(13):
        tokens.append(process.answer(phone := world.phone(), process.ask(phone)))
        world.rotate()
        world.set(world.now + timedelta(days=7) - SHORTEST_DELAY)

    assert world.now > NOW + timedelta(days=90)
    expired = [process.show(token) is None for token in tokens]
    assert expired == [True] + [False] * 12
    assert len(load_or_make_secrets(world.secrets, may_make=False).signing_keys) == 14


def test_a_file_of_an_earlier_version_goes_on_and_is_rotated(world: World) -> None:
    load_or_make_secrets(world.secrets, may_make=True)
    with key_file_of(world) as document:
        del document["refresh_keys"]
    process = world.process()
    token = process.answer(phone := world.phone(), process.ask(phone))
    before = load_or_make_secrets(world.secrets, may_make=False).refresh_keys

    world.set(world.rotate())

    assert process.show(token) is not None
    assert load_or_make_secrets(world.secrets, may_make=False).refresh_keys[1:] == before
