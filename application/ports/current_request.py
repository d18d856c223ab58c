"""Which request the running code belongs to."""

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Final


@dataclass(slots=True, eq=False)
class StorageTime:
    """How long a request has waited for the database. Calls at the same time count once."""

    _finished: float = 0.0
    _calls: int = 0
    _began_at: float = 0.0

    def seconds(self, now: float) -> float:
        """Return the seconds until now."""
        return self._finished + (now - self._began_at if self._calls else 0.0)

    def begin(self, now: float) -> None:
        """Begin a call."""
        if not self._calls:
            self._began_at = now
        self._calls += 1

    def end(self, now: float) -> None:
        """End a call."""
        self._calls -= 1
        if not self._calls:
            self._finished += now - self._began_at


@dataclass(slots=True, eq=False)
class CurrentRequest:
    """One request.

    - `log_fields` are in each log line of the request: `request_id`, `client_ip`, perhaps
      `trace_id`.
    - `storage_time` is for an adapter that limits what all calls of a request take together.
    """

    log_fields: Mapping[str, str]
    storage_time: StorageTime = field(default_factory=StorageTime)


CURRENT_REQUEST: Final = ContextVar[CurrentRequest | None]("CURRENT_REQUEST", default=None)
