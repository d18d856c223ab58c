"""Leaving in good order when a signal says so: what was started is ended on the way out."""

import signal
import sys
from types import FrameType


def leave_at(*numbers: signal.Signals) -> None:
    """Turn these signals into an exit of the main thread, once."""
    for number in numbers:
        signal.signal(number, _leave)


def _leave(number: int, _: FrameType | None) -> None:
    # A second one must not get between the servers and their end.
    signal.signal(number, signal.SIG_IGN)
    sys.exit()
