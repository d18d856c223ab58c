"""The security log, and its documentation."""

import re
from pathlib import Path
from typing import Final, Unpack

import pytest
from structlog.testing import CapturedCall, CapturingLogger

from adapters.logging import LogSecurityEvents, security_events
from application.ports.system import SecurityEventDetails, SecurityEventType
from domain.identities.role import Role
from domain.otp.delivery import Channel
from tests.support.builders import a_phone, an_id

DOCUMENT: Final = Path(__file__).parents[2] / "docs/security-events.md"
_ROW: Final = re.compile(r"^\| `(\w+)` \| (info|warning) \| .+ \| ([`\w ]+) \|$", re.MULTILINE)


# The name, the level and the fields of each event.
ROWS: Final = _ROW.findall(DOCUMENT.read_text(encoding="utf-8"))


def logged(
    monkeypatch: pytest.MonkeyPatch,
    event_type: SecurityEventType,
    **details: Unpack[SecurityEventDetails],
) -> CapturedCall:
    """The log call of an event."""
    logger = CapturingLogger()
    monkeypatch.setattr(security_events, "_log", logger)
    LogSecurityEvents(lambda _: "a hash").emit(event_type, **details)
    (call,) = logger.calls
    return call


def test_each_event_is_logged_with_its_documented_name_and_level(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert [name for name, _, _ in ROWS] == [event_type.value for event_type in SecurityEventType]
    for name, level, _ in ROWS:
        call = logged(monkeypatch, SecurityEventType(name))
        assert (call.args, call.kwargs, call.method_name) == ((name,), {}, level)


def test_the_fields_have_the_documented_names(monkeypatch: pytest.MonkeyPatch) -> None:
    call = logged(
        monkeypatch,
        SecurityEventType.OTP_ACCEPTED,
        phone=a_phone(),
        user_id=an_id(),
        role=Role.ADMINISTRATOR,
        reason="why",
        attempts_left=0,
        provider="twilio",
        channel=Channel.SMS,
        provider_message_id="SM1",
        error_code="30003",
        limit="per_phone",
        result="accepted",
    )

    assert call.kwargs == {
        "phone": a_phone().masked,
        "user_id": an_id(),
        "role": "administrator",
        "reason": "why",
        "attempts_left": 0,
        "country": "US",
        "phone_hash": "a hash",
        "provider": "twilio",
        "channel": "sms",
        "provider_message_id": "SM1",
        "error_code": "30003",
        "limit": "per_phone",
        "result": "accepted",
    }
    documented = {name for _, _, fields in ROWS for name in re.findall(r"`(\w+)`", fields)}
    assert documented == set(call.kwargs)


def test_a_number_in_a_reason_is_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = ["+14155552671", "14155552671", "+1 415 555 2671", "123456", "21211"]
    reason = f"no to {', to '.join(numbers)}, 5 times"

    call = logged(monkeypatch, SecurityEventType.OTP_REQUEST_REJECTED, reason=reason)

    masked = call.kwargs["reason"]

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

    LogSecurityEvents().emit(SecurityEventType.OTP_DELIVERED)

    assert len(logger.calls) == 1
