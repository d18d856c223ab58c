"""The limits of messages and failed attempts by their names, and other sizes for some of them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from domain.otp.rate_limits import RateLimits
from domain.otp.sliding_window import SlidingWindow

PER_NUMBER_RANGE: Final = "per_number_range"
UNVERIFIED_PER_COUNTRY: Final = "unverified_per_country"
UNVERIFIED_TOTAL: Final = "unverified_total"
ALL_PER_COUNTRY: Final = "all_per_country"
ALL_TOTAL: Final = "all_total"
CALLS_PER_COUNTRY: Final = "calls_per_country"
CALLBACKS_PER_COUNTRY: Final = "callbacks_per_country"
CALLBACKS_TOTAL: Final = "callbacks_total"
LEAVING_MESSAGES_PER_COUNTRY: Final = "leaving_messages_per_country"
FAILED_ATTEMPTS_PER_COUNTRY: Final = "failed_attempts_per_country"
FAILED_ATTEMPTS_TOTAL: Final = "failed_attempts_total"


def windows_by_name(limits: RateLimits) -> Mapping[str, SlidingWindow]:
    """Return the windows of these limits by the names that `name_limit` gives them.

    That of number ranges is the largest share of any part.
    """
    all_per_country, all_total = limits.all_deliveries
    period = limits.per_country.period
    return {
        UNVERIFIED_PER_COUNTRY: limits.per_country,
        UNVERIFIED_TOTAL: limits.total,
        ALL_PER_COUNTRY: all_per_country,
        ALL_TOTAL: all_total,
        CALLS_PER_COUNTRY: limits.calls_per_country,
        CALLBACKS_PER_COUNTRY: limits.callbacks_per_country,
        CALLBACKS_TOTAL: limits.callbacks_total,
        LEAVING_MESSAGES_PER_COUNTRY: limits.leaving,
        FAILED_ATTEMPTS_PER_COUNTRY: limits.failed_attempts_per_country,
        FAILED_ATTEMPTS_TOTAL: limits.failed_attempts_total,
        PER_NUMBER_RANGE: SlidingWindow(limits.largest_of_number_range, period),
    }


def change_limits(limits: RateLimits, sizes: Mapping[str, int]) -> RateLimits:
    """Return the limits with other numbers of permits, by name. Each other limit stays.

    No period changes, so what was acquired before is released after, and the other way round. Parts
    and shares follow as they would from a setting. Number ranges get at most the size that is given
    for them.
    """
    windows = {
        name: replace(window, limit=sizes.get(name, window.limit))
        for name, window in windows_by_name(limits).items()
    }
    return replace(
        limits,
        per_country=windows[UNVERIFIED_PER_COUNTRY],
        total=windows[UNVERIFIED_TOTAL],
        all_per_country=windows[ALL_PER_COUNTRY],
        all_total=windows[ALL_TOTAL],
        calls_per_country=windows[CALLS_PER_COUNTRY],
        callbacks_per_country=windows[CALLBACKS_PER_COUNTRY],
        callbacks_total=windows[CALLBACKS_TOTAL],
        leaving_per_country=windows[LEAVING_MESSAGES_PER_COUNTRY],
        failed_attempts_per_country=windows[FAILED_ATTEMPTS_PER_COUNTRY],
        failed_attempts_total=windows[FAILED_ATTEMPTS_TOTAL],
        max_of_number_range=sizes.get(PER_NUMBER_RANGE),
    )
