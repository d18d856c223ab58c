"""The rate limits that count a delivery or a verification."""

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


def test_the_default_limits_in_an_hour() -> None:
    assert RateLimits() == RateLimits(
        per_ip=SlidingWindow(60, HOUR),
        per_country=SlidingWindow(1_000, HOUR),
        total=SlidingWindow(5_000, HOUR),
        verifications_per_ip=SlidingWindow(600, HOUR),
    )


def test_a_delivery_counts_per_ip_per_country_and_in_total() -> None:
    assert LIMITS.for_delivery("203.0.113.7", "IN") == (
        RateLimit("deliveries:ip:203.0.113.7", LIMITS.per_ip),
        RateLimit("deliveries:country:IN", LIMITS.per_country),
        RateLimit("deliveries:total", LIMITS.total),
    )


def test_a_verification_counts_per_ip_only() -> None:
    assert LIMITS.for_verification("203.0.113.7") == (
        RateLimit("verifications:ip:203.0.113.7", LIMITS.verifications_per_ip),
    )


@pytest.mark.parametrize("client_ip", ["203.0.113.7", "2001:db8:0:7::/64", "unknown"])
def test_the_limits_of_an_ip_are_those_of_its_deliveries(client_ip: str) -> None:
    assert LIMITS.for_ip(client_ip) == LIMITS.for_delivery(client_ip, "IN")[:-2]


@pytest.mark.parametrize("network", ["2001:db8:ab:7::/64", "2001:db8:ab:ffff::/64"])
def test_an_ipv6_site_of_48_bits_has_ten_times_the_limit(network: str) -> None:
    assert LIMITS.for_ip(network) == (
        RateLimit(f"deliveries:ip:{network}", LIMITS.per_ip),
        RateLimit("deliveries:ip:2001:db8:ab::/48", SlidingWindow(20, 3 * HOUR)),
    )
    assert LIMITS.for_verification(network) == (
        RateLimit(f"verifications:ip:{network}", LIMITS.verifications_per_ip),
        RateLimit("verifications:ip:2001:db8:ab::/48", SlidingWindow(80, 9 * HOUR)),
    )


def test_a_client_without_an_ip_has_a_limit_of_its_own() -> None:
    assert LIMITS.for_ip("unknown") == (RateLimit("deliveries:ip:unknown", LIMITS.per_ip),)
