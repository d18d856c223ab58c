"""The last messages of this process, in its memory."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from cachetools import TTLCache

MAX_MESSAGES: Final = 100
MESSAGE_TTL: Final = timedelta(minutes=5)
"""The life of a code."""


class InMemoryRecentMessages:
    """Keeps the last messages by the request that caused them.

    Only the process that sent a message has it, and it is never written to a disk or to the log.
    """

    def __init__(self, timer: Callable[[], float] = time.monotonic) -> None:
        self._texts = TTLCache[str, str](MAX_MESSAGES, MESSAGE_TTL.total_seconds(), timer)

    def add(self, request_id: str, text: str) -> None:
        # The oldest one is dropped if there are too many.
        self._texts[request_id] = text

    def find(self, request_id: str) -> str | None:
        text: str | None = self._texts.get(request_id)
        return text
