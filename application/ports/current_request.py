"""Which request the running code belongs to."""

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final


@dataclass(slots=True, eq=False)
class CurrentRequest:
    """One request, which is equal to itself only: an adapter can count requests, not its calls.

    `log_fields` are in each log line of the request: `request_id`, `client_ip`, perhaps `trace_id`.
    """

    log_fields: Mapping[str, str]


CURRENT_REQUEST: Final = ContextVar[CurrentRequest | None]("CURRENT_REQUEST", default=None)
