"""The security log."""

import asyncio
import re
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context
from typing import Any, Final

import structlog

from adapters.operations.logging.configuration import configure_structlog
from adapters.operations.logging.masking import mask_phones
from application.ports.security_events import SecurityEvent
from domain.phone import PhoneNumber

_MINUTE_SECONDS: Final = 60.0

_LOGGER: Final = "dialtone.security"
_log = structlog.get_logger(_LOGGER)
_log_of_every_level = structlog.wrap_logger(
    None,
    wrapper_class=structlog.make_filtering_bound_logger("info"),
    logger_factory_args=(_LOGGER,),
)


class LogSecurityEvents:
    """Log each security event as one line of the logger `dialtone.security`.

    - The fields are those of the event. An empty one is left out; the phone is masked.
    - A line with a phone has its country, and a hash that follows the phone through one day.
    - An event that operators should see is a warning, which is logged at every level: an alert
      must not depend on the level. So is what has to be repeated after a backup was restored.
    - Operators collect the log already. A table of events would be one more write for each login,
      and would keep client IPs.
    - Of some events the first of each minute are logged (`max_lines_a_minute`), and then how many
      others there were. A minute begins with such an event.
    - A log that fails does not fail the request.
    """

    def __init__(self, hash_phone: Callable[[PhoneNumber], str] = lambda _: "") -> None:
        configure_structlog()
        self._hash_phone = hash_phone
        self._counts = Counter[type[SecurityEvent]]()

    def record(self, event: SecurityEvent) -> None:
        if self._is_left_out(event):
            return
        log = _log_of_every_level if event.is_always_logged else _log
        write = log.warning if event.is_warning else log.info
        with suppress(Exception):  # whatever fails, and it cannot be logged
            fields = self._describe(event)
            write(event.name, **{n: v for n, v in fields.items() if v is not None and v != ""})

    def end_minute(self) -> None:
        """End the minute, and log how many events it left out."""
        counts, self._counts = self._counts, Counter()
        for kind, count in counts.items():
            if (left_out := count - (kind.max_lines_a_minute or count)) > 0:
                fields = {"name": kind.name, "events": left_out}
                with suppress(Exception):
                    _log.info("security_events_left_out", **fields)

    def _is_left_out(self, event: SecurityEvent) -> bool:
        maximum = event.max_lines_a_minute
        if maximum is None:
            return False
        if not self._counts:
            # An own context, because the line belongs to no request.
            loop = asyncio.get_running_loop()
            loop.call_later(_MINUTE_SECONDS, self.end_minute, context=Context())
        self._counts[type(event)] += 1
        return self._counts[type(event)] > maximum

    def _describe(self, event: SecurityEvent) -> dict[str, Any]:
        fields = {**vars(event)}
        if until := fields.get("until"):
            fields["until"] = until.isoformat()
        if reason := fields.get("reason"):
            # A custom provider's reason may contain the phone, or the message with the code.
            fields["reason"] = re.sub(r"\d{4,}", "****", mask_phones(reason))
        phone: PhoneNumber | None = fields.get("phone")
        if phone is not None:
            # The log masks the phone.
            fields |= {"country": phone.country, "phone_hash": self._hash_phone(phone)}
        return fields
