"""The rate limits that count a delivery or a verification."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.otp.client_ip import HashedClientIp
from domain.otp.delivery import Channel
from domain.otp.rate_limits import DeliveryRoute, RateLimit, RateLimits, Recognition
from domain.otp.sliding_window import SlidingWindow
from tests.support.builders import NOW

HOUR = timedelta(hours=1)
LIMITS = RateLimits(
    per_ip=SlidingWindow(2, 3 * HOUR),
    per_country=SlidingWindow(100, 5 * HOUR),
    total=SlidingWindow(200, 7 * HOUR),
    all_deliveries_factor=4,
    calls_per_country=SlidingWindow(50, 2 * HOUR),
    callbacks_per_country=SlidingWindow(30, 10 * HOUR),
    callbacks_total=SlidingWindow(40, 20 * HOUR),
    verifications_per_ip=SlidingWindow(8, 9 * HOUR),
    failed_attempts_per_country=SlidingWindow(40, 6 * HOUR),
    failed_attempts_total=SlidingWindow(80, 8 * HOUR),
)
ROUTE = DeliveryRoute(HashedClientIp("ab", "cd"), "IN", "ef", "gh")


OF_IP = RateLimit("clients:network:cd:ip:ab:deliveries", LIMITS.per_ip)


def of_phone(by: str) -> RateLimit:
    return RateLimit(f"phones:phone:gh:deliveries:{by}", SlidingWindow(2, timedelta(days=1)))


def part(action: str, name: str, share: int, country: int, total: int | None) -> set[RateLimit]:
    """Return the limits of a part, with the shares of network and number range."""
    hours = 2 if action == "calls" else 5
    counts = {
        f"phones:range:ef:{action}{name}": (share, hours),
        f"clients:network:cd:{action}:share{name}": (share, hours),
        f"{action}:country:IN{name}": (country, hours),
    }
    if total:
        counts[f"{action}:total{name}"] = (total, 7)
    return {
        RateLimit(key, SlidingWindow(count, hours * HOUR)) for key, (count, hours) in counts.items()
    }


STRANGERS = [
    part("deliveries", "", 3, 60, 120),
    part("all_deliveries", "", 12, 240, 480),
    part("calls", "", 3, 31, None),
]
RECOGNIZED = [
    part("deliveries", ":recognized", 3, 25, 50),
    part("all_deliveries", ":recognized", 5, 100, 200),
    part("calls", ":recognized", 3, 12, None),
]
RESERVE = [
    part("deliveries", ":reserve", 3, 15, 30),
    part("all_deliveries", ":reserve", 3, 60, 120),
    part("calls", ":reserve", 3, 7, None),
]


def all_parts(by: str) -> list[list[set[RateLimit]]]:
    """Return the parts of each limit for a recognized phone, in their order."""
    parts = [list(each) for each in zip(RECOGNIZED, STRANGERS, RESERVE, strict=True)]
    recognized, strangers, reserve = parts[0]
    parts[0] = [recognized | {of_phone(by)}, strangers | {OF_IP}, reserve | {of_phone(by)}]
    return parts


@pytest.mark.parametrize(
    ("recognition", "limits", "divided"),
    [
        (Recognition.NONE, {OF_IP}, [[strangers] for strangers in STRANGERS]),
        (Recognition.TRUSTED_IP, set(), all_parts("trusted_ip")),
        (Recognition.DEVICE, set(), all_parts("device")),
    ],
)
def test_a_recognized_phone_has_a_part_of_its_own_then_that_of_strangers_then_the_reserve(
    recognition: Recognition, limits: set[RateLimit], divided: list[list[set[RateLimit]]]
) -> None:
    for channel, count in ((Channel.VOICE, 3), (Channel.SMS, 2)):
        actual = LIMITS.reserve_delivery("a request", NOW, ROUTE, recognition, channel)
        assert set(actual.limits) == limits
        assert [[set(one.limits) for one in parts] for parts in actual.divided] == divided[:count]
        reserves = [[one.is_reserve for one in parts] for parts in actual.divided]
        is_recognized = recognition is not Recognition.NONE
        assert reserves == ([[False, False, True]] if is_recognized else [[False]]) * count
        assert (actual.without_reserve() != actual) == is_recognized


@pytest.mark.parametrize(
    ("limit", "sizes", "shares"),
    [
        (1, [1], [1]), (2, [2], [1]), (3, [3], [2]), (4, [1, 3], [1, 2]), (6, [1, 5], [1, 3]),
        (7, [1, 5, 1], [1, 3, 1]), (20, [5, 12, 3], [3, 3, 2]),
        (1000, [250, 600, 150], [13, 30, 8]), (999, [249, 601, 149], [13, 31, 8]),
    ],
)  # fmt: skip
def test_the_parts_are_exactly_the_limit_and_a_part_of_0_does_not_exist(
    limit: int, sizes: list[int], shares: list[int]
) -> None:
    small, large = SlidingWindow(limit, HOUR), SlidingWindow(9_000, HOUR)
    for limits, of_small, of_large in (
        (RateLimits(per_country=small, total=large), -2, -1),
        (RateLimits(per_country=large, total=small), -1, -2),
    ):
        parts = limits.reserve_delivery("", NOW, ROUTE, Recognition.TRUSTED_IP).divided[0]
        windows = [[one.window.limit for one in part.limits] for part in parts]
        of_range = [
            one.window.limit for part in parts for one in part.limits if "range" in one.name
        ]
        assert ([part[of_small] for part in windows], of_range) == (sizes, shares)
        # What a part of 0 would have of the other limit is for strangers.
        assert sum(part[of_large] for part in windows) == 9_000
        assert len(parts) == 1 or windows[0][of_large] == 2_250
    assert sum(sizes) == limit


@pytest.mark.parametrize("recognition", Recognition)
def test_a_network_has_one_share_for_all_countries(recognition: Recognition) -> None:
    routes = (ROUTE, replace(ROUTE, country="US", number_range="ij"))
    here, there = (
        {limit.name for limit in LIMITS.reserve_delivery("", NOW, route, recognition).all_limits}
        for route in routes
    )
    assert here - there == {
        name for name in here if name.startswith("phones:range:ef:") or ":country:IN" in name
    }


def test_a_login_releases_all_unverified_parts_and_nothing_else() -> None:
    unverified = [STRANGERS[0], RECOGNIZED[0], RESERVE[0]]
    of_phones = {of_phone("device"), of_phone("trusted_ip")}
    assert set(LIMITS.released_by_login(ROUTE)) == {OF_IP, *of_phones}.union(*unverified)


def test_a_rejection_releases_unverified_permits_of_country_total_and_phone() -> None:
    unverified = STRANGERS[0] | RECOGNIZED[0] | RESERVE[0]
    shared = {limit for limit in unverified if limit.name.startswith("deliveries:")}
    assert len(shared) == 6
    of_phones = {of_phone("device"), of_phone("trusted_ip")}
    assert set(LIMITS.released_by_rejection(ROUTE)) == shared | of_phones


def test_callbacks_have_a_reserve_and_each_part_a_share_for_a_number_range() -> None:
    reservation = LIMITS.reserve_callback("a callback", NOW, "IN", "ef")
    assert reservation.limits == ()
    [[everybody, reserve]] = reservation.divided
    assert (everybody.is_reserve, reserve.is_reserve) == (False, True)
    for part, name, share, country, total in (
        (everybody, "", 3, 18, 24),
        (reserve, ":reserve", 3, 12, 16),
    ):
        assert set(part.limits) == {
            RateLimit(f"phones:range:ef:callbacks{name}", SlidingWindow(share, 10 * HOUR)),
            RateLimit(f"callbacks:country:IN{name}", SlidingWindow(country, 10 * HOUR)),
            RateLimit(f"callbacks:total{name}", SlidingWindow(total, 20 * HOUR)),
        }
    released = {limit.name for limit in LIMITS.released_by_rejected_callback("IN")}
    assert released == {one.name for one in reservation.all_limits if "range" not in one.name}


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
