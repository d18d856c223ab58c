"""The names of rate limits in log lines and metrics."""

from typing import Final, NamedTuple

from domain.otp.permits import BY_CALL, LEAVING
from domain.otp.rate_limits import FAILURES, RateLimit

_BY_SUBJECT: Final = {
    "ip": "per_ip",
    "network": "per_network",
    "range": "per_number_range",
    "phone": "per_phone",
    "token": "per_token",
    "identity": "per_identity",
}
_COUNTED: Final = {BY_CALL: "calls", FAILURES: "failed_attempts", LEAVING: "leaving_messages"}
"""What limits per country and in total count, where the name of the window does not say it."""


class LimitName(NamedTuple):
    """The name of a limit, and its part. Neither says who is counted.

    Attributes:
        limit: `per_ip`, `per_network`, `per_number_range`, `per_phone`, `per_token`,
            `per_identity`, or what is counted `per_country` or in `total`, such as
            `unverified_per_country` or `all_total`.
        part: `strangers`, `recognized`, `reserve` or another part; empty if it has no parts.
    """

    limit: str
    part: str


NO_LIMIT: Final = LimitName("", "")
"""The name of a limit that is not known."""


def name_limit(limit: RateLimit) -> LimitName:
    """Return the name of a limit. It is stable, because alerts depend on it."""
    subject = limit.subject_kind
    counted, _, part = limit.name.partition(":")
    if subject in _BY_SUBJECT:
        return LimitName(_BY_SUBJECT[subject], part)
    scope = "per_country" if limit.country else subject
    return LimitName(f"{_COUNTED.get(counted, counted)}_{scope}", part)
