"""One-time codes of a phone in words."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from domain.otp.attempts import ATTEMPTS
from domain.otp.delivery_policy import (
    BLOCKED_NETWORK,
    COUNTRY_NOT_SERVED,
    NUMBER_NOT_SERVED,
    PHONE_IS_BLOCKED,
    PROVIDER_PAUSED,
    Limitation,
    Rejection,
    Wait,
)
from domain.otp.permits import Clients, Recognition
from domain.otp.phone_limits import NotServedReason, VerificationState
from domain.otp.rate_limits import ALL, ALL_DAY, UNVERIFIED
from entrypoints.texts.acts import format_time

ONLY_IN_LOG: Final = "Rejected requests of this phone are only in the log, with its phone hash."
"""Text for a phone that keeps none."""
_CLIENTS: Final = {
    Clients.STRANGERS.value: "new customers",
    Clients.RECOGNIZED.value: "known customers",
    Clients.VERIFICATION.value: "verifications",
}
"""Clients whose limit it is. A rejection names no others."""
_COUNTED: Final = {
    UNVERIFIED: "",
    ALL: "all messages to ",
    ALL_DAY: "all messages of a day to ",
    "calls": "calls to ",
}
"""Messages that a limit per country or in total counts. The first limit: without a login."""
_OTHERS: Final = {
    **{limitation.name.lower(): limitation.value for limitation in Limitation},
    "per_token": "verifications by this service token",
    "per_identity": "codes for changes of the number, of one account",
    COUNTRY_NOT_SERVED: "the country is not served",
    NUMBER_NOT_SERVED: "this kind of number is not served",
    PHONE_IS_BLOCKED: "the phone is blocked, and has no account",
    "block_prefix": "the prefix of the number is blocked",
    "block_country": "the country of the number is blocked",
    BLOCKED_NETWORK: "the network is blocked",
    PROVIDER_PAUSED: "the provider has a pause",
    "": "a limit",
}
_BEFORE_RECOGNITION: Final = (
    COUNTRY_NOT_SERVED,
    NUMBER_NOT_SERVED,
    PHONE_IS_BLOCKED,
    "block_prefix",
    "block_country",
)
"""Reasons that reject every client, so none is recognized."""
_RECOGNITIONS: Final = {
    Recognition.NONE: "not recognized",
    Recognition.TRUSTED_IP: "from an IP of an earlier login",
    Recognition.DEVICE: "from a recognized device",
    Recognition.VERIFICATION: "for a service token",
}


def describe_rejection(rejection: Rejection, country: str) -> str:
    """Say why a request was rejected.

    Example: `rejected: new customers in IN, until 10:40:00 UTC (not recognized, without a proof)`.
    """
    until = ""
    if rejection.until is not None:
        at = rejection.until.astimezone(UTC)
        is_same_day = at.date() == rejection.at.astimezone(UTC).date()
        until = f", until {at:%H:%M:%S} UTC" if is_same_day else f", until {format_time(at)}"
    limit = _describe_limit(rejection.limit, rejection.clients, country)
    if rejection.provider:
        limit = f"{rejection.provider} has a pause ({rejection.cause.rstrip('.')})"
    described = f"rejected: {limit}{until}"
    if rejection.limit in _BEFORE_RECOGNITION:
        return described
    proof = "with a proof" if rejection.has_proof else "without a proof"
    return f"{described} ({_RECOGNITIONS[rejection.recognition]}, {proof})"


def _describe_limit(limit: str, clients: str, country: str) -> str:
    if limit in _OTHERS:
        return _OTHERS[limit]
    counted = limit.removesuffix("_per_country").removesuffix("_total")
    if counted not in _COUNTED:
        return limit
    where = "in total" if limit.endswith("_total") else f"in {country}"
    return f"{_COUNTED[counted]}{_CLIENTS.get(clients, 'everybody')} {where}"


_NOT_SERVED: Final[Mapping[NotServedReason, str]] = {
    NotServedReason.FIXED_CODE: "it has a fixed code in DIALTONE_TEST_OTPS",
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
