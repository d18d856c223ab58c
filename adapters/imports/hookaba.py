"""hookaba-backend: what its documents mean to an import.

It has `users` and a `library`, whose files are in a bucket: it uploaded each file under its name,
and stored `https://BUCKET.s3.REGION.amazonaws.com/NAME`. No such URL is fetched: its path is a key
of the bucket that the operator names. Its codes (`otps`) are never read.
"""

import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import unquote, urlsplit

from application.features.imports.import_user import ImportedUser
from application.features.imports.ports import Document, Documents
from application.features.imports.sources import ImportedItem, Note, SourceItem, SourceUser
from application.features.imports.user_lines import InvalidLine, LineProblem
from domain.errors import InvalidValue
from domain.identifier import parse_identifier
from domain.phone import PhoneNumber

USERS: Final = "users"
LIBRARY: Final = "library"
"""The names of its collections."""
_USER_FIELDS: Final = frozenset({"number", "username", "created_on", "admin"})
_ITEM_FIELDS: Final = frozenset({"user_id", "url", "category", "created_at"})
_FALSE: Final = {"", "0", "f", "false", "n", "no", "none", "off"}
"""How its clients could write that somebody is no administrator: it stored what they sent."""
_WAS_ADMINISTRATOR: Final = Note(
    "was_administrator", "It was an administrator there: promote it by hand."
)
_AMAZON: Final = re.compile(r"s3(?:[.-][a-z0-9-]+)*\.amazonaws\.com(?:\.cn)?")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_REPLACED: Final = "\ufffd"
"""In a text that is not UTF-8."""


@dataclass(frozen=True, slots=True)
class BucketUrls:
    """The URLs of one bucket.

    Attributes:
        bucket: The bucket in the URLs.
        prefix: Where its files are in the bucket that is read: empty, or with a slash at its end.
        endpoint_host: The host of a store that is not Amazon's, or None.
    """

    bucket: str
    prefix: str = ""
    endpoint_host: str | None = None

    def find_key(self, url: str) -> str | None:
        """Return the key of the file with this URL; None for a URL of anything else.

        A key that has the prefix already is not given it again.
        """
        try:
            parts = urlsplit(url)
            host = (parts.hostname or "").lower()
        except ValueError:
            return None
        if parts.scheme not in ("http", "https"):
            return None
        path = unquote(parts.path).removeprefix("/")
        bucket_host, dot, store = host.partition(f"{self.bucket}.")
        if dot and not bucket_host and self._is_store(store):
            key = path
        elif self._is_store(host) and path.startswith(f"{self.bucket}/"):
            key = path.removeprefix(f"{self.bucket}/")
        else:
            return None
        if not key or _CONTROL.search(key) or {"", ".", ".."}.intersection(key.split("/")):
            return None
        return key if key.startswith(self.prefix) else self.prefix + key

    def _is_store(self, host: str) -> bool:
        return host == self.endpoint_host or _AMAZON.fullmatch(host) is not None


async def read_users(
    documents: Documents, parse_phone: Callable[[str], PhoneNumber]
) -> AsyncIterator[SourceUser]:
    """Yield the users. Their numbers are as somebody typed them, and are parsed as at a sign-in."""
    async for document in documents.read():
        yield map_user(document, parse_phone)


async def read_items(documents: Documents, urls: BucketUrls | None) -> AsyncIterator[SourceItem]:
    """Yield the rows of the library. Without URLs, their files are nowhere."""
    async for document in documents.read():
        yield map_item(document, urls)


def map_user(document: Document, parse_phone: Callable[[str], PhoneNumber]) -> SourceUser:
    """Return the user of a document."""
    try:
        made_at = _get_made_at(document)
        number = _get_text(document, "number")
        username = _find_text(document, "username")
        created_at = _get_time(document, "created_on", made_at)
    except InvalidLine as error:
        return SourceUser(document.id, error)
    user: ImportedUser | InvalidLine
    try:
        phone = parse_phone(number)
        user = ImportedUser(phone=phone, id=document.id, username=username, created_at=created_at)
    except InvalidValue as error:
        user = InvalidLine(LineProblem.INVALID_PHONE, error.message)
    was_administrator = str(document.fields.get("admin")).lower() not in _FALSE
    note = _WAS_ADMINISTRATOR if was_administrator else None
    return SourceUser(document.id, user, _find_unread(document, _USER_FIELDS), note=note)


def map_item(document: Document, urls: BucketUrls | None) -> SourceItem:
    """Return the library row of a document."""
    try:
        made_at = _get_made_at(document)
        owner, url = _get_owner(document), _get_text(document, "url")
        category = _find_text(document, "category")
        created_at = _get_time(document, "created_at", made_at)
    except InvalidLine as error:
        return SourceItem(document.id, error)
    file_key = urls.find_key(url) if urls else None
    item = ImportedItem(document.id, owner, file_key, category, created_at)
    return SourceItem(document.id, item, _find_unread(document, _ITEM_FIELDS))


def _get_made_at(document: Document) -> datetime:
    if document.made_at is None:
        raise _unreadable("_id")
    return document.made_at


def _get_text(document: Document, name: str) -> str:
    text = _find_text(document, name)
    if text is None:
        raise _unreadable(name)
    return text


def _find_text(document: Document, name: str) -> str | None:
    value = document.fields.get(name)
    if not isinstance(value, str | None) or (value is not None and _REPLACED in value):
        raise _unreadable(name)
    return value


def _get_owner(document: Document) -> str:
    """Return the id of the owner: any text that a client sent, or an id of the database."""
    value = document.fields.get("user_id")
    owner = value if isinstance(value, str) else parse_identifier(str(value))
    if owner is None:
        raise _unreadable("user_id")
    return owner


def _get_time(document: Document, name: str, made_at: datetime) -> datetime:
    """Return a time, or without the field that of the id."""
    time = document.fields.get(name, made_at)
    if not isinstance(time, datetime):
        raise _unreadable(name)
    return time


def _find_unread(document: Document, read: frozenset[str]) -> list[str]:
    return [
        name for name, value in document.fields.items() if name not in read and value is not None
    ]


def _unreadable(name: str) -> InvalidLine:
    message = f"Its {name} is missing, of another type or no UTF-8."
    return InvalidLine(LineProblem.UNREADABLE, message)
