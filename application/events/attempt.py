"""One attempt to send an event to a destination, which may be an operator's own adapter."""

import logging
from functools import partial
from typing import Final

from application.ports.events import Event, EventDestination, EventRejected
from application.tasks import call_adapter, is_ended

SEND_TIMEOUT: Final = 6.0
"""Seconds that a destination has for an event; its own limit is five."""

_log = logging.getLogger(__name__)


async def attempt(
    destination: EventDestination, event: Event, *, is_failing: bool
) -> EventRejected | None:
    """Send an event, and return why that failed; None if it was accepted.

    Args:
        destination: The destination.
        event: The event.
        is_failing: Whether an attempt failed before, so that the log has the error already.
    """
    try:
        await call_adapter("send_event", partial(destination.send, event), SEND_TIMEOUT)
    except EventRejected as error:
        return error if str(error) else EventRejected("it was rejected")
    except TimeoutError:
        return EventRejected("no response in time")
    # An operator's destination may raise anything, also of what it has cancelled itself.
    except BaseException as error:  # SystemExit would end the process
        if is_ended():
            raise
        if not is_failing:
            _log.error({"event": "event_destination_failed"}, exc_info=error)
        return EventRejected(f"failed with {type(error).__name__}")
    return None
