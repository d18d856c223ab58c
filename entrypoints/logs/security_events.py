"""Security events as lines of the log."""

import re
from contextlib import suppress
from typing import Final

import structlog

from application.ports.security_events import Fact, SecurityEvent
from entrypoints.logs.masking import mask_text

_ALARMING: Final = {Fact.REFRESH_TOKEN_REUSED, Fact.TRIES_SPENT, Fact.TEST_NUMBER_USED}
_LONG_NUMBER: Final = re.compile(r"\d{4,}")

_log = structlog.get_logger("dialtone.security")


class LoggedSecurityEvents:
    """Tells each event as one line: its `event` is the fact's name, and phones are masked.

    What may be an attack is a warning, all else is information. A log that cannot be written to
    is no reason to turn anybody away.
    """

    def tell(self, event: SecurityEvent) -> None:
        tell = _log.warning if event.fact in _ALARMING else _log.info
        members = {
            "phone": event.phone.masked if event.phone else None,
            "address": event.address,
            "identity": event.identity_id,
            "reason": _without_numbers(event.reason) if event.reason else None,
            "attempts_left": event.attempts_left,
        }
        told = {name: one for name, one in members.items() if one is not None}
        with suppress(Exception):
            tell(event.fact.value, **told)


def _without_numbers(reason: str) -> str:
    # A sender of somebody's own may quote the phone, or the message with the code in it.
    return _LONG_NUMBER.sub(lambda run: "*" * len(run[0]), mask_text(reason))
