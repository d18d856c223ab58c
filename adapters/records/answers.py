"""When a database answered last: it tells an overload of this process from its failure."""

import asyncio
import math
from typing import Final

from adapters.records.overload_log import OverloadLog
from application.ports.errors import PortError, StorageOverloaded

MAX_SILENCE: Final = 1.0
"""Seconds after its last answer for which a database counts as one that answers."""


class Answers:
    """The time of the last answer of a database.

    This process limits how many calls a database has at the same time, and the others wait. A call
    that waits too long is the fault of the database only if it answers no calls at all.
    """

    def __init__(self, overload: OverloadLog | None = None) -> None:
        """Begin without an answer, and count rejected calls for the log."""
        self._overload = overload or OverloadLog("database")
        self._last_at = -math.inf

    @property
    def are_recent(self) -> bool:
        """Whether a call was answered within the last second."""
        return asyncio.get_running_loop().time() - self._last_at <= MAX_SILENCE

    def record(self) -> None:
        """Record an answer: a result, or an error that only a database that works has."""
        self._last_at = asyncio.get_running_loop().time()

    def explain(self, error: PortError) -> PortError:
        """Return what a call raises that had not enough time because of others.

        Args:
            error: The error if the database answers nobody.
        """
        if not self.are_recent:
            return error
        self._overload.count(str(error))
        return StorageOverloaded(error.reason)
