"""The security log."""

import re
from typing import Final

import structlog

from adapters.logging.configuration import SECURITY_LOGGER
from adapters.logging.masking import loggable_text
from adapters.logging.request_log import SecurityLog
from application.ports.security_events import SecurityEvent, SecurityEventType

_WARNINGS: Final = {
    SecurityEventType.OTP_ATTEMPTS_EXHAUSTED,
    SecurityEventType.REFRESH_TOKEN_REUSED,
    SecurityEventType.TEST_OTP_USED,
    SecurityEventType.IDENTITY_DETACHED,
    SecurityEventType.CALL_REJECTED,
}
_NUMBER: Final = re.compile(r"\d{4,}")

_log = structlog.get_logger(SECURITY_LOGGER)


class LogSecurityEvents:
    """Log each security event as one line of the logger `dialtone.security`.

    - The type is the event's name; the phone is masked.
    - An event that may be an attack is a warning.
    - A log that fails does not fail the request.
    """

    def __init__(self, info_log: SecurityLog | None = None) -> None:
        """Log the events that are no warnings with this log; with structlog by default."""
        self._info_log = info_log

    def emit(self, event: SecurityEvent) -> None:
        """Log an event."""
        fields: dict[str, str | int] = {}
        if event.client_ip is not None:
            fields["client_ip"] = event.client_ip
        if event.phone is not None:
            fields["phone"] = event.phone.masked
        if event.user_id is not None:
            fields["user_id"] = event.user_id
        if event.role is not None:
            fields["role"] = event.role.value
        if event.reason:
            fields["reason"] = _mask_numbers(event.reason)
        if event.attempts_left is not None:
            fields["attempts_left"] = event.attempts_left
        try:
            if event.type in _WARNINGS:
                _log.warning(str(event.type), **fields)
            elif self._info_log is None:
                _log.info(str(event.type), **fields)
            else:
                self._info_log.write(event.type, fields)
        except Exception:  # noqa: BLE001 - whatever fails, and it cannot be logged
            return


def _mask_numbers(reason: str) -> str:
    # The reason of a custom provider may contain the phone, or the message with the code.
    return _NUMBER.sub(lambda match: "*" * len(match[0]), loggable_text(reason))
