"""The limits that many phones share, and the names of limits in log lines and metrics."""

from datetime import timedelta
from typing import Final

from domain.otp.client_ip import HashedClientIp
from domain.otp.permits import LimitOwner
from domain.otp.rate_limits import (
    DeliveryRoute,
    LimitName,
    LimitPurpose,
    RateLimit,
    RateLimits,
    name_limit,
)
from domain.otp.sliding_window import SlidingWindow

LIMITS: Final = RateLimits(has_attested_limits=True)
ROUTE: Final = DeliveryRoute(
    HashedClientIp("ab", "cd", is_ipv6=True), "IN", "ef", "gh", is_call=True, identity_id="1"
)
OWNERS: Final = ("recognized", "strangers", "attested")
DELIVERIES: Final = {
    limit for owner in OWNERS for limit in LIMITS.of_delivery(ROUTE, LimitOwner(owner))
}


def test_shared_limits_are_all_of_country_and_total_that_anything_counts_on() -> None:
    shared = LIMITS.shared_limits(["IN"])

    assert set(shared) == {
        limit for limit in (*DELIVERIES, *LIMITS.for_others("IN")) if limit.is_shared
    }
    assert len(set(shared)) == len(shared)
    assert [limit.subject for limit in LIMITS.shared_limits([])] == ["total"] * 6
    assert not any(limit.name.endswith("attested") for limit in RateLimits().shared_limits(["IN"]))


def test_each_shared_limit_has_a_name_of_its_own() -> None:
    names = [(name_limit(limit), limit.country) for limit in LIMITS.shared_limits(["IN"])]

    expected = {
        *(
            (f"{name}_per_country", owner, "IN")
            for name in ("unverified", "calls")
            for owner in OWNERS
        ),
        *((f"{name}_per_country", "", "IN") for name in ("all", "all_day", "attempts_of_others")),
        *(("unverified_total", owner, "") for owner in OWNERS),
        *((f"{name}_total", "", "") for name in ("all", "all_day", "attempts_of_others")),
    }
    assert len(names) == len(expected)
    assert set(names) == {(LimitName(name, owner), country) for name, owner, country in expected}


def test_a_limit_of_one_phone_or_client_is_named_without_it() -> None:
    assert {(limit.subject, *name_limit(limit)) for limit in DELIVERIES if not limit.is_shared} == {
        ("ip:ab", "per_ip", ""),
        ("phone:gh", "per_phone", ""),
        ("identity:1", "per_identity", ""),
        *(("network:cd", "per_network", owner) for owner in ("", *OWNERS)),
        *(("range:ef", "per_number_range", owner) for owner in ("", *OWNERS)),
    }
    of_token = RateLimit(
        "token:1", LimitPurpose.READS, "full_numbers", SlidingWindow(1, timedelta(1))
    )
    assert name_limit(of_token) == ("per_token", "")
