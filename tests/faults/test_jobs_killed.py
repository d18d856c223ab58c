"""The jobs on keys are killed (-9) at several batches, and go on after an election."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Final

import pytest

from adapters import mongo, postgres, sqlite
from adapters.encryption import AesPhoneEncryption
from adapters.records import phone_keys
from adapters.records.database import Database
from adapters.records.phone_keys import move_phone_verifications, reencrypt_phones
from adapters.records.repositories import make_repositories
from application.ports.errors import ConfigurationError
from domain.otp.phone_verification import PhoneVerification
from tests.support.builders import NOW, a_phone, an_id, an_identity
from tests.support.fakes.randomness import SeededRandomness
from tests.support.keys import FakeKeyRing
from tests.support.servers.mongo import MongoProcess, initiate_replica_set

PROJECT: Final = Path(__file__).parents[2]
FIRST, SECOND = ("0000000a", b"a" * 32), ("0000000b", b"b" * 32)
USERS: Final = 40
BATCH_SIZE: Final = 10
KILLED_AT: Final = (1, 3, 5, 7)
"""The batches after which one process after the other kills itself. Each begins to count anew."""

JOB: Final = """
import asyncio, importlib, os, signal, sys
from adapters.records import phone_keys
from tests.faults.test_jobs_killed import BATCH_SIZE, NEW, NOW, OLD, ROTATED, place_of
from tests.faults.test_jobs_killed import database_in

name, job, place, left = *sys.argv[1:4], int(sys.argv[4])
phone_keys.BATCH_SIZE = BATCH_SIZE

def report(label, done, total):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)

async def main():
    adapter = importlib.import_module(f"adapters.{name}")
    if job == "index_key":
        print(await adapter.change_index_key(place_of(name, place), OLD, NEW, NOW, report))
    else:
        async with database_in(name, place, ROTATED) as database:
            print(await phone_keys.reencrypt_phones(database.records, ROTATED, report))

asyncio.run(main())
"""


def encryption(index_key: bytes, *keys: tuple[str, bytes]) -> AesPhoneEncryption:
    return AesPhoneEncryption(index_key * 32, FakeKeyRing(*keys), SeededRandomness())


OLD, NEW = encryption(b"o", FIRST), encryption(b"n", FIRST)
ROTATED, WITHOUT_FORMER = encryption(b"o", SECOND, FIRST), encryption(b"o", SECOND)


def place_of(name: str, place: str) -> Any:
    return Path(place) if name == "sqlite" else place


def database_in(
    name: str, place: str, keys: AesPhoneEncryption
) -> AbstractAsyncContextManager[Database]:
    opening: dict[str, Callable[[Any, str], AbstractAsyncContextManager[Database]]] = {
        "sqlite": sqlite.open_sqlite_database,
        "mongo": mongo.open_mongo_database,
        "postgres": postgres.open_postgres_database,
    }
    return opening[name](place_of(name, place), keys.key_fingerprint())


@pytest.fixture(params=["sqlite", "mongo", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str]:
    """The kind of a database, and its path or URL."""
    name: str = request.param
    if name == "sqlite":
        return name, str(tmp_path / "records.db")
    place: str = request.getfixturevalue(f"{name}_database")
    return name, place


async def add_users(database: Database, count: int = USERS) -> None:
    repositories = make_repositories(database, OLD)
    for number in range(count):
        phone, owner_id = a_phone(number), an_id(number)
        await repositories.identities.add(an_identity(id=owner_id, phone=phone))
        verification = PhoneVerification(identity_id=owner_id)
        if number % 4 == 0:
            verification = verification.block(NOW)
        await repositories.phone_verifications.save(phone, verification, 0)


def run_killed(name: str, job: str, place: str) -> list[str]:
    """Run a job that is killed several times, and return what the last one printed."""
    for left in KILLED_AT:
        assert run_job(name, job, place, left).returncode == -signal.SIGKILL
    finished = run_job(name, job, place, 0)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout.split()


def run_job(name: str, job: str, place: str, left: int) -> subprocess.CompletedProcess[str]:
    """Run a job in a process that kills itself after so many batches, or never."""
    command = [sys.executable, "-c", JOB, name, job, place, str(left)]
    return subprocess.run(
        command, cwd=PROJECT, capture_output=True, text=True, check=False, timeout=60
    )


async def test_a_killed_change_of_the_index_key_continues(database: tuple[str, str]) -> None:
    name, place = database
    async with database_in(name, place, OLD) as opened:
        await add_users(opened)

    assert run_killed(name, "index_key", place) == [str(USERS)]

    async with database_in(name, place, NEW) as opened:
        verifications = make_repositories(opened, NEW).phone_verifications
        for number in range(USERS):
            loaded = (await verifications.load(a_phone(number))).value
            assert loaded.identity_id == an_id(number)
            assert (loaded.blocked_at is not None) == (number % 4 == 0)


async def test_no_service_starts_with_a_file_whose_change_was_killed(tmp_path: Path) -> None:
    place = str(tmp_path / "records.db")
    async with database_in("sqlite", place, OLD) as opened:
        await add_users(opened)
    await asyncio.to_thread(run_job, "sqlite", "index_key", place, 3)

    for keys in (OLD, NEW):
        with pytest.raises(ConfigurationError, match="run `dialtone rotate-index-key` again"):
            async with database_in("sqlite", place, keys):
                pass


async def test_a_killed_encryption_with_another_key_continues(database: tuple[str, str]) -> None:
    name, place = database
    async with database_in(name, place, OLD) as opened:
        await add_users(opened)

    run_killed(name, "reencrypt", place)

    async with database_in(name, place, WITHOUT_FORMER) as opened:
        assert await reencrypt_phones(opened.records, WITHOUT_FORMER) == 0


@pytest.fixture
def replica_set(nodes: list[MongoProcess]) -> str:
    url = initiate_replica_set(nodes, election_timeout=1)
    return url.replace("/?", "/dialtone?")


async def test_the_jobs_go_on_after_an_election(
    replica_set: str, nodes: list[MongoProcess], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(phone_keys, "BATCH_SIZE", BATCH_SIZE)
    async with mongo.open_mongo_database(replica_set, OLD.key_fingerprint()) as opened:
        await add_users(opened)
    # Shorter than an election, so that the driver's own retries end.
    url = f"{replica_set}&timeoutMS=1500"
    killed: list[MongoProcess] = []

    def kill_primary(_: str, __: int, ___: int | None) -> None:
        if not killed:
            killed.append(next(node for node in nodes if not node.server.find_error()))
            killed[0].kill()

    async with mongo.open_mongo_database(url, OLD.key_fingerprint()) as opened:
        rotated = await reencrypt_phones(opened.records, ROTATED, kill_primary)
        assert rotated == USERS + USERS // 4
        assert await reencrypt_phones(opened.records, WITHOUT_FORMER) == 0

        killed[0].start()
        killed.clear()
        new = encryption(b"n", SECOND)
        assert await move_phone_verifications(opened, ROTATED, new, kill_primary) == USERS
