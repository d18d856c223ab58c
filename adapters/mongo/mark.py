"""Making a database ours, or finding that it is not."""

from typing import Final

from pymongo.errors import DuplicateKeyError

from adapters.mongo.database import Database
from adapters.mongo.documents import DOCUMENTS, MarkDocument
from adapters.mongo.driver import MotorCollection, Raw, latest
from adapters.mongo.errors import DatabaseNotUsable

SCHEMA_VERSION: Final = 1
MARK_ID: Final = "database"


async def check_mark(database: Database, place: str, fingerprint: str) -> None:
    """Mark a new database; of one that is marked, find that it was written by us.

    Raises:
        DatabaseNotUsable: it is another program's, of a newer version, or of other keys.
        PyMongoError: also when this user may not write.
    """
    mark = await _mark(database) or await _made(database, place, fingerprint)
    schema = mark.get("schema_version")
    if not isinstance(schema, int):
        raise _of_another(place)
    if schema > SCHEMA_VERSION:
        raise DatabaseNotUsable(
            f"{place} was written by a newer version of Dialtone (schema {schema}; this one "
            f"knows {SCHEMA_VERSION}): start that version, or name another database."
        )
    if mark.get("fingerprint") != fingerprint:
        raise DatabaseNotUsable(
            f"{place} was written with other keys: start with the secrets file that it was "
            "first opened with, or name another database."
        )
    # Who may only read would open it, and fail at the first request.
    await touched(database.collection(MarkDocument))


async def touched(marks: MotorCollection) -> bool:
    """Write to the mark, changing nothing that anybody goes by; say whether it is there.

    Raises:
        PyMongoError
    """
    touch = await marks.update_one({"_id": MARK_ID}, {"$currentDate": {"probed": True}})
    return bool(touch.matched_count)


async def _mark(database: Database) -> Raw | None:
    return await latest(database.collection(MarkDocument)).find_one({"_id": MARK_ID})


async def _made(database: Database, place: str, fingerprint: str) -> Raw:
    names = [database.collection(document).name for document in DOCUMENTS]
    found = await database.motor.list_collection_names(filter={"name": {"$in": names}})
    # The mark is the first that a new database gets, so it may be there by now: another
    # instance is starting too.
    if found and (mark := await _mark(database)):
        return mark
    if found:
        raise _of_another(place)
    mark = {"_id": MARK_ID, "schema_version": SCHEMA_VERSION, "fingerprint": fingerprint}
    try:
        await database.collection(MarkDocument).insert_one(mark)
    except DuplicateKeyError:
        return await _mark(database) or mark
    return mark


def _of_another(place: str) -> DatabaseNotUsable:
    return DatabaseNotUsable(f"{place} has collections of another program: name another database.")
