"""The rate limits that count a delivery or a verification."""

from datetime import timedelta

import pytest

from domain.otp.client_ip import HashedClientIp
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
    assert LIMITS.for_delivery(HashedClientIp("ab", "cd"), "IN") == (
        RateLimit("deliveries:ip:ab", LIMITS.per_ip),
        RateLimit("deliveries:country:IN", LIMITS.per_country),
        RateLimit("deliveries:total", LIMITS.total),
    )


def test_a_verification_counts_per_ip_only() -> None:
    assert LIMITS.for_verification(HashedClientIp("ab", "cd")) == (
        RateLimit("verifications:ip:ab", LIMITS.verifications_per_ip),
    )


@pytest.mark.parametrize("is_ipv6", [False, True])
def test_the_limits_of_an_ip_are_those_of_its_deliveries(is_ipv6: bool) -> None:
    client_ip = HashedClientIp("ab", "cd", is_ipv6=is_ipv6)

    assert LIMITS.for_ip(client_ip) == LIMITS.for_delivery(client_ip, "IN")[:-2]


@pytest.mark.parametrize("ip", ["ab", "ef"])
def test_an_ipv6_site_of_48_bits_has_ten_times_the_limit(ip: str) -> None:
    client_ip = HashedClientIp(ip, "cd", is_ipv6=True)

    assert LIMITS.for_ip(client_ip) == (
        RateLimit(f"deliveries:ip:{ip}", LIMITS.per_ip),
        RateLimit("deliveries:network:cd", SlidingWindow(20, 3 * HOUR)),
    )
    assert LIMITS.for_verification(client_ip) == (
        RateLimit(f"verifications:ip:{ip}", LIMITS.verifications_per_ip),
        RateLimit("verifications:network:cd", SlidingWindow(80, 9 * HOUR)),
    )
