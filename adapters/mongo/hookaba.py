"""The database of hookaba-backend: its users and its library, which are only read.

Its codes (`otps`) are never read.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from typing import Any, Final, TypeVar

from bson import ObjectId
from pymongo import ASCENDING, ReadPreference
from pymongo.errors import OperationFailure
from pymongo.monitoring import CommandListener
from pymongo.read_concern import ReadConcern

from adapters.mongo.database import MongoDatabase, connect
from adapters.mongo.driver import (
    MotorCollection,
    RawDocument,
    errors_while_opening,
    location_of,
)
from adapters.records.outages import OutageRetries
from application.ports.errors import ConfigurationError, StorageError, StorageUnavailable
from application.ports.older_service import OlderItem, OlderUser, UnreadableRow

R = TypeVar("R", OlderUser, OlderItem)

_UNAUTHORIZED: Final = 13
_MAX_ID_LENGTH: Final = 64
_USER_FIELDS: Final = frozenset({"_id", "number", "username", "created_on", "admin"})
_ITEM_FIELDS: Final = frozenset({"_id", "user_id", "url", "category", "created_at"})
_FALSE: Final = {"", "0", "f", "false", "n", "no", "none", "off"}
"""How its clients could write that somebody is no administrator: it stored what they sent."""


class HookabaDatabase:
    """Reads the two collections in the order of their ids."""

    def __init__(self, database: MongoDatabase) -> None:
        """Read from a secondary, if there is one: the older service may be running."""
        self._database = database
        self._retry = OutageRetries()
        motor = database.motor.with_options(
            # One text that is not UTF-8 is no reason to read nobody: see _find_broken.
            codec_options=database.motor.codec_options.with_options(
                unicode_decode_error_handler="replace"
            ),
            read_preference=ReadPreference.SECONDARY_PREFERRED,
            read_concern=ReadConcern("local"),
        )
        self._users, self._items = motor["users"], motor["library"]

    async def count_users(self) -> int:
        return await self._count(self._users)

    async def count_items(self) -> int:
        return await self._count(self._items)

    def read_users(self, limit: int) -> AsyncIterator[Sequence[OlderUser | UnreadableRow]]:
        return self._read(self._users, limit, _parse_user)

    def read_items(self, limit: int) -> AsyncIterator[Sequence[OlderItem | UnreadableRow]]:
        return self._read(self._items, limit, _parse_item)

    async def _count(self, collection: MotorCollection) -> int:
        with _errors_of_source():
            return await self._retry(
                lambda: self._database.run(collection.estimated_document_count)
            )

    async def _read(
        self,
        collection: MotorCollection,
        limit: int,
        parse: Callable[[str, RawDocument], R | UnreadableRow],
    ) -> AsyncIterator[Sequence[R | UnreadableRow]]:
        # One query for each page: the server forgets a cursor after ten minutes.
        after: dict[str, Any] = {}
        while True:
            page = await self._find(collection, {"$type": "objectId", **after}, limit)
            if not page:
                break
            yield [parse(str(document["_id"]), document) for document in page]
            after = {"$gt": page[-1]["_id"]}
        # Only ids of one type have an order that a query can continue.
        others = await self._find(collection, {"$not": {"$type": "objectId"}}, 0)
        if others:
            yield [_unreadable(str(document["_id"]), "_id") for document in others]

    async def _find(
        self, collection: MotorCollection, ids: dict[str, Any], limit: int
    ) -> list[RawDocument]:
        def find() -> Awaitable[list[RawDocument]]:
            # A cursor that has failed cannot be read again.
            cursor = collection.find({"_id": ids}, limit=limit, sort=[("_id", ASCENDING)])
            return self._database.run(lambda: cursor.to_list(None))

        with _errors_of_source():
            return await self._retry(find)


@asynccontextmanager
async def open_hookaba_database(
    url: str, listeners: Sequence[CommandListener] = ()
) -> AsyncIterator[HookabaDatabase]:
    """Open the database of the older service for reading.

    Raises:
        ConfigurationError: it cannot be read, or is no database of the older service.
    """
    location = location_of(url)
    async with connect(url, location, listeners) as database:
        with errors_while_opening(location, database.find_connection_problem):
            try:
                names = await database.motor.list_collection_names()
            except OperationFailure as error:
                if error.code != _UNAUTHORIZED:
                    raise
                raise ConfigurationError(
                    f"{location} does not let this user read: grant it read on that database, or "
                    "name another user in the URL."
                ) from None
        if "users" not in names:
            raise ConfigurationError(
                f"{location} has no collection users: name the database of hookaba-backend, as its "
                "MONGO_URI does."
            )
        yield HookabaDatabase(database)


@contextmanager
def _errors_of_source() -> Iterator[None]:
    """Say that it is the older database which does not answer."""
    try:
        yield
    except StorageError as error:
        raise StorageUnavailable(f"the database of the older service: {error}") from None


def _parse_user(user_id: str, document: RawDocument) -> OlderUser | UnreadableRow:
    if broken := _find_broken(document, "number", "username"):
        return _unreadable(user_id, broken)
    number, username = document.get("number"), document.get("username")
    created_at = _time(document, "created_on")
    if not isinstance(number, str):
        return _unreadable(user_id, "number")
    if not isinstance(username, str | None):
        return _unreadable(user_id, "username")
    if created_at is None:
        return _unreadable(user_id, "created_on")
    is_administrator = str(document.get("admin")).lower() not in _FALSE
    unread = _find_unread(document, _USER_FIELDS)
    return OlderUser(user_id, number, username, created_at, is_administrator, unread)


def _parse_item(item_id: str, document: RawDocument) -> OlderItem | UnreadableRow:
    if broken := _find_broken(document, "url", "category"):
        return _unreadable(item_id, broken)
    owner, url, category = map(document.get, ("user_id", "url", "category"))
    created_at = _time(document, "created_at")
    if not isinstance(owner, str | ObjectId):
        return _unreadable(item_id, "user_id")
    if not isinstance(url, str):
        return _unreadable(item_id, "url")
    if not isinstance(category, str | None):
        return _unreadable(item_id, "category")
    if created_at is None:
        return _unreadable(item_id, "created_at")
    unread = _find_unread(document, _ITEM_FIELDS)
    return OlderItem(item_id, str(owner), url, category, created_at, unread)


def _find_unread(document: RawDocument, read: frozenset[str]) -> list[str]:
    return [name for name, value in document.items() if name not in read and value is not None]


def _find_broken(document: RawDocument, *fields: str) -> str | None:
    """Return the first field whose text is not UTF-8, and was read with replacements."""
    return next((name for name in fields if "\ufffd" in str(document.get(name))), None)


def _time(document: RawDocument, field: str) -> datetime | None:
    """Return the time of a document; None if it is not one, or one that Python does not have."""
    time = document.get(field, document["_id"].generation_time)
    return time if isinstance(time, datetime) else None


def _unreadable(row_id: str, field: str) -> UnreadableRow:
    return UnreadableRow(row_id[:_MAX_ID_LENGTH], field)
