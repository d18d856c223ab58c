"""The security log."""

import re
from contextlib import suppress
from typing import Unpack

import structlog

from adapters.logging.masking import mask_phones
from application.ports.system import SecurityEventDetails, SecurityEventType

_log = structlog.get_logger("dialtone.security")


class LogSecurityEvents:
    """Log each security event as one line of the logger `dialtone.security`.

    - The type is the event's name; the phone is masked.
    - An event that may be an attack is a warning.
    - A log that fails does not fail the request.
    """

    def emit(self, event: SecurityEventType, **details: Unpack[SecurityEventDetails]) -> None:
        """Log an event."""
        phone, reason = details.get("phone"), details.get("reason")
        fields = {
            **details,
            "phone": phone and phone.masked,
            # That of a custom provider may contain the phone, or the message with the code.
            "reason": reason and re.sub(r"\d{4,}", "****", mask_phones(reason)),
        }
        write = _log.warning if event.may_be_attack else _log.info
        with suppress(Exception):  # whatever fails, and it cannot be logged
            write(event, **{n: v for n, v in fields.items() if v not in {None, ""}})
