"""Identities that are read often are decoded once for each of their changes."""

import asyncio
import sqlite3
from typing import Any, Final

from adapters.sqlite.database import Database
from application.bounded_cache import BoundedCache
from application.ports.errors import StorageUnavailable
from application.ports.versioned import Versioned
from domain.identities.identity import Identity

MAX_IDENTITIES: Final = 20_000
"""About 2 KB each."""

# The last known change is read again: if it is missing, others are as well.
_LIST_CHANGES: Final = (
    "SELECT number, identity_id FROM identity_changes WHERE number >= ? ORDER BY number"
)


class IdentityCache:
    """Identities as the file has them now, whichever process changes them.

    Triggers number all changes of identities. Before a cached identity is used, those that were
    changed meanwhile are removed: one read for all uses in an iteration of the event loop. A change
    has its response after its commit. A request that is sent after that response is handled after
    a read that finds the change.
    """

    def __init__(self, database: Database, max_size: int = MAX_IDENTITIES) -> None:
        """Create an empty cache for at least two identities."""
        self.change_number = -1
        """The number of the last change that it knows."""
        self._database = database
        self._identities = BoundedCache[str, Versioned[Identity]](max_size)
        self._is_current = False

    def find(self, identity_id: str) -> Versioned[Identity] | None:
        """Return the identity if it is cached and has not changed."""
        if not self._is_current:
            try:
                changes = self._database.read_here(self._list_changes)
            except (sqlite3.Error, StorageUnavailable):
                return None
            self._remove_changed(changes)
            self._is_current = True
            asyncio.get_running_loop().call_soon(self._end_iteration)
        return self._identities.get(identity_id)

    def add(self, identity: Versioned[Identity], as_of: int) -> None:
        """Add an identity that was read when `change_number` was this, unless one changed since."""
        if as_of == self.change_number:
            self._identities.put(identity.value.id, identity)

    def _list_changes(self, connection: sqlite3.Connection) -> list[tuple[int, str]]:
        changes: list[Any] = connection.execute(_LIST_CHANGES, (self.change_number,)).fetchall()
        return changes

    def _remove_changed(self, changes: list[tuple[int, str]]) -> None:
        if not changes or changes[0][0] != self.change_number:
            self._identities.clear()
            self.change_number = -1
        for number, identity_id in changes:
            self._identities.remove(identity_id)
            self.change_number = number

    def _end_iteration(self) -> None:
        self._is_current = False
