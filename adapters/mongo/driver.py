"""The one place where the driver is made."""

import asyncio
import logging
import warnings
from collections.abc import Sequence
from typing import Any, Final

import pymongo
from bson.codec_options import CodecOptions
from motor.motor_asyncio import (
    AsyncIOMotorClient,
    AsyncIOMotorCollection,
    AsyncIOMotorDatabase,
)
from pymongo import ReadPreference, WriteConcern
from pymongo.errors import PyMongoError
from pymongo.monitoring import CommandListener
from pymongo.read_concern import ReadConcern

from adapters.mongo.address import options_of
from adapters.mongo.errors import DatabaseNotUsable

Raw = dict[str, Any]
"""A document as it is stored."""
MotorClient = AsyncIOMotorClient[Raw]
MotorCollection = AsyncIOMotorCollection[Raw]
MotorDatabase = AsyncIOMotorDatabase[Raw]

TIMEOUT: Final = 5.0
"""Seconds that one call may take, with all that the driver repeats by itself within it."""

CLOSE_LIMIT: Final = 2.0

_log = logging.getLogger(__name__)

# What the operator writes in the address goes before these, but 0, which waits for ever.
_DEFAULTS: Final[dict[str, Any]] = {
    "appname": "dialtone",
    "timeoutms": int(TIMEOUT * 1000),
    "connecttimeoutms": int(TIMEOUT * 1000),
}
# These go before what the operator writes: with fewer acknowledgements a write may be lost after
# it was answered, and a secondary may tell what is true no more.
_WRITES: Final = WriteConcern(w="majority", j=True)
_READS: Final = ReadPreference.PRIMARY
_USED_INSTEAD: Final = {
    "w": "majority",
    "journal": "true",
    "readpreference": "primary",
    "readconcernlevel": "majority",
    # The driver goes by one bound for all of a call where it is given one.
    "serverselectiontimeoutms": "timeoutMS",
    "sockettimeoutms": "timeoutMS",
    "waitqueuetimeoutms": "timeoutMS",
    "wtimeoutms": "timeoutMS",
}


def make_client(url: str, place: str, listeners: Sequence[CommandListener] = ()) -> MotorClient:
    """Make a client; it connects by itself when it is first used.

    Raises:
        DatabaseNotUsable: the address cannot be used.
    """
    given = options_of(url)
    for option, used in _USED_INSTEAD.items():
        if given.get(option, used) != used:
            _log.warning({"event": "mongo_option_not_used", "option": option, "used": used})
    defaults = {name: one for name, one in _DEFAULTS.items() if given.get(name, "0") == "0"}
    try:
        with warnings.catch_warnings():
            # It would go on without an option that it does not understand.
            warnings.simplefilter("error", UserWarning)
            return AsyncIOMotorClient(url, **defaults, event_listeners=list(listeners))
    except (PyMongoError, OSError, ValueError, UserWarning):
        raise DatabaseNotUsable(
            f"The address of {place} has something in it that the driver does not take: correct "
            f"user, password, hosts and options ({', '.join(given) or 'there are none'})."
        ) from None


def database_of(client: MotorClient) -> MotorDatabase:
    """Give the database that the address names, to write durably and read what is durable."""
    return client.get_default_database().with_options(
        codec_options=CodecOptions(tz_aware=True),
        read_preference=_READS,
        write_concern=_WRITES,
        read_concern=ReadConcern("majority"),
    )


def latest(collection: MotorCollection) -> MotorCollection:
    """Give the collection to read what the primary has at this moment.

    For what a swap is decided on: it must be what the swap will meet. What a majority has may
    be older, and who lost a swap would load the same again, and lose again.
    """
    return collection.with_options(read_concern=ReadConcern("local"))


def patience_of(client: MotorClient) -> float:
    """Seconds after which a caller is told no, whatever becomes of the call."""
    # A little longer than the driver's own, which knows the cause.
    return (client.delegate.options.timeout or TIMEOUT) + 1.0


async def close_client(client: MotorClient) -> None:
    """Close the client; in bounded time, although it takes leave of the server."""
    with pymongo.timeout(CLOSE_LIMIT):
        await asyncio.to_thread(client.close)
