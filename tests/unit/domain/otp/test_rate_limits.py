"""The rate limits that count a delivery or a verification."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.otp.client_ip import HashedClientIp
from domain.otp.rate_limits import DeliveryRoute, RateLimit, RateLimits, Recognition
from domain.otp.sliding_window import SlidingWindow

HOUR = timedelta(hours=1)
LIMITS = RateLimits(
    per_ip=SlidingWindow(2, 3 * HOUR),
    per_range=SlidingWindow(7, 4 * HOUR),
    per_country=SlidingWindow(100, 5 * HOUR),
    total=SlidingWindow(200, 7 * HOUR),
    all_deliveries_factor=4,
    calls_per_country=SlidingWindow(50, 2 * HOUR),
    callbacks_per_country=SlidingWindow(30, 10 * HOUR),
    countries_per_ip=3,
    verifications_per_ip=SlidingWindow(8, 9 * HOUR),
    failed_attempts_per_country=SlidingWindow(40, 6 * HOUR),
    failed_attempts_total=SlidingWindow(80, 8 * HOUR),
)
ROUTE = DeliveryRoute(HashedClientIp("ab", "cd"), "IN", "ef")


def limit(name: str, count: int, hours: int) -> RateLimit:
    return RateLimit(name, SlidingWindow(count, hours * HOUR))


def for_recognized(limits: tuple[RateLimit, ...], *counts: int) -> tuple[RateLimit, ...]:
    """Return the limits that count before these."""
    return tuple(
        RateLimit(f"{shared.name}:recognized", replace(shared.window, limit=count), fallback=shared)
        for shared, count in zip(limits, counts, strict=True)
    )


OF_IP = RateLimit("clients:network:cd:ip:ab:deliveries", LIMITS.per_ip)
OF_COUNTRIES = RateLimit(
    "clients:network:cd:ip:ab:deliveries:countries", SlidingWindow(3, timedelta(days=1)), "IN"
)
OF_UNVERIFIED_RANGE = RateLimit("phones:range:ef:deliveries", LIMITS.per_range)
OF_UNVERIFIED_NETWORK = limit("clients:network:cd:deliveries:country:IN", 5, 5)
UNVERIFIED = (limit("deliveries:country:IN", 60, 5), limit("deliveries:total", 120, 7))
RECOGNIZED_UNVERIFIED = for_recognized(UNVERIFIED, 40, 80)
ALL = (limit("all_deliveries:country:IN", 240, 5), limit("all_deliveries:total", 480, 7))
RECOGNIZED_ALL = for_recognized(ALL, 160, 320)
ALL_OF_RANGE_AND_NETWORK = (
    limit("phones:range:ef:all_deliveries", 28, 4),
    limit("clients:network:cd:all_deliveries:country:IN", 20, 5),
)


OF_ANYBODY = (OF_IP, OF_COUNTRIES, OF_UNVERIFIED_NETWORK)
OF_RECOGNIZED = (*RECOGNIZED_UNVERIFIED, *RECOGNIZED_ALL)


@pytest.mark.parametrize(
    ("recognition", "limits"),
    [
        (Recognition.NONE, (*OF_ANYBODY, OF_UNVERIFIED_RANGE, *UNVERIFIED, *ALL)),
        (Recognition.TRUSTED_IP, (*OF_ANYBODY, *OF_RECOGNIZED)),
        (Recognition.DEVICE, OF_RECOGNIZED),
    ],
)
def test_a_recognized_requester_is_not_limited_by_what_strangers_do(
    recognition: Recognition, limits: tuple[RateLimit, ...]
) -> None:
    actual = LIMITS.for_delivery(ROUTE, recognition)
    assert set(actual) == {*limits, *ALL_OF_RANGE_AND_NETWORK}
    assert len({limit.name for limit in actual}) == len(actual)


def test_one_network_uses_up_five_percent_of_the_limits_of_failed_attempts() -> None:
    limits = LIMITS.for_failed_attempt(ROUTE.client_ip, "IN")
    assert limits == (
        RateLimit("clients:network:cd:failed_attempts:country:IN", SlidingWindow(2, 6 * HOUR)),
        RateLimit("failed_attempts:country:IN", LIMITS.failed_attempts_per_country),
        RateLimit("clients:network:cd:failed_attempts:total", SlidingWindow(4, 8 * HOUR)),
        RateLimit("failed_attempts:total", LIMITS.failed_attempts_total),
    )
    assert LIMITS.for_failed_attempts("IN") == (limits[1], limits[3])


def test_an_ipv6_site_of_48_bits_has_three_times_the_limit() -> None:
    client_ip = HashedClientIp("ab", "cd", is_ipv6=True)
    assert LIMITS.for_ip(client_ip) == (
        RateLimit("clients:network:cd:ip:ab:deliveries", LIMITS.per_ip),
        RateLimit("clients:network:cd:deliveries", SlidingWindow(6, 3 * HOUR)),
    )
    assert LIMITS.for_verification(client_ip) == (
        RateLimit("clients:network:cd:ip:ab:verifications", LIMITS.verifications_per_ip),
        RateLimit("clients:network:cd:verifications", SlidingWindow(24, 9 * HOUR)),
    )
