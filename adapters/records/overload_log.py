"""The log of overload: a line when it begins, and a line when it has ended."""

import asyncio
import logging
from contextvars import Context
from typing import Final

QUIET_SECONDS: Final = 10.0
"""An overload has ended when so long no call was rejected."""

_log = logging.getLogger(__name__)


class OverloadLog:
    """Logs that calls of a store are rejected, however many there are."""

    def __init__(self, store: str) -> None:
        """Take the name of the store, which the lines have."""
        self._store = store
        self._rejected_calls = 0
        self._began_at = 0.0
        self._last_at = 0.0

    def count(self, reason: str) -> None:
        """Count a call that was rejected for this reason."""
        loop = asyncio.get_running_loop()
        self._last_at = loop.time()
        self._rejected_calls += 1
        if self._rejected_calls > 1:
            return
        self._began_at = self._last_at
        _log.warning({"event": "storage_overloaded", "store": self._store, "reason": reason})
        # Its end belongs to no request.
        loop.call_later(QUIET_SECONDS, self._find_end, context=Context())

    def _find_end(self) -> None:
        loop = asyncio.get_running_loop()
        quiet_at = self._last_at + QUIET_SECONDS
        if loop.time() < quiet_at:
            loop.call_at(quiet_at, self._find_end, context=Context())
            return
        _log.warning(
            {
                "event": "storage_overload_ended",
                "store": self._store,
                "rejected_calls": self._rejected_calls,
                "duration_ms": round((self._last_at - self._began_at) * 1000, 1),
            }
        )
        self._rejected_calls = 0
