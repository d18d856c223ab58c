"""Our databases on servers, each open twice: the first one behind a proxy that tests break."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from adapters.databases.mongo import open_mongo_database
from adapters.databases.postgres import open_postgres_database
from adapters.databases.records.database import Database
from tests.contract.examples.memory_database import open_memory_database
from tests.contract.mongo_database import contract_database_url, in_mongo
from tests.contract.postgres_database import contract_postgres_url, in_postgres
from tests.contract.suites.storage.outages import OutageInstances
from tests.support.fakes.phone_encryption import FakePhoneEncryption
from tests.support.servers.http_server import TcpProxy

_KEY_FINGERPRINT: Final = FakePhoneEncryption().key_fingerprint()
_TIMEOUT: Final = 4.5
"""The default of each: one stall of the machine does not use it up."""


@asynccontextmanager
async def _behind_proxy(
    url: str, open_database: Callable[[str], AbstractAsyncContextManager[Database]]
) -> AsyncIterator[OutageInstances]:
    """Open the database of a URL twice."""
    with TcpProxy(url) as proxy:
        async with open_database(proxy.proxied_url) as database, open_database(url) as other:
            proxy.add_methods(database.records)
            yield OutageInstances(database, other)


@asynccontextmanager
async def memory(request: pytest.FixtureRequest) -> AsyncIterator[OutageInstances]:
    folder: Path = request.getfixturevalue("tmp_path")
    arguments: Any = {
        "environ": {"DIALTONE_TEST_PLACE": str(folder)},
        "phone_encryption": FakePhoneEncryption(),
    }
    async with open_memory_database(**arguments) as one, open_memory_database(**arguments) as two:
        yield OutageInstances(one, two)


@asynccontextmanager
async def mongo(request: pytest.FixtureRequest) -> AsyncIterator[OutageInstances]:
    in_mongo(request)
    # The driver would find the server's own address, past the proxy.
    server, _, _ = contract_database_url(request).partition("?")
    url = f"{server}?directConnection=true&timeoutMS={_TIMEOUT * 1000:.0f}"
    async with _behind_proxy(url, lambda url: open_mongo_database(url, _KEY_FINGERPRINT)) as opened:
        yield opened


@asynccontextmanager
async def postgres(request: pytest.FixtureRequest) -> AsyncIterator[OutageInstances]:
    in_postgres(request)
    url = contract_postgres_url(request)
    url = f"{url}{'&' if '?' in url else '?'}timeout={_TIMEOUT}"
    async with _behind_proxy(
        url, lambda url: open_postgres_database(url, _KEY_FINGERPRINT)
    ) as opened:
        yield opened


OUTAGES: Final = (memory, mongo, postgres)
