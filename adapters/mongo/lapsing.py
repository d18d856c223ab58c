"""Forgetting documents whose time is over.

No TTL index: that goes by the server's clock, not by the `now` that is given, at a time of its own
choosing, as fast as it can, and tells nobody what it removed.
"""

from datetime import datetime
from typing import Final

from beanie import Document

from adapters.mongo.database import Database

_AT_ONCE: Final = 200


async def drop_lapsed(database: Database, kind: type[Document], now: datetime, limit: int) -> int:
    """Remove up to `limit` documents whose `lapses` has come; say how many.

    Raises:
        StorageUnavailable
    """
    dropped = 0
    while dropped < limit:
        batch = min(limit - dropped, _AT_ONCE)
        gone = await _drop(database, kind, now, batch)
        dropped += gone
        if gone < batch:
            break
    return dropped


async def _drop(database: Database, kind: type[Document], now: datetime, limit: int) -> int:
    lapsed = {"lapses": {"$lte": now}}
    question = kind.find(lapsed).sort("lapses")
    ids = [document["_id"] for document in await database.found(question, limit)]
    if not ids:
        return 0
    # Asked again: one may have been replaced since, and live longer.
    gone = await database.answer(
        database.collection(kind).delete_many({"_id": {"$in": ids}, **lapsed})
    )
    return gone.deleted_count
