"""The security log."""

import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Unpack

import structlog

from adapters.logging.masking import mask_phones
from application.ports.system import SecurityEventDetails, SecurityEventType
from domain.phone import PhoneNumber

_log = structlog.get_logger("dialtone.security")


class LogSecurityEvents:
    """Log each security event as one line of the logger `dialtone.security`.

    - The type is the event's name; the phone is masked.
    - A line with a phone has its country, and a hash that follows the phone through one day.
    - An event that operators should see is a warning, which is logged at every level: an alert
      must not depend on the level.
    - Operators collect the log already. A table of events would be one more write for each login,
      and would keep client IPs.
    - A log that fails does not fail the request.
    """

    def __init__(self, hash_phone: Callable[[PhoneNumber], str] = lambda _: "") -> None:
        """Take what returns the hash of the day of a phone."""
        self._hash_phone = hash_phone

    def emit(self, event: SecurityEventType, **details: Unpack[SecurityEventDetails]) -> None:
        """Log an event."""
        write = _log.warning if event.is_warning else _log.info
        with suppress(Exception):  # whatever fails, and it cannot be logged
            fields = self._describe(details)
            write(event, **{n: v for n, v in fields.items() if v not in {None, ""}})

    def _describe(self, details: SecurityEventDetails) -> dict[str, Any]:
        phone, reason = details.get("phone"), details.get("reason")
        fields: dict[str, Any] = {
            **details,
            # That of a custom provider may contain the phone, or the message with the code.
            "reason": reason and re.sub(r"\d{4,}", "****", mask_phones(reason)),
        }
        if phone is not None:
            fields |= {
                "phone": phone.masked,
                "country": phone.country,
                "phone_hash": self._hash_phone(phone),
            }
        return fields
