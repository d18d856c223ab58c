"""Our own adapters behind factories, as docs/adapters.md says, for `make test-adapter`."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from adapters.databases.records.database import Database
from adapters.databases.records.phone_encryption import PhoneEncryption
from adapters.databases.sqlite import open_sqlite_database
from adapters.media.disk import open_disk_files
from adapters.media.disk.files import DiskFiles
from adapters.messages.failover import FailoverMessenger, FailoverProvider
from adapters.operations.system import SystemClock
from application.otp.provider_pause import ProviderPause
from tests.support.fakes.messenger import FakeMessenger
from tests.support.fakes.security_events import FakeSecurityEvents


@asynccontextmanager
async def open_sqlite(
    *, environ: Mapping[str, str], phone_encryption: PhoneEncryption
) -> AsyncIterator[Database]:
    path = Path(environ["DIALTONE_TEST_PLACE"]) / "dialtone.db"
    async with open_sqlite_database(path, phone_encryption.key_fingerprint()) as database:
        yield database


@asynccontextmanager
async def open_disk(*, environ: Mapping[str, str]) -> AsyncIterator[DiskFiles]:
    folder = Path(environ["DIALTONE_TEST_PLACE"])
    async with open_disk_files(folder, "https://files.example/media", SystemClock()) as files:
        yield files


@asynccontextmanager
async def open_failover(*, environ: Mapping[str, str]) -> AsyncIterator[FailoverMessenger]:
    fake = FakeMessenger()
    provider = FailoverProvider("fake", fake, ProviderPause(SystemClock()))
    yield FailoverMessenger([provider], FakeSecurityEvents(), [fake])
