"""Time limits of requests."""

from typing import Final

from adapters.http import Timeouts

LONG: Final = Timeouts(connect=30, read=30, total=100, pool=30)
"""For what answers at once: a machine that stalls does not reach them."""
