"""Which budgets a message and an answer draw on."""

from datetime import timedelta

import pytest

from domain.otp.rate_limits import RateLimit, RateLimits
from domain.otp.sliding_window import SlidingWindow

HOUR = timedelta(hours=1)
LIMITS = RateLimits(
    per_ip=SlidingWindow(2, 3 * HOUR),
    per_country=SlidingWindow(4, 5 * HOUR),
    total=SlidingWindow(6, 7 * HOUR),
    verifications_per_ip=SlidingWindow(8, 9 * HOUR),
)


def test_in_an_hour_an_address_has_60_messages_and_600_answers_a_country_1000_all_5000() -> None:
    assert RateLimits() == RateLimits(
        per_ip=SlidingWindow(60, HOUR),
        per_country=SlidingWindow(1_000, HOUR),
        total=SlidingWindow(5_000, HOUR),
        verifications_per_ip=SlidingWindow(600, HOUR),
    )


def test_a_message_draws_on_its_address_its_country_and_what_all_have() -> None:
    assert LIMITS.for_delivery("203.0.113.7", "IN") == (
        RateLimit("deliveries:ip:203.0.113.7", LIMITS.per_ip),
        RateLimit("deliveries:country:IN", LIMITS.per_country),
        RateLimit("deliveries:total", LIMITS.total),
    )


def test_an_answer_draws_on_its_address_alone() -> None:
    assert LIMITS.for_verification("203.0.113.7") == (
        RateLimit("verifications:ip:203.0.113.7", LIMITS.verifications_per_ip),
    )


@pytest.mark.parametrize("address", ["203.0.113.7", "2001:db8:0:7::/64", "unknown"])
def test_what_is_the_addresss_own_is_what_its_messages_draw_on(address: str) -> None:
    assert LIMITS.for_ip(address) == LIMITS.for_delivery(address, "IN")[:-2]


@pytest.mark.parametrize("network", ["2001:db8:ab:7::/64", "2001:db8:ab:ffff::/64"])
def test_a_48_of_ipv6_has_ten_times_as_much_in_the_same_time(network: str) -> None:
    assert LIMITS.for_ip(network) == (
        RateLimit(f"deliveries:ip:{network}", LIMITS.per_ip),
        RateLimit("deliveries:ip:2001:db8:ab::/48", SlidingWindow(20, 3 * HOUR)),
    )
    assert LIMITS.for_verification(network) == (
        RateLimit(f"verifications:ip:{network}", LIMITS.verifications_per_ip),
        RateLimit("verifications:ip:2001:db8:ab::/48", SlidingWindow(80, 9 * HOUR)),
    )


def test_what_is_no_address_has_a_budget_of_its_own() -> None:
    assert LIMITS.for_ip("unknown") == (RateLimit("deliveries:ip:unknown", LIMITS.per_ip),)
