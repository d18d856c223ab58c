"""Documents and files of another service, in memory; those of hookaba-backend have builders."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from application.features.imports.ports import Document
from application.features.media.ports import StoredFile
from application.ports.errors import MediaFileRejected
from tests.support.builders import NOW, an_id

JOINED_AT: datetime = NOW - timedelta(days=900)
UPLOADED_AT: datetime = NOW - timedelta(days=800)


@dataclass
class FakeDocuments:
    """A collection in the order of its ids."""

    documents: list[Document] = field(default_factory=list)

    async def count(self) -> int:
        return len(self.documents)

    async def read(self) -> AsyncIterator[Document]:
        for document in self.documents:
            yield document


@dataclass
class FakeSourceFiles:
    """Files by key."""

    contents: dict[str, bytes] = field(default_factory=dict)
    unreadable: set[str] = field(default_factory=set)
    opened: list[str] = field(default_factory=list)

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


def a_user_document(number: int = 1, /, **changes: Any) -> Document:
    fields = {
        "number": f"+1415555{2670 + number}",
        "username": f"User {number}",
        "admin": False,
        "created_on": JOINED_AT,
    }
    return Document(an_id(number), JOINED_AT, fields | changes)


def an_item_document(number: int = 101, /, **changes: Any) -> Document:
    fields = {
        "user_id": an_id(1),
        "url": url_of(f"{number}.gif"),
        "category": "pets",
        "created_at": UPLOADED_AT,
    }
    return Document(an_id(number), UPLOADED_AT, fields | changes)


def url_of(key: str) -> str:
    return f"https://bucket.s3.us-east-1.amazonaws.com/{key}"


async def _chunks(content: bytes) -> AsyncIterator[bytes]:
    yield content
