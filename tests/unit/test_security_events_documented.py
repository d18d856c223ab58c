"""docs/security-events.md says of each security event what is so."""

import re
from pathlib import Path
from typing import Final, NamedTuple

import pytest
from structlog.testing import CapturedCall, CapturingLogger

from application.ports.security_events import SecurityEvent, SecurityEventType
from entrypoints.logs import security_events
from entrypoints.logs.security_events import LoggedSecurityEvents
from tests.support.builders import ADDRESS, a_phone, an_id

PAGE: Final = Path(__file__).parents[2] / "docs/security-events.md"
_ROW: Final = re.compile(r"^\| `(\w+)` \| (info|warning) \| .+ \| ([`\w ]+) \|$", re.MULTILINE)


class Row(NamedTuple):
    """What the page says of an event."""

    name: str
    level: str
    members: str


ROWS: Final = [Row(*row) for row in _ROW.findall(PAGE.read_text(encoding="utf-8"))]


def told(event: SecurityEvent, monkeypatch: pytest.MonkeyPatch) -> CapturedCall:
    """What the log is told of the event."""
    log = CapturingLogger()
    monkeypatch.setattr(security_events, "_log", log)
    LoggedSecurityEvents().tell(event)
    (call,) = log.calls
    return call


def test_each_event_has_a_row_in_the_order_of_the_code() -> None:
    assert [row.name for row in ROWS] == [fact.value for fact in SecurityEventType]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_it_is_told_under_its_name_and_at_its_level(
    row: Row, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = told(SecurityEvent(type=SecurityEventType(row.name)), monkeypatch)

    assert (call.args, call.method_name) == ((row.name,), row.level)


def test_the_members_are_called_as_the_page_calls_them(monkeypatch: pytest.MonkeyPatch) -> None:
    full = SecurityEvent(
        type=SecurityEventType.OTP_DELIVERED,
        phone=a_phone(),
        client_ip=ADDRESS,
        user_id=an_id(),
        reason="why",
        attempts_left=0,
    )

    call = told(full, monkeypatch)

    assert call.kwargs == {
        "phone": a_phone().masked,
        "address": ADDRESS,
        "identity": an_id(),
        "reason": "why",
        "attempts_left": 0,
    }
    documented = {name for row in ROWS for name in re.findall(r"`(\w+)`", row.members)}
    assert documented == set(call.kwargs)


@pytest.mark.parametrize(
    "number", ["+14155552671", "14155552671", "+1 415 555 2671", "123456", "21211"]
)
def test_a_reason_that_carries_a_number_is_told_without_it(
    number: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = SecurityEvent(
        type=SecurityEventType.OTP_REQUEST_REJECTED, reason=f"no to {number}, 5 times"
    )

    call = told(event, monkeypatch)

    assert number not in call.kwargs["reason"]
    assert call.kwargs["reason"].startswith("no to ")
    assert call.kwargs["reason"].endswith(", 5 times")


def test_a_log_that_fails_is_not_what_the_teller_fails_of(monkeypatch: pytest.MonkeyPatch) -> None:
    class BrokenLog(CapturingLogger):
        def info(self, event: str, **members: object) -> None:
            self.calls.append(CapturedCall("info", (event,), members))
            raise OSError(28, "No space left on device")

    log = BrokenLog()
    monkeypatch.setattr(security_events, "_log", log)

    LoggedSecurityEvents().tell(SecurityEvent(type=SecurityEventType.OTP_DELIVERED))

    assert len(log.calls) == 1
