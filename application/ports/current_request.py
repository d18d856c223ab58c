"""Which request the running code belongs to."""

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final


@dataclass(slots=True, eq=False)
class CurrentRequest:
    """One request, and how long it has waited for the database.

    `log_fields` are in each log line of the request: `request_id`, `client_ip`, perhaps `trace_id`.
    The time is for an adapter that limits what all calls of a request take together: calls at the
    same time count once.
    """

    log_fields: Mapping[str, str]
    _finished: float = 0.0
    _calls: int = 0
    _began_at: float = 0.0

    def storage_seconds(self, now: float) -> float:
        """Return how many seconds it has waited until now."""
        return self._finished + (now - self._began_at if self._calls else 0.0)

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
