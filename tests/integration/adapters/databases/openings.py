"""What the tests of opening share: each database, and why it was not opened."""

import re
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from adapters.databases import mongo, postgres, sqlite
from application.ports.errors import ConfigurationError
from tests.support.builders import an_identity
from tests.support.fakes.phone_encryption import FakePhoneEncryption
from tests.support.repositories import (
    OpenRepositories,
    open_mongo_repositories,
    open_postgres_repositories,
    open_sqlite_repositories,
)

PASSWORD: Final = "s3cr3t-of-the-operator"
KEY_FINGERPRINT: Final = FakePhoneEncryption().key_fingerprint()


@dataclass(frozen=True, slots=True)
class Opening:
    """How a kind of database is opened, and inspected before: returns its schema version."""

    open: Callable[[Any], AbstractAsyncContextManager[OpenRepositories]]
    inspect: Callable[[Any, str | None], Awaitable[int | None]]
    locate_missing: Callable[[Any], Awaitable[str | None]]

    async def create(self, place: object) -> None:
        """Make a database with an identity, or open it if it is there."""
        async with self.open(place) as repositories:
            await repositories.identities.add(an_identity())

    async def error(self, place: object) -> str:
        """Return why it is not opened: one line that says what to do, without the password."""
        with pytest.raises(ConfigurationError) as inspected:
            await self.inspect(place, KEY_FINGERPRINT)
        with pytest.raises(ConfigurationError) as raised:
            async with self.open(place):
                pytest.fail("it was opened")
        message = str(raised.value)
        assert str(inspected.value) == message
        solution = r"allow|close|correct|create|drop|grant|make|name|start|write"
        assert re.search(rf": .*\b({solution})\b", message)
        assert "\n" not in message
        assert "s3cr3t" not in message
        return message


async def _inspect_file(path: Path, key_fingerprint: str | None) -> int | None:
    return sqlite.inspect_file(path, key_fingerprint)


async def _inspect_postgres(url: str, key_fingerprint: str | None) -> int | None:
    return (await postgres.inspect_database(url, key_fingerprint)).schema_version


SQLITE_OPENING: Final = Opening(open_sqlite_repositories, _inspect_file, sqlite.locate_missing)
POSTGRES_OPENING: Final = Opening(
    open_postgres_repositories, _inspect_postgres, postgres.locate_missing
)
MONGO_OPENING: Final = Opening(
    open_mongo_repositories, mongo.inspect_database, mongo.locate_missing
)
