"""The rate limits that count a delivery or a verification."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.otp.client_ip import HashedClientIp
from domain.otp.delivery import Channel
from domain.otp.permits import Outcome, Permits, Recognition, UsedPart
from domain.otp.rate_limits import (
    Acquisition,
    DeliveryRoute,
    Group,
    LimitPurpose,
    RateLimit,
    RateLimits,
)
from domain.otp.sliding_window import SlidingWindow
from tests.support.builders import NOW

HOUR = timedelta(hours=1)
LIMITS = RateLimits(
    per_ip=SlidingWindow(2, 3 * HOUR),
    per_country=SlidingWindow(100, 5 * HOUR),
    total=SlidingWindow(200, 7 * HOUR),
    all_deliveries_factor=4,
    calls_per_country=SlidingWindow(50, 2 * HOUR),
    verifications_per_ip=SlidingWindow(8, 9 * HOUR),
)
ROUTE = DeliveryRoute(HashedClientIp("ab", "cd"), "IN", "ef", "gh")


DELIVERIES, ATTEMPTS = LimitPurpose.DELIVERIES, LimitPurpose.ATTEMPTS
OF_IP = RateLimit("ip:ab", DELIVERIES, "requests", LIMITS.per_ip)
OF_PHONE = RateLimit("phone:gh", DELIVERIES, "recognized", SlidingWindow(4, timedelta(days=1)))


def part(group: str, name: str, share: int, country: int, total: int | None) -> set[RateLimit]:
    """Return the limits of a part, with the shares of network and number range."""
    hours = 2 if group == "by_call" else 5
    counts = {
        "range:ef": (share, hours),
        "network:cd": (share, hours),
        "country:IN": (country, hours),
    }
    if total:
        counts["total"] = (total, 7)
    return {
        RateLimit(subject, DELIVERIES, f"{group}:{name}", SlidingWindow(count, hours * HOUR))
        for subject, (count, hours) in counts.items()
    }


PARTS = {
    "unverified": {
        "recognized": part("unverified", "recognized", 3, 40, 80),
        "strangers": part("unverified", "strangers", 3, 60, 120),
    },
    "all": {
        "recognized": part("all", "recognized", 8, 160, 320),
        "strangers": part("all", "strangers", 12, 240, 480),
    },
    "by_call": {
        "recognized": part("by_call", "recognized", 3, 20, None),
        "strangers": part("by_call", "strangers", 3, 30, None),
    },
}


def limits_of(groups: tuple[Group, ...]) -> dict[str, dict[str, set[RateLimit]]]:
    return {group.name: {part.name: set(part.limits) for part in group.parts} for group in groups}


@pytest.mark.parametrize(("channel", "count"), [(Channel.VOICE, 3), (Channel.SMS, 2)])
def test_strangers_have_one_part_of_each_limit_and_those_of_their_ip(
    channel: Channel, count: int
) -> None:
    reservation = LIMITS.reserve_delivery(NOW, ROUTE, Recognition.NONE, channel)

    assert reservation.limits == (OF_IP,)
    expected = {name: {"strangers": parts["strangers"]} for name, parts in PARTS.items()}
    assert limits_of(reservation.groups) == dict([*expected.items()][:count])
    assert reservation.ordinary == reservation


@pytest.mark.parametrize("recognition", [Recognition.TRUSTED_IP, Recognition.DEVICE])
def test_a_recognized_phone_has_a_part_of_its_own_then_that_of_strangers(
    recognition: Recognition,
) -> None:
    reservation = LIMITS.reserve_delivery(NOW, ROUTE, recognition, Channel.VOICE)

    others = {"recognized": {OF_PHONE}, "strangers": {OF_IP}}
    unverified = {name: limits | others[name] for name, limits in PARTS["unverified"].items()}
    assert reservation.limits == ()
    assert limits_of(reservation.groups) == {**PARTS, "unverified": unverified}
    for group in reservation.groups:
        assert [part.name for part in group.parts] == ["recognized", "strangers"]
    # There is one record of each subject.
    subjects = ["ip:ab", "network:cd", "range:ef", "country:IN", "total", "phone:gh"]
    records = {limit.record_id for limit in reservation.all_limits}
    assert records == {f"{subject}:deliveries" for subject in subjects}


def test_a_group_rejects_if_each_part_does_and_the_part_for_the_client_says_so() -> None:
    reservation = LIMITS.reserve_delivery(NOW, ROUTE, Recognition.DEVICE, Channel.VOICE)
    own = [OF_PHONE]
    # A flood has used up the parts of strangers, also of calls.
    flooded = [limit for limit in reservation.all_limits if limit.name.endswith(":strangers")]

    assert reservation.find_rejecting(flooded) == []
    assert reservation.find_rejecting([*flooded, *own]) == own
    stranger = LIMITS.reserve_delivery(NOW, ROUTE, Recognition.NONE, Channel.VOICE)
    assert stranger.find_rejecting([OF_IP, *flooded]) == [OF_IP, *flooded]


def test_proofs_have_15_percent_out_of_the_part_of_strangers() -> None:
    limits = replace(LIMITS, has_attested_part=True)

    stranger = limits.reserve_delivery(NOW, ROUTE, Recognition.NONE, Channel.SMS)
    recognized = limits.reserve_delivery(NOW, ROUTE, Recognition.DEVICE, Channel.SMS)

    unverified = {
        "strangers": part("unverified", "strangers", 3, 45, 90),
        "attested": part("unverified", "attested", 3, 15, 30),
    }
    assert limits_of(stranger.groups)["unverified"] == unverified
    of_recognized = limits_of(recognized.groups)["unverified"]
    assert of_recognized["attested"] == unverified["attested"] | {OF_IP}
    assert list(of_recognized) == ["recognized", "strangers", "attested"]
    for reservation in (stranger, recognized):
        assert "attested" not in limits_of(reservation.ordinary.groups)["unverified"]


@pytest.mark.parametrize(
    ("limit", "sizes", "shares"),
    [
        (1, [1], [1]), (2, [2], [1]), (3, [1, 2], [1, 1]), (4, [1, 3], [1, 2]),
        (7, [2, 5], [1, 3]), (20, [8, 12], [3, 3]), (999, [399, 600], [20, 30]),
    ],
)  # fmt: skip
def test_the_parts_are_exactly_the_limit_and_a_part_of_0_does_not_exist(
    limit: int, sizes: list[int], shares: list[int]
) -> None:
    small, large = SlidingWindow(limit, HOUR), SlidingWindow(9_000, HOUR)
    for limits, of_small, of_large in (
        (RateLimits(per_country=small, total=large), "country:IN", "total"),
        (RateLimits(per_country=large, total=small), "total", "country:IN"),
    ):
        reservation = limits.reserve_delivery(NOW, ROUTE, Recognition.TRUSTED_IP, Channel.SMS)
        windows = [
            {one.subject: one.window.limit for one in part.limits}
            for part in reservation.groups[0].parts
        ]
        assert [window[of_small] for window in windows] == sizes
        assert [window["range:ef"] for window in windows] == shares
        # What a part of 0 would have of the other limit is for strangers.
        assert sum(window[of_large] for window in windows) == 9_000
        assert len(windows) == 1 or windows[0][of_large] == 3_600
    assert sum(sizes) == limit


def permits_in(part: str, by_call: str = "") -> Permits:
    """Return the permits of a delivery in one part of the unverified and of all deliveries."""
    parts = [UsedPart("unverified", part), UsedPart("all", "strangers")]
    if by_call:
        parts.append(UsedPart("by_call", by_call))
    return Permits(NOW, tuple(parts))


def test_each_outcome_releases_its_limits_of_the_parts_that_were_used() -> None:
    unverified, phone = PARTS["unverified"], {OF_PHONE}
    shared = {one for one in unverified["recognized"] if one.subject in ("country:IN", "total")}
    every = PARTS["all"]["strangers"] | PARTS["by_call"]["recognized"]
    attested = part("unverified", "attested", 3, 15, 30)
    for part_name, outcome, limits in (
        ("strangers", Outcome.LOGIN, unverified["strangers"] | {OF_IP}),
        ("attested", Outcome.LOGIN, attested | {OF_IP}),
        ("recognized", Outcome.LOGIN, unverified["recognized"] | phone),
        ("recognized", Outcome.REJECTED_FOR_RECIPIENT, shared | phone),
        ("recognized", Outcome.NO_CONNECTION, unverified["recognized"] | phone | every),
    ):
        permits = permits_in(part_name, by_call="recognized")
        released = replace(LIMITS, has_attested_part=part_name == "attested").settle(
            ROUTE, permits, outcome
        )
        assert (released.acquired_at, set(released.limits)) == (NOW, limits)
        assert len(released.limits) == len(limits)


def test_a_delivery_to_a_test_phone_holds_a_permit_of_its_ip_only() -> None:
    of_test_phone = Permits(NOW)
    for outcome in (Outcome.LOGIN, Outcome.NO_CONNECTION):
        assert LIMITS.settle(ROUTE, of_test_phone, outcome) == Acquisition(NOW, (OF_IP,))


def test_an_ipv6_site_of_48_bits_has_three_times_the_limit() -> None:
    client_ip = HashedClientIp("ab", "cd", is_ipv6=True)
    assert LIMITS.for_ip(client_ip) == (
        RateLimit("ip:ab", DELIVERIES, "requests", LIMITS.per_ip),
        RateLimit("network:cd", DELIVERIES, "requests", SlidingWindow(6, 3 * HOUR)),
    )
    assert LIMITS.for_verification(client_ip) == (
        RateLimit("ip:ab", ATTEMPTS, "requests", LIMITS.verifications_per_ip),
        RateLimit("network:cd", ATTEMPTS, "requests", SlidingWindow(24, 9 * HOUR)),
    )
