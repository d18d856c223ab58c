"""`make test-adapter ADAPTER=package.module:factory`: the contract tests for another adapter."""

import asyncio
import multiprocessing
import os
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, Final

import pytest

from adapters.records.database import Database
from application.ports.errors import ConfigurationError
from entrypoints.startup_error import StartupError
from tests.contract.external_adapter import ADAPTER, open_external_adapter

DATABASE: Final = (
    "test_record_store.py",
    "test_limit_store.py",
    "test_health_check.py",
    "test_phone_verifications.py",
    "test_identities.py",
    "test_deleted_identities.py",
    "test_media_pages.py",
    "test_media_cleanup.py",
    "test_calls.py",
    "test_leases.py",
)
LIMIT_STORE: Final = ("test_limit_store.py", "test_health_check.py")
FILES: Final = ("test_media_files.py",)
MESSENGER: Final = ("test_messenger.py",)


def main(arguments: list[str]) -> int:
    """Run the contract tests of the adapter's ports; return the exit code of pytest."""
    if not arguments or ":" not in arguments[0]:
        sys.stderr.write("Name the factory: make test-adapter ADAPTER=package.module:factory\n")
        return 2
    os.environ[ADAPTER] = arguments[0]
    try:
        # In a process of its own: pytest cannot rewrite what an adapter has imported already.
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
            suites = process.submit(find_suites).result()
    except (ConfigurationError, StartupError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    contract = Path(__file__).parent / "contract"
    return pytest.main([*(str(contract / suite) for suite in suites), "-rfEs", *arguments[1:]])


def find_suites() -> tuple[str, ...]:
    """Open the adapter and return the suites for it.

    Raises:
        StartupError: it cannot be opened, or is for no port.
        ConfigurationError: raised by the factory.
    """
    return asyncio.run(_find_suites())


async def _find_suites() -> tuple[str, ...]:
    with tempfile.TemporaryDirectory() as folder:
        async with open_external_adapter(Path(folder)) as adapter:
            return _select_suites(adapter)


def _select_suites(adapter: Any) -> tuple[str, ...]:
    if isinstance(adapter, Database):
        return DATABASE
    if hasattr(adapter, "next_available"):
        return LIMIT_STORE
    if hasattr(adapter, "url_for"):
        return FILES
    if hasattr(adapter, "send"):
        return MESSENGER
    raise StartupError(
        "The factory has to open a Database, a LimitStore, a MediaFiles or a Messenger."
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
