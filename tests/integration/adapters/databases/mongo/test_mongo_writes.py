"""Documents that are written together: what is sent, and what becomes of errors of the command.

The contract suite has what they promise.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import pytest
import pytest_asyncio
from pymongo import MongoClient

from adapters.databases.mongo.document_writer import DocumentWriter
from adapters.databases.mongo.driver import RawDocument
from adapters.databases.records.kinds import DELIVERY_REPORTS, IDENTITIES
from adapters.databases.records.record_store import RecordStore
from application.ports.errors import StorageTimeout, StorageUnavailable
from tests.contract.suites.storage.record_examples import a_report
from tests.integration.adapters.databases.mongo.mongo_support import CommandLog, open_logged
from tests.support.servers.mongo import MongoProcess

NAMES: Final = ("1", "2", "3", "4")
COMMANDS: Final = ["insert", "update"]
INTERRUPTED: Final = 11601

# All tests share the server and the open database, and their ids differ.
pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.slow]


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MongoProcess]:
    folder = tmp_path_factory.mktemp("mongo") / "data"
    with MongoProcess(folder, "--setParameter=enableTestCommands=1") as process:
        yield process


@pytest.fixture(scope="module")
def client(node: MongoProcess) -> Iterator[MongoClient[RawDocument]]:
    with node.server.client() as client:
        yield client


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def opened(node: MongoProcess) -> AsyncIterator[tuple[RecordStore, CommandLog]]:
    # The driver repeats writes on replica sets only. A busy machine may take longer than a service
    # waits.
    url = f"mongodb://{node.address}/writes?replicaSet=rs0&timeoutMS=30000"
    async with open_logged(url) as (database, log):
        yield database.records, log


@pytest.fixture
def log(opened: tuple[RecordStore, CommandLog], client: MongoClient[RawDocument]) -> CommandLog:
    """What is sent from then on to an empty database."""
    for kind in (DELIVERY_REPORTS, IDENTITIES):
        client["writes"][kind.name].delete_many({})
    opened[1].sent.clear()
    return opened[1]


@pytest.fixture
def store(opened: tuple[RecordStore, CommandLog], log: CommandLog) -> RecordStore:
    return opened[0]


@contextmanager
def failing(client: MongoClient[RawDocument], **failure: Any) -> Iterator[None]:
    """Let the next insert or update of the block fail."""
    data = {"failCommands": COMMANDS, **failure}
    client.admin.command("configureFailPoint", "failCommand", mode={"times": 1}, data=data)
    try:
        yield
    finally:
        client.admin.command("configureFailPoint", "failCommand", mode="off")


async def add_all(store: RecordStore, *names: str) -> list[Any]:
    writes = (store.add(DELIVERY_REPORTS, name, a_report(name), 1) for name in names)
    return await asyncio.gather(*writes, return_exceptions=True)


async def replace_all(store: RecordStore, versions: Mapping[str, int]) -> list[Any]:
    writes = (
        store.replace(DELIVERY_REPORTS, name, a_report(name), version)
        for name, version in versions.items()
    )
    return await asyncio.gather(*writes, return_exceptions=True)


async def test_writes_of_a_moment_are_a_command_of_each_sort(
    store: RecordStore, log: CommandLog
) -> None:
    await add_all(store, *NAMES)
    await asyncio.gather(add_all(store, "5", "6"), replace_all(store, dict.fromkeys(NAMES, 1)))

    assert sorted(log.names) == ["insert", "insert", "update"]
    sizes = [len(command.get("documents", command.get("updates"))) for command in log.sent]
    assert sorted(sizes) == [2, 4, 4]


async def test_a_command_that_the_driver_repeats_is_done_once(
    store: RecordStore, log: CommandLog, client: MongoClient[RawDocument]
) -> None:
    not_majority = {"code": 91, "errmsg": "", "errorLabels": ["RetryableWriteError"]}
    not_majority = {"writeConcernError": not_majority, "errorLabels": ["RetryableWriteError"]}

    with failing(client, **not_majority):
        assert await add_all(store, *NAMES) == [True] * 4
    with failing(client, **not_majority):
        replaced = await replace_all(store, {"1": 1, "2": 9, "3": 1, "4": 1, "missing": 1})

    assert replaced == [True, False, True, True, False]
    assert log.names == ["insert"] * 2 + ["update"] * 2
    loaded = await store.load(DELIVERY_REPORTS, [*NAMES, "missing"])
    assert {name: stored.version for name, stored in loaded.items()} == {
        "1": 2,
        "2": 1,
        "3": 2,
        "4": 2,
    }


async def test_of_a_command_that_was_ended_nobody_knows_what_was_done(
    store: RecordStore, client: MongoClient[RawDocument]
) -> None:
    # Of writes before the interruption, the server says nothing.
    for count, expected in ((1, StorageUnavailable), (4, StorageTimeout)):
        with failing(client, errorCode=INTERRUPTED):
            added = await add_all(store, *NAMES[:count])
        assert [type(result) for result in added] == [expected] * count


async def test_where_documents_are_distributed_by_another_field_updates_go_alone(
    store: RecordStore, log: CommandLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add_all(store, *NAMES)

    async def reject(_: DocumentWriter, writes: Sequence[object]) -> Mapping[int, RawDocument]:
        return {position: {"code": 61, "errmsg": ""} for position in range(len(writes))}

    monkeypatch.setattr(DocumentWriter, "_bulk_write", reject)
    log.sent.clear()

    replaced = await replace_all(store, {"1": 1, "2": 9, "3": 1, "missing": 1})

    assert replaced == [True, False, True, False]
    assert log.names == ["update"] * 4
