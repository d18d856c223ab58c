"""The state of a phone's verification in words, for commands and the API."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from domain.otp.delivery_policy import Wait
from domain.otp.failures import ATTEMPTS
from domain.otp.verification_state import NotServedReason, VerificationState

_NOT_SERVED: Final[Mapping[NotServedReason, str]] = {
    NotServedReason.TEST_OTP: "it has a fixed code in DIALTONE_TEST_OTPS",
    NotServedReason.COUNTRY: "its country, {detail}, is not in DIALTONE_COUNTRIES",
    NotServedReason.BLOCK: "{detail}",
    NotServedReason.PHONE_TYPE: "{detail}",
    NotServedReason.PHONE_BLOCKED: "it is blocked and has no account",
}


def describe_verification(state: VerificationState, now: datetime) -> str:
    """Say in one line why the phone gets a code, or gets none.

    Example: `messages: next at 14:05 UTC, limit per phone; attempts: 3 left; blocked since …`.
    """
    parts = [
        f"messages: {_describe_messages(state, now)}",
        f"attempts: {_describe_attempts(state)}",
    ]
    if state.failures_in_a_row:
        failed = f"failed attempts in a row: {state.failures_in_a_row}"
        if state.attempts_of_next < ATTEMPTS:
            failed += f", so the next message brings {state.attempts_of_next} attempt"
        parts.append(failed)
    if state.blocked_since is not None:
        since = f"{state.blocked_since.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        parts.append(f"blocked since {since}")
    return "; ".join(parts)


def _describe_messages(state: VerificationState, now: datetime) -> str:
    if (why := state.not_served) is not None:
        return f"none, because {_NOT_SERVED[why.reason].format(detail=why.detail)}"
    unknown, known = state.next_message, state.next_message_to_known
    described = _describe_wait(unknown, now)
    if known.until < unknown.until:
        described += f" (to a device or IP of an earlier login: {_describe_wait(known, now)})"
    return described


def _describe_wait(wait: Wait, now: datetime) -> str:
    if wait.limitation is None or wait.until <= now:
        return "now"
    until = wait.until.astimezone(UTC)
    shown = f"{until:%H:%M:%S}" if until.date() == now.date() else f"{until:%Y-%m-%d %H:%M}"
    return f"next at {shown} UTC, {wait.limitation}"


def _describe_attempts(state: VerificationState) -> str:
    if state.code_expires_at is None:
        return "no code is valid now"
    expires_at = f"{state.code_expires_at.astimezone(UTC):%H:%M:%S} UTC"
    return f"{state.attempts_left} left for the code that expires at {expires_at}"
