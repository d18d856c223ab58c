"""Which request the running code belongs to, or which requests it works for together."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final

MIN_STORAGE_SECONDS: Final = 1.0
"""Minimum of a call after other work, such as decoding an image, took its request's time."""
MAX_NAMED_REQUESTS: Final = 10
"""Requests that a log line of a batch names."""


@dataclass(slots=True, eq=False)
class CurrentRequest:
    """A request, and how long it may wait for the database.

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
BATCHED_REQUESTS: Final = ContextVar[Callable[[], Iterable[CurrentRequest]]](
    "BATCHED_REQUESTS", default=tuple
)
"""Returns the requests that a batch works for, which has no request of its own.

It is a function, because they are only needed when a line is logged.
"""


def list_requests() -> Sequence[CurrentRequest]:
    """Return the requests that the running code works for: its own, those of its batch, or none."""
    request = CURRENT_REQUEST.get()
    return (*BATCHED_REQUESTS.get()(),) if request is None else (request,)


def current_log_fields() -> Mapping[str, Any]:
    """Return the fields that each log line of the running code has.

    Those of its request; of a batch `request_ids`, the first ten, and `request_count` if there are
    more.
    """
    if request := CURRENT_REQUEST.get():
        return request.log_fields
    fields = (request.log_fields for request in BATCHED_REQUESTS.get()())
    ids = list(dict.fromkeys(found["request_id"] for found in fields if "request_id" in found))
    if not ids:
        return {}
    count = {"request_count": len(ids)} if len(ids) > MAX_NAMED_REQUESTS else {}
    return {"request_ids": ids[:MAX_NAMED_REQUESTS], **count}
