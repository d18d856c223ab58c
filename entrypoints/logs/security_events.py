"""Security events as lines of the log."""

from typing import Final

import structlog

from application.ports.security_events import Fact, SecurityEvent

_ALARMING: Final = {Fact.REFRESH_TOKEN_REUSED, Fact.TRIES_SPENT, Fact.TEST_NUMBER_USED}

_log = structlog.get_logger("dialtone.security")


class LoggedSecurityEvents:
    """Tells each event as one line: its `event` is the fact's name, and phones are masked.

    What may be an attack is a warning, all else is information.
    """

    def tell(self, event: SecurityEvent) -> None:
        tell = _log.warning if event.fact in _ALARMING else _log.info
        members = {
            "phone": event.phone.masked if event.phone else None,
            "address": event.address,
            "identity": event.identity_id,
            "reason": event.reason,
            "tries_left": event.tries_left,
        }
        tell(event.fact.value, **{name: one for name, one in members.items() if one is not None})
