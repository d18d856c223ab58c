"""The limits that many phones share, and the names of limits in log lines and metrics."""

from datetime import timedelta
from typing import Final

from domain.otp.client_ip import HashedClientIp
from domain.otp.delivery import Channel
from domain.otp.permits import Recognition
from domain.otp.rate_limits import (
    DeliveryRoute,
    LimitName,
    LimitPurpose,
    RateLimit,
    RateLimits,
    name_limit,
)
from domain.otp.sliding_window import SlidingWindow
from tests.support.builders import NOW

LIMITS: Final = RateLimits()
ROUTE: Final = DeliveryRoute(HashedClientIp("ab", "cd", is_ipv6=True), "IN", "ef", "gh")
DELIVERY: Final = LIMITS.reserve_delivery(NOW, ROUTE, Recognition.DEVICE, Channel.VOICE)
PARTS: Final = ("recognized", "strangers")


def test_shared_limits_are_all_of_country_and_total_that_anything_counts_on() -> None:
    acquired = (
        *DELIVERY.all_limits,
        *LIMITS.for_others("IN"),
    )

    shared = LIMITS.shared_limits(["IN"])

    assert set(shared) == {limit for limit in acquired if limit.is_shared}
    assert len(set(shared)) == len(shared)


def test_each_shared_limit_has_a_name_of_its_own() -> None:
    names = [(name_limit(limit), limit.country) for limit in LIMITS.shared_limits(["IN"])]

    of_parts = {
        *((name, part, "IN") for name in ("unverified", "all", "calls") for part in PARTS),
        ("attempts_of_others", "", "IN"),
        *((name, part, "") for name in ("unverified", "all") for part in PARTS),
        ("attempts_of_others", "", ""),
    }
    assert len(names) == len(of_parts)
    assert set(names) == {
        (LimitName(f"{name}_per_country" if country else f"{name}_total", part), country)
        for name, part, country in of_parts
    }


def test_a_limit_of_one_phone_or_client_is_named_without_it() -> None:
    limits = [limit for limit in DELIVERY.all_limits if not limit.is_shared]

    assert {(limit.subject, *name_limit(limit)) for limit in limits} == {
        ("ip:ab", "per_ip", ""),
        ("network:cd", "per_network", ""),
        ("phone:gh", "per_phone", ""),
        *(("network:cd", "per_network", part) for part in PARTS),
        *(("range:ef", "per_number_range", part) for part in PARTS),
    }


def test_every_other_limit_has_a_name_too() -> None:
    day = SlidingWindow(1, timedelta(1))
    of_token = RateLimit("token:1", LimitPurpose.READS, "full_numbers", day)
    for limit, name in ((of_token, "per_token"),):
        assert name_limit(limit) == (name, "")
