"""`make test-adapter`, as the author of an adapter runs it, and adapters of ours to run it with."""

import os
import subprocess
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from adapters.databases.records.database import Database
from adapters.databases.records.phone_encryption import PhoneEncryption
from adapters.databases.sqlite import open_sqlite_database
from adapters.operations.system import SystemClock
from application.otp.failover import FailoverMessenger, FailoverProvider
from application.otp.provider_pause import ProviderPause
from tests.support.fakes.messenger import FakeMessenger
from tests.support.fakes.security_events import FakeSecurityEvents
from tests.support.forks import CONTRACT_TESTS, run_forked
from tests.support.markdown import PROJECT, blocks_in, page

_CONFIGURATION: Final = PROJECT / "tests/contract/suites/pytest.toml"
_TIMEOUT: Final = 100


def run_contract_tests(
    factory: str,
    port: str,
    *arguments: str,
    environ: dict[str, str] | None = None,
    folder: Path = PROJECT,
) -> subprocess.CompletedProcess[str]:
    """Run the contract tests of a port with an adapter, with further arguments of pytest.

    This is what `make test-adapter` starts, as a fork, which is faster.
    """
    options = ("-c", str(_CONFIGURATION), f"--adapter={factory}", f"--port={port}")
    variables = {"PYTHONPATH": str(folder), **os.environ, **(environ or {})}
    return run_forked(CONTRACT_TESTS, (*options, *arguments), folder, variables, _TIMEOUT)


def documented_adapter() -> str:
    """Return the code of `my_sms.py` in docs/adapters.md."""
    examples = blocks_in("python", page("docs/adapters.md"))
    [code] = [example for example in examples if "def open_file_messenger" in example]
    return code


@asynccontextmanager
async def open_sqlite(
    *, environ: Mapping[str, str], phone_encryption: PhoneEncryption
) -> AsyncIterator[Database]:
    path = Path(environ["DIALTONE_TEST_PLACE"]) / "dialtone.db"
    async with open_sqlite_database(path, phone_encryption.key_fingerprint()) as database:
        yield database


@asynccontextmanager
async def open_failover(*, environ: Mapping[str, str]) -> AsyncIterator[FailoverMessenger]:
    fake = FakeMessenger()
    provider = FailoverProvider("fake", fake, ProviderPause(SystemClock()))
    yield FailoverMessenger([provider], FakeSecurityEvents(), time.monotonic, [fake])
