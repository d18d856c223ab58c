"""`make test-adapter`, as the author of an adapter runs it, and adapters of ours to run it with."""

import os
import shlex
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from adapters.databases.records.database import Database
from adapters.databases.records.phone_encryption import PhoneEncryption
from adapters.databases.sqlite import open_sqlite_database
from adapters.media.disk import open_disk_files
from adapters.media.disk.files import DiskFiles
from adapters.operations.system import SystemClock
from tests.support.markdown import PROJECT


def run_contract_tests(
    factory: str,
    port: str,
    *arguments: str,
    environ: Mapping[str, str],
) -> subprocess.CompletedProcess[str]:
    """Run what `make test-adapter` starts, with an adapter."""
    makefile = (PROJECT / "Makefile").read_text()
    [command] = [line for line in makefile.splitlines() if "--adapter=" in line]
    for variable, value in {
        "PYTEST": f"{sys.executable} -m pytest",
        "ADAPTER": factory,
        "PORT": port,
        "ARGS": shlex.join(arguments),
    }.items():
        command = command.replace(f"$({variable})", value)
    return subprocess.run(
        ["sh", "-c", command],
        cwd=PROJECT,
        env={**os.environ, "PYTHONPATH": str(PROJECT), **environ},
        capture_output=True,
        text=True,
        check=False,
    )


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
