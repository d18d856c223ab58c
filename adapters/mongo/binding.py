"""One database for one process.

beanie binds its Documents for the whole process: after a second `init_beanie` what is meant for
the first database goes to the second, silently. So another database is refused, and the same one,
opened as often as asked, is connected to once.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from beanie import init_beanie
from pymongo.monitoring import CommandListener

from adapters.mongo.database import Database
from adapters.mongo.documents import DOCUMENTS
from adapters.mongo.driver import close_client, database_of, make_client, patience_of
from adapters.mongo.errors import DatabaseNotUsable, told_to_the_operator


@dataclass(slots=True)
class _Binding:
    url: str
    place: str
    loop: asyncio.AbstractEventLoop
    connecting: asyncio.Task[Database]
    openings: int = 0


_BINDINGS: Final[list[_Binding]] = []
"""That of the open database, or none."""


@asynccontextmanager
async def bound_database(
    url: str, place: str, listeners: Sequence[CommandListener] = ()
) -> AsyncIterator[Database]:
    """Connect to the database and bind the Documents to it, until the last who opened it leaves.

    Raises:
        DatabaseNotUsable: the address cannot be used, or another database is open.
    """
    binding = _binding(url, place, listeners)
    binding.openings += 1
    try:
        yield await asyncio.shield(binding.connecting)
    finally:
        binding.openings -= 1
        if not binding.openings:
            _BINDINGS.remove(binding)
            await _leave(binding.connecting)


def _binding(url: str, place: str, listeners: Sequence[CommandListener]) -> _Binding:
    loop = asyncio.get_running_loop()
    # What was never closed has nobody left who could use it.
    _BINDINGS[:] = [one for one in _BINDINGS if not one.loop.is_closed()]
    for binding in _BINDINGS:
        if (binding.url, binding.loop) == (url, loop):
            return binding
        raise DatabaseNotUsable(
            f"{place} cannot be opened, as this process has {binding.place} open by another "
            "address or in another loop: close that first, or use another process."
        )
    _BINDINGS.append(
        _Binding(url, place, loop, asyncio.create_task(_connected(url, place, listeners)))
    )
    return _BINDINGS[0]


async def _connected(url: str, place: str, listeners: Sequence[CommandListener]) -> Database:
    client = make_client(url, place, listeners)
    try:
        database = Database(database_of(client), patience_of(client))
        with told_to_the_operator(place):
            # Indexes are made by us: beanie stops at the first that differs.
            await init_beanie(
                database=database.motor, document_models=[*DOCUMENTS], skip_indexes=True
            )
    except BaseException:
        await close_client(client)
        raise
    return database


async def _leave(connecting: asyncio.Task[Database]) -> None:
    connecting.cancel()
    await asyncio.wait([connecting])
    if not connecting.cancelled() and connecting.exception() is None:
        await close_client(connecting.result().motor.client)
