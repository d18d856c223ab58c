"""Which request the running code belongs to."""

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

MIN_STORAGE_SECONDS: Final = 1.0
"""What a call has after other work, such as decoding an image, took the time of its request."""


@dataclass(slots=True, eq=False)
class CurrentRequest:
    """One request, and how long it may wait for the database.

    `log_fields` are in each log line of the request: `request_id`, `client_ip`, perhaps `trace_id`.
    The times are for an adapter that limits what all calls of a request take together: calls at
    the same time count once. All times are those of the event loop, in seconds.
    """

    log_fields: Mapping[str, str]
    received_at: float = 0.0
    _finished: float = 0.0
    _calls: int = 0
    _began_at: float = 0.0

    def storage_deadline(self, now: float, timeout: float) -> float:
        """Return until when a call that begins now may last.

        - All calls of the request together have this timeout.
        - The time begins when the body has arrived, so that the response leaves soon after it
          whatever else was done; a call has at least `MIN_STORAGE_SECONDS` of it.
        """
        waited = self._finished + (now - self._began_at if self._calls else 0.0)
        in_time = max(self.received_at + timeout, now + MIN_STORAGE_SECONDS)
        return min(now + timeout - waited, in_time)

    def begin_storage_call(self, now: float) -> None:
        """Begin a call of the database."""
        if not self._calls:
            self._began_at = now
        self._calls += 1

    def end_storage_call(self, now: float) -> None:
        """End a call of the database."""
        self._calls -= 1
        if not self._calls:
            self._finished += now - self._began_at


CURRENT_REQUEST: Final = ContextVar[CurrentRequest | None]("CURRENT_REQUEST", default=None)
