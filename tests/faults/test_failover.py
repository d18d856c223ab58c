"""A database without a primary: requests get a response in time, and no login or job is lost."""

import asyncio
import itertools
import json
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

import entrypoints.features  # noqa: F401 -- it declares the kinds of records
from adapters.databases import mongo
from adapters.databases.records import phone_keys
from adapters.databases.records.phone_keys import reencrypt_phones
from adapters.databases.records.repositories import make_repositories
from adapters.databases.records.store_calls import MAX_FAILURES
from adapters.security.encryption import AesPhoneEncryption
from domain.otp.phone_verification import PhoneVerification
from tests.faults.faulty_service import run_faulty_service
from tests.faults.logins import FAILED_VERIFICATIONS, LOGINS_AFTER_FAILOVER, run_logins
from tests.faults.traffic import BEHIND_A_PROXY
from tests.support.builders import a_phone, an_id, an_identity
from tests.support.client import Account, sign_up
from tests.support.fakes.randomness import SeededRandomness
from tests.support.images import still_gif
from tests.support.keys import FakeKeyRing
from tests.support.plain_http import PLAIN_HTTP
from tests.support.servers.mongo import MongoProcess, initiate_replica_set
from tests.support.servers.postgres import PostgresProcess
from tests.support.servers.process import wait_until
from tests.support.service import Service, running

REQUESTS: Final = 400
MAX_SECONDS: Final = 6.0
ELECTION_TIMEOUT: Final = 3.0
"""Seconds. It is longer than the timeouts that tests give a service, so requests fail."""
ACCEPTED: Final = {200, 201}
GIF: Final = still_gif()
ROUNDS: Final = 5
ROUND_INTERVAL: Final = 0.5
OUTAGE_SECONDS: Final = 2.0
"""Longer than the timeout of the service, so requests fail."""
USERS: Final = 40

ReplicaSet = tuple[list[MongoProcess], str]

_numbers = itertools.count()


@pytest.fixture(scope="module")
def replica_set(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[list[MongoProcess], str]]:
    """Three nodes, and their URL."""
    folder = tmp_path_factory.mktemp("nodes")
    with ExitStack() as stack:
        nodes = [MongoProcess(folder / f"node{number}", alone=False) for number in range(3)]
        for node in nodes:
            stack.enter_context(node)
        yield nodes, initiate_replica_set(nodes, election_timeout=ELECTION_TIMEOUT)


@pytest.fixture
def nodes(replica_set: ReplicaSet) -> Iterator[list[MongoProcess]]:
    """The nodes, one of which a test may kill."""
    nodes, _ = replica_set
    wait_until(lambda: has_primary(nodes))
    yield nodes
    for node in nodes:
        if not node.is_running:
            node.start()


@pytest.fixture
def url(replica_set: ReplicaSet) -> str:
    """The URL of a new database."""
    return replica_set[1].replace("/?", f"/elections_{next(_numbers)}?")


def find_primary(nodes: list[MongoProcess]) -> MongoProcess:
    return next(node for node in nodes if node.is_running and not node.server.find_error())


@contextmanager
def no_majority(nodes: list[MongoProcess]) -> Iterator[None]:
    """Kill the primary; no other node is elected until the end of the block."""
    primary = find_primary(nodes)
    voter = next(node for node in nodes if node is not primary)
    voter.pause()
    try:
        primary.kill()
        yield
    finally:
        voter.resume()


async def request_many(service: Service, account: Account, count: int) -> list[httpx.Response]:
    """Read and write at once, each on its own connection and from its own client IP."""

    async def request(number: int) -> httpx.Response:
        # Neighboring numbers would share a limit. An area code has eight million; each test has a
        # service of its own, so another test may have used the number.
        code = {"phone": f"+1206{2_000_000 + number % 4_000 * 2_000:07d}", "otp": "123456"}
        upload = {"user_id": account.user_id}
        requests: list[tuple[str, Any]] = [
            ("GET /users/me", {}),
            ("GET /library", {}),
            ("POST /auth/request-otp", {"json": {"phone": code["phone"]}}),
            ("POST /auth/verify-otp", {"json": code}),
            ("POST /users", {"json": {"username": "user", "number": account.phone}}),
            ("POST /library/upload", {"files": {"file": GIF}, "data": upload}),
        ]
        path, body = requests[number % len(requests)]
        sent = httpx.Request("", service.url, headers=account.headers, **body)
        sent.read()
        sent.headers["Connection"] = "close"
        sent.headers["X-Forwarded-For"] = f"198.18.{number // 256}.{number % 256}"
        lines = [f"{path} HTTP/1.1", *(f"{name}: {value}" for name, value in sent.headers.items())]
        # An HTTP client would take more of the processor than the service.
        reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
        writer.write("\r\n".join([*lines, "", ""]).encode() + sent.content)
        head, _, content = (await reader.read()).partition(b"\r\n\r\n")
        writer.close()
        status, *fields = head.split(b"\r\n")
        headers = dict(field.split(b": ", 1) for field in fields)
        return httpx.Response(int(status.split()[1]), headers=headers, content=content)

    return await asyncio.gather(*map(request, itertools.islice(_numbers, count)))


def assert_unavailable(response: httpx.Response) -> None:
    assert int(response.headers.get("retry-after", 0)) > 0, response.text
    # A 500 is an error that clients of the older services know.
    error = response.status_code, response.json()["code"]
    assert error in ((503, "unavailable"), (503, "overloaded"), (500, "storage_failed"))


def is_busy(response: httpx.Response) -> bool:
    """Return whether the user has too many uploads in progress, whatever the database does."""
    return bool(response.status_code == 503 and response.json()["code"] == "too_many_uploads")


def wait_for_database(service: Service) -> None:
    """Wait until the readiness check finds that the database works, and requests use it."""

    def works() -> bool:
        ready = httpx.get(f"{service.url}/health/ready", timeout=5, **PLAIN_HTTP)
        lines = [event for event, _ in lines_of_breaker(service).elements()]
        is_used = lines.count("database_unavailable") == lines.count("database_available")
        return bool(ready.json()["database"] == "ok") and is_used

    service.wait_for(works)


def assert_in_time(service: Service, responses: list[httpx.Response]) -> None:
    ids = {response.headers["x-request-id"] for response in responses}
    service.wait_for(lambda: ids <= durations(service).keys())
    measured = durations(service)
    assert max(measured[request_id] for request_id in ids) < MAX_SECONDS


def assert_unavailable_in_time(service: Service, responses: list[httpx.Response]) -> None:
    for response in responses:
        assert_unavailable(response)
    assert_in_time(service, responses)


async def assert_recovery(service: Service, account: Account) -> None:
    await asyncio.to_thread(wait_for_database, service)
    responses = await request_many(service, account, 100)
    assert {response.status_code for response in responses if not is_busy(response)} == ACCEPTED


def durations(service: Service) -> dict[str, float]:
    """Return the seconds of each request by its id, as the service measured them.

    The client is slow with so many requests at once.
    """
    lines = [json.loads(line) for line in service.log.splitlines() if '"http_request"' in line]
    return {line["request_id"]: line["duration_ms"] / 1000 for line in lines}


async def test_in_an_election_each_request_gets_a_response_or_a_503_in_time(
    nodes: list[MongoProcess], url: str, tmp_path: Path
) -> None:
    with running(tmp_path, {"DIALTONE_DATABASE": url, **BEHIND_A_PROXY}) as service:
        account = sign_up(service, "+14155570001", "user")

        with no_majority(nodes):
            failed = await request_many(service, account, REQUESTS)

        assert_unavailable_in_time(service, failed)

        # Now there is an election, which most of these requests wait for.
        responses = await request_many(service, account, REQUESTS)
        for response in responses:
            if response.status_code not in ACCEPTED and not is_busy(response):
                assert_unavailable(response)
        assert_in_time(service, responses)
        await assert_recovery(service, account)


async def test_without_a_primary_it_is_ready_until_there_is_one(
    nodes: list[MongoProcess], url: str, tmp_path: Path
) -> None:
    with running(tmp_path, {"DIALTONE_DATABASE": f"{url}&timeoutMS=2500"}) as service:
        async with httpx.AsyncClient(base_url=service.url, timeout=40, **PLAIN_HTTP) as http:
            account = sign_up(service, "+14155570001", "user")
            with no_majority(nodes):
                for _ in range(MAX_FAILURES):
                    assert_unavailable(await http.get("/users/me", headers=account.headers))
                for _ in range(ROUNDS):
                    await request_while_unavailable(http, account)
                    await asyncio.sleep(ROUND_INTERVAL)  # several rounds, over more than a second
                # After this time no success is held any more.
                ready = (await http.get("/health/ready")).json()
                assert (ready["database"], bool(ready["details"])) == ("unavailable", True)

            await asyncio.to_thread(wait_until, lambda: has_primary(nodes))
            await asyncio.to_thread(wait_for_database, service)
            for response in (
                await http.get("/users/me", headers=account.headers),
                await http.post("/auth/request-otp", json={"phone": "+14155570003"}),
            ):
                assert response.status_code == 200
        # Requests read first, so none of them came to a write.
        assert lines_of_breaker(service) == {
            ("database_unavailable", "reads"): 1,
            ("database_available", "reads"): 1,
        }


async def request_while_unavailable(http: httpx.AsyncClient, account: Account) -> None:
    """Check that requests fail and the instance stays ready."""
    for response in (
        await http.get("/users/me", headers=account.headers),
        await http.post("/auth/request-otp", json={"phone": "+14155570002"}),
    ):
        assert response.status_code == 503
        assert_unavailable(response)
    ready = await http.get("/health/ready")
    assert (ready.status_code, ready.json()["status"]) == (200, "ready")


def has_primary(nodes: list[MongoProcess]) -> bool:
    return any(node.is_running and not node.server.find_error() for node in nodes)


def lines_of_breaker(service: Service) -> Counter[tuple[str, str]]:
    lines = [json.loads(line) for line in service.log.splitlines() if '"operations"' in line]
    return Counter((line["event"], line["operations"]) for line in lines)


async def test_no_login_is_lost_when_the_primary_is_killed(
    nodes: list[MongoProcess], url: str, tmp_path: Path
) -> None:
    environ = {"DIALTONE_DATABASE": f"{url}&timeoutMS=1000", **BEHIND_A_PROXY}
    with run_faulty_service(tmp_path / "service", environ) as service:
        async with run_logins(service) as logins:
            while logins.failed_verifications < FAILED_VERIFICATIONS:
                primary = await asyncio.to_thread(find_primary, nodes)
                await asyncio.to_thread(primary.kill)
                await logins.until_completed(LOGINS_AFTER_FAILOVER)
                # A server ends with the thread that started it.
                primary.launch()
                await asyncio.to_thread(primary.wait_until_ready)


def encryption(index_key: bytes, *keys: tuple[str, bytes]) -> AesPhoneEncryption:
    return AesPhoneEncryption(index_key * 32, FakeKeyRing(*keys), SeededRandomness())


async def test_a_job_goes_on_after_an_election(
    nodes: list[MongoProcess], url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(phone_keys, "BATCH_SIZE", 10)
    first, second = ("0000000a", b"a" * 32), ("0000000b", b"b" * 32)
    old, rotated = encryption(b"o", first), encryption(b"o", second, first)
    killed: list[MongoProcess] = []

    def kill_primary(_: str, __: int, ___: int | None) -> None:
        if not killed:
            killed.append(find_primary(nodes))
            killed[0].kill()

    async with mongo.open_mongo_database(url, old.key_fingerprint()) as opened:
        repositories = make_repositories(opened, old)
        for number in range(USERS):
            phone, owner_id = a_phone(number), an_id(number)
            await repositories.identities.add(an_identity(id=owner_id, phone=phone))
            verification = PhoneVerification(identity_id=owner_id)
            await repositories.phone_verifications.save(phone, verification, 0)
    # Shorter than an election, so that the driver's own retries end.
    database = mongo.open_mongo_database(f"{url}&timeoutMS=1500", old.key_fingerprint())
    async with database as opened:
        assert await reencrypt_phones(opened.records, rotated, kill_primary) == USERS
        assert await reencrypt_phones(opened.records, encryption(b"o", second)) == 0


# PostgreSQL: a primary that freezes, or is killed and a standby takes over


@pytest.fixture
def primary(tmp_path: Path) -> Iterator[PostgresProcess]:
    with PostgresProcess(tmp_path / "primary") as process:
        yield process


def url_of(*processes: PostgresProcess, options: str = "") -> str:
    hosts = ",".join(process.address for process in processes)
    return f"postgresql://postgres@{hosts}/postgres{options}"


def follow(primary: PostgresProcess, standby: PostgresProcess) -> PostgresProcess:
    """Start a standby and return it.

    The primary acknowledges nothing that the standby has not written.
    """
    source = f"--dbname=host=127.0.0.1 port={primary.port} user=postgres application_name=standby"
    command = [*standby.program("pg_basebackup"), "--write-recovery-conf", "--no-sync", source]
    subprocess.run(
        [*command, "--checkpoint=fast", f"--pgdata={standby.data}"],
        check=True,
        capture_output=True,
        cwd=standby.data,
    )
    standby.start()
    primary.server.execute(
        "ALTER SYSTEM SET synchronous_standby_names = 'standby'", "SELECT pg_reload_conf()"
    )
    return standby


def promote(standby: PostgresProcess) -> None:
    # There is no other standby, for which it would wait.
    standby.server.execute("ALTER SYSTEM SET synchronous_standby_names = ''", "SELECT pg_promote()")
    wait_until(lambda: not standby.server.find_error())


async def test_no_login_is_lost_when_a_standby_takes_over(
    primary: PostgresProcess, tmp_path: Path
) -> None:
    with follow(primary, PostgresProcess(tmp_path / "standby")) as standby:
        database = {"DIALTONE_DATABASE": url_of(primary, standby, options="?timeout=1")}
        with run_faulty_service(tmp_path / "service", {**database, **BEHIND_A_PROXY}) as service:
            async with run_logins(service) as logins:
                await asyncio.to_thread(primary.kill)
                # Long enough that requests arrive while there is no primary.
                await asyncio.sleep(OUTAGE_SECONDS)
                await asyncio.to_thread(promote, standby)
                await logins.until_completed(LOGINS_AFTER_FAILOVER)
                while logins.failed_verifications < FAILED_VERIFICATIONS:
                    await asyncio.to_thread(standby.kill)
                    # Long enough that requests arrive while there is no server.
                    await asyncio.sleep(OUTAGE_SECONDS)
                    await asyncio.to_thread(standby.start)
                    await logins.until_completed(LOGINS_AFTER_FAILOVER)


async def test_while_the_primary_is_frozen_each_request_gets_a_503_in_time(
    primary: PostgresProcess, tmp_path: Path
) -> None:
    environ = {"DIALTONE_DATABASE": url_of(primary), **BEHIND_A_PROXY}
    with running(tmp_path / "service", environ) as service:
        account = sign_up(service, "+14155570001", "user")

        primary.pause()
        failed = await request_many(service, account, REQUESTS)

        assert_unavailable_in_time(service, failed)
        primary.resume()
        await assert_recovery(service, account)
