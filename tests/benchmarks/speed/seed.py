"""Fill the database of a service, as a program: USERS SENDERS LIBRARIES FILE.

It imports only the product. It writes pairs of a user's id and a token to the file, of each kind as
many as there are senders, and all tokens are different:

- `long`, `short`: a long-lived and a short-lived token of each sender;
- `owners`: long-lived tokens of those who have a library of `LIBRARY_SIZE` items each, in turn.
"""

import asyncio
import json
import os
import sqlite3
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice
from pathlib import Path
from random import Random
from typing import Any, Final, TypeVar

import msgspec
import psycopg
from pymongo import MongoClient

from adapters.databases.records.features.media import MEDIA_ITEMS
from adapters.databases.records.mapping import RecordMapping
from adapters.databases.records.phone_encryption import PhoneEncryption
from adapters.databases.records.record_kind import Fields, RecordKind
from adapters.databases.records.repositories import IdentityMapping
from adapters.operations.system import SystemClock
from adapters.security.jwt import JwtAccessTokens
from application.ports.keys import KeyPurpose, TokenClaims
from domain.features.media.image import Image, ImageFormat
from domain.features.media.item import ItemState, MediaItem
from domain.identities.identity import Identity, User
from domain.identities.session import RefreshTokenFamily, Session
from domain.identities.username import Username
from domain.phone import PhoneNumber
from entrypoints.composition.read_settings import read_settings
from entrypoints.parts.database import open_database
from entrypoints.parts.keys import AUDIENCE, load_encryption, load_keys
from entrypoints.settings.settings import Settings
from entrypoints.settings.values import MongoLocation, PostgresLocation, SqliteLocation

T = TypeVar("T")

LIBRARY_SIZE: Final = 200
INSERTED_AT_ONCE: Final = 10_000
NOW: Final = datetime.now(UTC)
LIFETIME: Final = timedelta(days=90)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def seed(
    settings: Settings, users: int, senders: int, libraries: int
) -> Mapping[str, Sequence[tuple[str, str]]]:
    """Create users and items, and return what is written to the file."""
    keys = load_keys(settings, SystemClock(), is_service=True)
    encryption = load_encryption(settings)
    assert encryption is not None
    asyncio.run(_create_schema(settings, encryption))
    # The rows of users who send requests one after the other are not neighbors.
    senders_in_turn = [_make_user(number) for number in Random(0).sample(range(users), senders)]
    owners = senders_in_turn[:libraries]
    identities = IdentityMapping(encryption)
    insert(settings.database, identities, map(_make_user, range(users)))
    items = RecordMapping(MEDIA_ITEMS, MediaItem)
    insert(settings.database, items, _make_items(owners))
    key_sets = keys.key_set(KeyPurpose.SIGNING), keys.key_set(KeyPurpose.REFRESH)
    tokens = JwtAccessTokens(*key_sets, issuers=settings.token_issuers, audience=AUDIENCE)
    return {
        "long": [_issue(tokens, user, user.sessions[0]) for user in senders_in_turn],
        "short": [_issue(tokens, user, user.sessions[1]) for user in senders_in_turn],
        # With another time, each token is another one.
        "owners": [
            _issue(tokens, user, user.sessions[0], timedelta(seconds=number))
            for number, user in enumerate(islice(cycle(owners), senders))
        ],
    }


async def _create_schema(settings: Settings, encryption: PhoneEncryption) -> None:
    async with open_database(settings, encryption):
        pass


def _make_user(number: int) -> Identity:
    user_id = f"{number:024x}"
    family = RefreshTokenFamily(number.to_bytes(16), rotated_at=NOW)
    sessions = [
        Session(
            id=f"{number:08x}{kind:024x}",
            created_at=NOW,
            expires_at=NOW + LIFETIME,
            token_family=tokens,
            idle_expires_at=NOW + LIFETIME,
            # Otherwise the first request of each session would be measured, which is a write.
            last_used_at=NOW,
            is_used=True,
        )
        for kind, tokens in enumerate((None, family))
    ]
    return Identity(
        id=user_id,
        phone=PhoneNumber(f"+1206{2_000_000 + number}"),
        created_at=NOW,
        user=User(Username(user_id), NOW),
        sessions=tuple(sessions),
        last_used_at=NOW,
        has_signed_in=True,
    )


def _make_items(owners: Sequence[Identity]) -> Iterator[MediaItem]:
    # The owners upload in turn, so the items of one page are not neighbors.
    for number in range(len(owners) * LIBRARY_SIZE):
        item_id = f"{number:024x}"
        yield MediaItem(
            id=item_id,
            owner_id=owners[number % len(owners)].id,
            storage_key=f"00/{item_id}-{0:032x}.jpg",
            image=Image(ImageFormat.JPEG, width=640, height=480, bytes=51_200),
            category=("art", "cars", None)[number % 3],
            created_at=NOW - LIFETIME + timedelta(seconds=number),
            state=ItemState.READY,
            upload_deadline=NOW,
        )


def _issue(
    tokens: JwtAccessTokens, user: Identity, session: Session, age: timedelta = timedelta()
) -> tuple[str, str]:
    generation = session.token_family.generation if session.token_family else None
    claims = TokenClaims(user.id, session.id, NOW - age, NOW + LIFETIME, generation)
    return user.id, tokens.issue(claims)


def insert(database: object, mapping: RecordMapping[T, Any], values: Iterable[T]) -> None:
    """Insert values as they are stored: their repositories would take many times as long."""
    records = map(mapping.to_record, values)
    match database:
        case SqliteLocation(path=path):
            _insert_rows(path, mapping.kind, records)
        case PostgresLocation(url=url):
            _copy_rows(url, mapping.kind, records)
        case MongoLocation(url=url):
            _insert_documents(url, mapping.kind, records)


def _insert_rows(path: Path, kind: RecordKind[Any], records: Iterable[Any]) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA cache_size = -500000")
        columns = [row[1] for row in connection.execute(f"PRAGMA table_info({kind.name})")]

        def to_row(record: Any) -> Sequence[object]:
            body = msgspec.json.encode(kind.to_fields(record)).decode()
            known = {"version": 1, "body": body}
            return [known.get(name) or _to_column(getattr(record, name)) for name in columns]

        places = ", ".join("?" * len(columns))
        statement = f"INSERT INTO {kind.name} VALUES ({places})"  # noqa: S608 -- our text
        connection.executemany(statement, map(to_row, records))
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _to_column(value: object) -> object:
    """Return a time as microseconds since 1970, and others as they are."""
    return (value - _EPOCH) // _MICROSECOND if isinstance(value, datetime) else value


def _copy_rows(url: str, kind: RecordKind[Any], records: Iterable[Any]) -> None:
    columns = ["id", "version", *kind.indexed_fields, "body"]
    with psycopg.connect(url, autocommit=True) as connection, connection.cursor() as cursor:
        with cursor.copy(f"COPY {kind.name} ({', '.join(columns)}) FROM STDIN") as copy:
            for record in records:
                body = msgspec.json.encode(kind.to_fields(record)).decode()
                indexed = [getattr(record, name) for name in kind.indexed_fields]
                copy.write_row([record.id, 1, *indexed, body])
        connection.execute(f"VACUUM ANALYZE {kind.name}")


def _insert_documents(url: str, kind: RecordKind[Any], records: Iterable[Any]) -> None:
    def to_document(record: Any) -> Fields:
        fields = kind.to_fields(record, native_types=(datetime, bytes))
        return {"_id": fields.pop("id"), "version": 1, **fields}

    documents = map(to_document, records)
    with MongoClient[Fields](url) as client:
        database = client.get_default_database()
        collection = database[kind.name]
        # To build the indexes at the end takes a fraction of the time.
        indexes = [dict(index) for index in collection.list_indexes() if index["name"] != "_id_"]
        collection.drop_indexes()
        while batch := list(islice(documents, INSERTED_AT_ONCE)):
            collection.insert_many(batch, ordered=False)
        database.command("createIndexes", kind.name, indexes=indexes)


if __name__ == "__main__":
    *numbers, file = sys.argv[1:]
    seeded = seed(read_settings(os.environ, None), *map(int, numbers))
    Path(file).write_text(json.dumps(seeded))
