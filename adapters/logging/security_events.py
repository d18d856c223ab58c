"""The security log."""

import dataclasses
import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import structlog

from adapters.logging.masking import mask_phones
from application.ports.security_events import SecurityEvent
from domain.phone import PhoneNumber

_log = structlog.get_logger("dialtone.security")


class LogSecurityEvents:
    """Log each security event as one line of the logger `dialtone.security`.

    - The fields are those of the event. An empty one is left out; the phone is masked.
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

    def record(self, event: SecurityEvent) -> None:
        write = _log.warning if event.is_warning else _log.info
        with suppress(Exception):  # whatever fails, and it cannot be logged
            fields = self._describe(event)
            write(event.name, **{n: v for n, v in fields.items() if v not in {None, ""}})

    def _describe(self, event: SecurityEvent) -> dict[str, Any]:
        fields = {field.name: getattr(event, field.name) for field in dataclasses.fields(event)}
        if reason := fields.get("reason"):
            # That of a custom provider may contain the phone, or the message with the code.
            fields["reason"] = re.sub(r"\d{4,}", "****", mask_phones(reason))
        phone: PhoneNumber | None = fields.get("phone")
        if phone is not None:
            fields |= {
                "phone": phone.masked,
                "country": phone.country,
                "phone_hash": self._hash_phone(phone),
            }
        return fields
