"""The security log, and its documentation."""

import re
from pathlib import Path
from typing import Final

import pytest
from structlog.testing import CapturedCall, CapturingLogger

from adapters.logging import LogSecurityEvents, security_events
from application.ports.security_events import SecurityEvent, SecurityEventType
from domain.identities.identity import Role
from tests.support.builders import CLIENT_IP, a_phone, an_id

DOCUMENT: Final = Path(__file__).parents[2] / "docs/security-events.md"
_ROW: Final = re.compile(r"^\| `(\w+)` \| (info|warning) \| .+ \| ([`\w ]+) \|$", re.MULTILINE)


# The name, the level and the fields of each event.
ROWS: Final = _ROW.findall(DOCUMENT.read_text(encoding="utf-8"))


def logged(event: SecurityEvent, monkeypatch: pytest.MonkeyPatch) -> CapturedCall:
    """The log call of an event."""
    logger = CapturingLogger()
    monkeypatch.setattr(security_events, "_log", logger)
    LogSecurityEvents().emit(event)
    (call,) = logger.calls
    return call


def test_each_event_is_logged_with_its_documented_name_and_level(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert [name for name, _, _ in ROWS] == [event_type.value for event_type in SecurityEventType]
    for name, level, _ in ROWS:
        call = logged(SecurityEvent(type=SecurityEventType(name)), monkeypatch)
        assert (call.args, call.kwargs, call.method_name) == ((name,), {}, level)


def test_the_fields_have_the_documented_names(monkeypatch: pytest.MonkeyPatch) -> None:
    event = SecurityEvent(
        type=SecurityEventType.OTP_DELIVERED,
        phone=a_phone(),
        client_ip=CLIENT_IP,
        user_id=an_id(),
        role=Role.ADMINISTRATOR,
        reason="why",
        attempts_left=0,
    )

    call = logged(event, monkeypatch)

    assert call.kwargs == {
        "phone": a_phone().masked,
        "client_ip": CLIENT_IP,
        "user_id": an_id(),
        "role": "administrator",
        "reason": "why",
        "attempts_left": 0,
    }
    documented = {name for _, _, fields in ROWS for name in re.findall(r"`(\w+)`", fields)}
    # The client IP is in every line of a request, not only in security events.
    assert documented == set(call.kwargs) - {"client_ip"}


def test_a_number_in_a_reason_is_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = ["+14155552671", "14155552671", "+1 415 555 2671", "123456", "21211"]
    reason = f"no to {', to '.join(numbers)}, 5 times"
    event = SecurityEvent(type=SecurityEventType.OTP_REQUEST_REJECTED, reason=reason)

    masked = logged(event, monkeypatch).kwargs["reason"]

    assert [number for number in numbers if number in masked] == []
    assert masked.startswith("no to ")
    assert masked.endswith(", 5 times")


def test_a_failing_log_does_not_fail_the_use_case(monkeypatch: pytest.MonkeyPatch) -> None:
    class FailingLogger(CapturingLogger):
        def info(self, event: str, **fields: object) -> None:
            self.calls.append(CapturedCall("info", (event,), fields))
            raise OSError(28, "No space left on device")

    logger = FailingLogger()
    monkeypatch.setattr(security_events, "_log", logger)

    LogSecurityEvents().emit(SecurityEvent(type=SecurityEventType.OTP_DELIVERED))

    assert len(logger.calls) == 1
