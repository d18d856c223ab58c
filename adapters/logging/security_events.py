"""The security log."""

import re
from contextlib import suppress

import structlog

from adapters.logging.masking import mask_phones
from application.ports.security_events import SecurityEvent

_log = structlog.get_logger("dialtone.security")


class LogSecurityEvents:
    """Log each security event as one line of the logger `dialtone.security`.

    - The type is the event's name; the phone is masked.
    - An event that may be an attack is a warning.
    - A log that fails does not fail the request.
    """

    def emit(self, event: SecurityEvent) -> None:
        """Log an event."""
        fields = {
            "client_ip": event.client_ip,
            "phone": event.phone and event.phone.masked,
            "user_id": event.user_id,
            "role": event.role,
            # That of a custom provider may contain the phone, or the message with the code.
            "reason": event.reason and re.sub(r"\d{4,}", "****", mask_phones(event.reason)),
            "attempts_left": event.attempts_left,
        }
        write = _log.warning if event.type.may_be_attack else _log.info
        with suppress(Exception):  # whatever fails, and it cannot be logged
            write(event.type, **{n: v for n, v in fields.items() if v not in {None, ""}})
