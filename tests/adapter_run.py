"""`make test-adapter ADAPTER=package.module:factory`: our suites over an adapter of your own."""

import asyncio
import os
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

import pytest

from application.ports.repositories import Repositories
from entrypoints.startup_error import StartupError
from tests.contract.external_adapter import ADAPTER, open_external_adapter

RECORDS: Final = (
    "test_phone_verifications.py",
    "test_identities.py",
    "test_deleted_identities.py",
    "test_media_items.py",
    "test_media_pages.py",
    "test_media_cleanup.py",
    "test_health_check.py",
    "test_rate_limiter.py",
    "test_leases.py",
)
FILES: Final = ("test_media_files.py",)
MESSENGER: Final = ("test_messenger.py",)


def main(arguments: list[str]) -> int:
    """Find out what the adapter is, and run the suites of that; gives pytest's exit code."""
    if not arguments or ":" not in arguments[0]:
        sys.stderr.write("Name the factory: make test-adapter ADAPTER=package.module:factory\n")
        return 2
    os.environ[ADAPTER] = arguments[0]
    try:
        suites = asyncio.run(_suites())
    except StartupError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    folder = Path(__file__).parent / "contract"
    return pytest.main([*(str(folder / suite) for suite in suites), "-rs", *arguments[1:]])


async def _suites() -> tuple[str, ...]:
    with tempfile.TemporaryDirectory() as place:
        async with open_external_adapter(Path(place)) as adapter:
            return _suites_of(adapter)


def _suites_of(adapter: Any) -> tuple[str, ...]:
    if isinstance(adapter, Repositories):
        return RECORDS
    if hasattr(adapter, "url_for"):
        return FILES
    if hasattr(adapter, "send"):
        return MESSENGER
    raise StartupError("What the factory opens is no Repositories, no MediaFiles and no Messenger.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
