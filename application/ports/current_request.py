"""Which request the running code belongs to."""

from contextvars import ContextVar
from typing import Final

CURRENT_REQUEST: Final = ContextVar[object | None]("CURRENT_REQUEST", default=None)
"""An object of its own for each request: an adapter can count requests instead of its calls."""
