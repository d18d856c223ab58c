"""Fill the database of a service, as a program: `users COUNT SENDERS ITEMS FILE` or `fill COUNT`.

It imports only the product, so that it runs with another commit of it. `users` creates users and
items, and writes a long-lived and a short token of each sender to a file. `fill` copies a user and
an item until there are so many of each.
"""

import asyncio
import json
import os
import sqlite3
import sys
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, Final

from pymongo import MongoClient

from adapters.jwt import JwtAccessTokens
from adapters.key_file import KeyPurpose
from adapters.mongo.identities import MongoIdentities
from adapters.system import SystemClock
from application.ports.identities import Identities
from application.ports.keys import TokenClaims
from domain.identities.identity import Identity, User
from domain.identities.session import RefreshTokenFamily, Session
from domain.identities.username import Username
from domain.media.image import Image, ImageFormat
from domain.media.item import ItemState, MediaItem
from domain.phone import PhoneNumber
from entrypoints.bootstrap import ISSUER, load_encryption, load_keys, open_database
from entrypoints.settings import Settings, read_settings
from entrypoints.settings.values import MongoDatabase, SqliteDatabase

AT_ONCE: Final = 500
COPIED_AT_ONCE: Final = 20_000
SPREAD: Final = 1_000
"""Copies are spread over so many places between the ids of the users."""
NOW: Final = datetime.now(UTC)
LIFETIME: Final = timedelta(days=90)
TABLES: Final = ("identities", "media_items")


async def create_users(
    settings: Settings, count: int, senders: int, items: int
) -> Mapping[str, list[str]]:
    """Create users and items, and return the ids and tokens of some of the users."""
    keys = load_keys(settings, SystemClock(), is_service=True)
    encryption = load_encryption(settings)
    assert encryption is not None
    key_sets = keys.key_set(KeyPurpose.SIGNING), keys.key_set(KeyPurpose.REFRESH)
    tokens = JwtAccessTokens(*key_sets, issuer=ISSUER, audience=ISSUER)
    users = [_make_user(number) for number in range(count)]
    async with open_database(settings, encryption) as repositories:
        await _add_users(repositories.identities, users)
        await _run_some_at_once(
            repositories.media_items.add(_make_item(number, users[number % count].id))
            for number in range(items)
        )
    users = users[:: count // senders]
    result = {"ids": [user.id for user in users]}
    for number, kind in enumerate(("long", "short")):
        result[kind] = [_issue(tokens, user, user.sessions[number]) for user in users]
    return result


async def _add_users(identities: Identities, users: Sequence[Identity]) -> None:
    if isinstance(identities, MongoIdentities):
        # A write of its own for each user takes four times as long.
        for start in range(0, len(users), AT_ONCE):
            batch = users[start : start + AT_ONCE]
            documents = [identities.mapping.encode(user, 1) for user in batch]
            await identities.collection.insert_many(documents)
    else:
        await _run_some_at_once(identities.add(user) for user in users)


async def _run_some_at_once(calls: Iterable[Coroutine[Any, Any, object]]) -> None:
    remaining = iter(calls)
    while batch := list(islice(remaining, AT_ONCE)):
        await asyncio.gather(*batch)


def _make_user(number: int) -> Identity:
    user_id = _make_id(number, number)
    family = RefreshTokenFamily(number.to_bytes(16), rotated_at=NOW)
    sessions = [
        Session(
            id=f"{number:08x}{kind:024x}",
            created_at=NOW,
            expires_at=NOW + LIFETIME,
            token_family=tokens,
            idle_expires_at=NOW + LIFETIME,
        )
        for kind, tokens in enumerate((None, family))
    ]
    return Identity(
        id=user_id,
        phone=PhoneNumber(f"+1206{2_000_000 + number}"),
        created_at=NOW,
        user=User(Username(user_id), NOW),
        sessions=tuple(sessions),
    )


def _make_item(number: int, owner_id: str) -> MediaItem:
    item_id = _make_id(number, number)
    return MediaItem(
        id=item_id,
        owner_id=owner_id,
        storage_key=f"{item_id}{0:08x}.jpg",
        image=Image(ImageFormat.JPEG, width=640, height=480, bytes=51_200),
        category=("art", "cars", None)[number % 3],
        created_at=NOW - LIFETIME + timedelta(seconds=number),
        state=ItemState.READY,
        upload_deadline=NOW,
    )


def _make_id(place: int, number: int) -> str:
    return f"{place:06x}{number:018x}"


def _issue(tokens: JwtAccessTokens, user: Identity, session: Session) -> str:
    generation = session.token_family.generation if session.token_family else None
    claims = TokenClaims(user.id, session.id, NOW, NOW + timedelta(days=1), generation)
    return tokens.issue(claims)


def fill(settings: Settings, count: int) -> None:
    """Copy the first user and the first item until there are so many of each."""
    match settings.database:
        case SqliteDatabase(path=path):
            _fill_sqlite(path, count)
        case MongoDatabase(url=url):
            with MongoClient[dict[str, Any]](url) as client:
                for table in TABLES:
                    _fill_mongo(client.get_default_database(), table, count)


def _fill_sqlite(path: Path, count: int) -> None:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA cache_size = -500000")
    for table in TABLES:
        names = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        [existing] = connection.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608
        copied = ", ".join(f"replace({name}, :first, new_id)" for name in names)
        sql = f"""
            WITH RECURSIVE numbers(n) AS (SELECT :existing UNION ALL SELECT n + 1 FROM numbers
                WHERE n + 1 < :count),
            ids(new_id) AS MATERIALIZED (
                SELECT printf('%06x%018x', n % :spread, n) FROM numbers)
            INSERT INTO {table} ({", ".join(names)})
            SELECT {copied} FROM ids, (SELECT * FROM {table} WHERE id = :first)
        """  # noqa: S608 -- the names are those of the schema
        values = {"first": _make_id(0, 0), "existing": existing, "count": count, "spread": SPREAD}
        if existing < count:
            connection.execute(sql, values)
    connection.commit()
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def _fill_mongo(database: Any, table: str, count: int) -> None:
    collection, first_id = database[table], _make_id(0, 0)
    first = collection.find_one({"_id": first_id})
    existing = collection.count_documents({"schema_version": {"$exists": True}})
    # To build the indexes at the end takes a fraction of the time.
    indexes = [index.to_dict() for index in collection.list_indexes() if index["name"] != "_id_"]
    collection.drop_indexes()
    for start in range(existing, count, COPIED_AT_ONCE):
        numbers = range(start, min(start + COPIED_AT_ONCE, count))
        copies = (_copy(first, first_id, _make_id(number % SPREAD, number)) for number in numbers)
        collection.insert_many(copies, ordered=False)
    database.command("createIndexes", table, indexes=indexes)


def _copy(document: Mapping[str, Any], old_id: str, new_id: str) -> dict[str, Any]:
    return {
        name: value.replace(old_id, new_id) if isinstance(value, str) else value
        for name, value in document.items()
    }


if __name__ == "__main__":
    service_settings = read_settings(os.environ, None)
    match sys.argv[1:]:
        case ["users", *numbers, file]:
            seed = asyncio.run(create_users(service_settings, *map(int, numbers)))
            Path(file).write_text(json.dumps(seed))
        case ["fill", count]:
            fill(service_settings, int(count))
