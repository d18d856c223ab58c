"""An older service and its files, in memory."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from application.ports.errors import MediaFileRejected
from application.ports.media import StoredFile
from application.ports.older_service import OlderItem, OlderUser, UnreadableRow
from tests.support.builders import NOW, an_id

R = TypeVar("R")

JOINED_AT: datetime = NOW - timedelta(days=900)
UPLOADED_AT: datetime = NOW - timedelta(days=800)


@dataclass
class FakeOlderService:
    """Users and rows, in the order of their ids."""

    users: list[OlderUser | UnreadableRow] = field(default_factory=list)
    items: list[OlderItem | UnreadableRow] = field(default_factory=list)

    async def count_users(self) -> int:
        return len(self.users)

    async def count_items(self) -> int:
        return len(self.items)

    async def read_users(self, limit: int) -> AsyncIterator[Sequence[OlderUser | UnreadableRow]]:
        for start in range(0, len(self.users), limit):
            yield self.users[start : start + limit]

    async def read_items(self, limit: int) -> AsyncIterator[Sequence[OlderItem | UnreadableRow]]:
        for start in range(0, len(self.items), limit):
            yield self.items[start : start + limit]


@dataclass
class FakeOlderFiles:
    """Files by key. A URL is a key after `bucket/`."""

    contents: dict[str, bytes] = field(default_factory=dict)
    unreadable: set[str] = field(default_factory=set)
    opened: list[str] = field(default_factory=list)

    def find_key(self, url: str) -> str | None:
        bucket, slash, key = url.partition("/")
        return key if slash and bucket == "bucket" else None

    async def get_size(self, key: str) -> int | None:
        if key in self.unreadable:
            raise MediaFileRejected("access denied")
        content = self.contents.get(key)
        return None if content is None else len(content)

    @asynccontextmanager
    async def open_file(self, key: str) -> AsyncIterator[StoredFile | None]:
        self.opened.append(key)
        content = self.contents.get(key)
        yield None if content is None else StoredFile(len(content), _chunks(content))


def an_older_user(number: int = 1, /, **changes: Any) -> OlderUser:
    values: dict[str, Any] = {
        "id": an_id(number),
        "number": f"+1415555{2670 + number}",
        "username": f"User {number}",
        "created_at": JOINED_AT,
    }
    return OlderUser(**(values | changes))


def an_older_item(number: int = 101, /, **changes: Any) -> OlderItem:
    values: dict[str, Any] = {
        "id": an_id(number),
        "owner": an_id(1),
        "url": f"bucket/{number}.gif",
        "category": "pets",
        "created_at": UPLOADED_AT,
    }
    return OlderItem(**(values | changes))


async def _chunks(content: bytes) -> AsyncIterator[bytes]:
    yield content
