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
from entrypoints.bootstrap import name_variable
from entrypoints.startup_error import StartupError
from tests.contract.external_adapter import (
    ADAPTER,
    DATABASE,
    LIMIT_STORE,
    MEDIA,
    SETTING,
    SMS,
    open_external_adapter,
)

_LIMITS: Final = (
    "test_limit_store.py",
    "test_health_check.py",
    "test_storage_errors.py",
    "test_parallel_requests.py",
    "test_parallel_calls.py",
    "test_sessions.py",
)
SUITES: Final = {
    DATABASE: (
        "test_record_store.py",
        *_LIMITS,
        "test_phone_verifications.py",
        "test_identities.py",
        "test_deleted_identities.py",
        "test_media_pages.py",
        "test_media_cleanup.py",
        "test_calls.py",
        "test_leases.py",
    ),
    LIMIT_STORE: _LIMITS,
    MEDIA: ("test_media_files.py",),
    SMS: ("test_messenger.py",),
}
"""All suites that an adapter can pass, by the setting that names its factory."""
_TYPICAL_METHODS: Final = {
    LIMIT_STORE: ("acquire", "release", "next_available"),
    MEDIA: ("write", "open_file", "url_for"),
    SMS: ("send",),
}


def main(arguments: list[str]) -> int:
    """Run the contract tests of the adapter's port; return the exit code of pytest."""
    if not arguments or ":" not in arguments[0]:
        sys.stderr.write("Name the factory: make test-adapter ADAPTER=package.module:factory\n")
        return 2
    os.environ[ADAPTER] = arguments[0]
    try:
        # In a process of its own: pytest cannot rewrite what an adapter has imported already.
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
            os.environ[SETTING] = process.submit(find_setting).result()
    except StartupError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    contract = Path(__file__).parent / "contract"
    suites = [str(contract / suite) for suite in SUITES[os.environ[SETTING]]]
    return pytest.main([*suites, "-rfEs", *arguments[1:]])


def find_setting() -> str:
    """Open the adapter as the service does, and return the setting that is for it.

    Raises:
        StartupError: it cannot be opened, is for no setting, or does not fit its port.
    """
    with name_variable("ADAPTER"):
        setting = asyncio.run(_open_adapter())
    os.environ[SETTING] = setting
    with name_variable(setting):
        asyncio.run(_open_adapter())
    return setting


async def _open_adapter() -> str:
    with tempfile.TemporaryDirectory() as folder:
        async with open_external_adapter(Path(folder)) as adapter:
            return _setting_of(adapter)


def _setting_of(adapter: Any) -> str:
    if isinstance(adapter, Database):
        return DATABASE
    for setting, methods in _TYPICAL_METHODS.items():
        if any(hasattr(adapter, method) for method in methods):
            return setting
    raise StartupError(
        "ADAPTER: the factory has to yield a Database, a LimitStore, a MediaFiles or a Messenger."
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
