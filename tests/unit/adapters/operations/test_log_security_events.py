"""The security log."""

import asyncio

import pytest
from structlog.testing import CapturedCall, CapturingLogger

from adapters.operations.logging import security_events
from adapters.operations.logging.security_events import LogSecurityEvents
from application.otp.events import FixedCodeUsed, OtpVerificationFailed
from application.ports.security_events import SecurityEvent
from domain.otp.delivery import Channel
from tests.support.builders import a_phone
from tests.support.counted_events import PROVIDER, accepted, delivered, rejected


def logged(monkeypatch: pytest.MonkeyPatch, event: SecurityEvent) -> CapturedCall:
    """The log call of an event."""
    logger = CapturingLogger()
    monkeypatch.setattr(security_events, "_log", logger)
    LogSecurityEvents(lambda _: "a hash").record(event)
    (call,) = logger.calls
    return call


def test_a_line_has_the_fields_of_its_event_and_what_is_known_of_the_phone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    call = logged(monkeypatch, accepted(channel=Channel.VOICE))

    assert (call.method_name, call.args) == ("info", ("otp_accepted",))
    assert call.kwargs == {
        "phone": a_phone(),  # the log masks it
        "country": "US",
        "phone_hash": "a hash",
        "channel": "voice",
        "provider": PROVIDER,
        "provider_message_id": "SM1",
        "result": "accepted",
    }


def test_an_empty_field_is_left_out_but_not_a_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    call = logged(monkeypatch, FixedCodeUsed(phone=a_phone(), reason=""))
    assert (call.method_name, set(call.kwargs)) == ("warning", {"phone", "country", "phone_hash"})
    failed = logged(monkeypatch, OtpVerificationFailed(phone=a_phone(), attempts_left=0))
    assert failed.kwargs["attempts_left"] == 0


async def test_a_flood_of_rejections_is_a_sample_of_each_minute_with_the_number_of_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    has_ended = asyncio.Event()

    class Logger(CapturingLogger):
        def info(self, event: str, **fields: object) -> None:
            self.calls.append(CapturedCall("info", (event,), fields))
            if event == "security_events_left_out":
                has_ended.set()

    logger = Logger()
    monkeypatch.setattr(security_events, "_log", logger)
    monkeypatch.setattr(security_events, "_MINUTE_SECONDS", 0)
    log = LogSecurityEvents()
    for _ in range(2):
        for _ in range(130):
            log.record(rejected())
        log.record(delivered())
        await has_ended.wait()  # no other event follows
        has_ended.clear()

    names = [call.args[0] for call in logger.calls]
    left_out = [call.kwargs for call in logger.calls if call.args == ("security_events_left_out",)]
    assert (names.count("otp_request_rejected"), names.count("otp_delivered")) == (200, 2)
    assert left_out == [{"name": "otp_request_rejected", "events": 30}] * 2


def test_a_failing_log_does_not_fail_the_use_case(monkeypatch: pytest.MonkeyPatch) -> None:
    class FailingLogger(CapturingLogger):
        def info(self, event: str, **fields: object) -> None:
            self.calls.append(CapturedCall("info", (event,), fields))
            raise OSError(28, "No space left on device")

    logger = FailingLogger()
    monkeypatch.setattr(security_events, "_log", logger)

    LogSecurityEvents().record(delivered())

    assert len(logger.calls) == 1
