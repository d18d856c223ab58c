"""The rate limits of a delivery or a verification, their names, and the windows that count."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.otp.delivery import HashedClientIp
from domain.otp.permits import Clients, Outcome
from domain.otp.rate_limits import (
    DeliveryRoute,
    LimitName,
    LimitPurpose,
    RateLimit,
    RateLimits,
    name_limit,
)
from domain.otp.sliding_window import SlidingWindow, whole_seconds
from tests.support.builders import NOW

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LIMITS = RateLimits(
    per_ip=SlidingWindow(2, 3 * HOUR),
    per_country=SlidingWindow(100, 5 * HOUR),
    per_country_and_day=SlidingWindow(1_000, DAY),
    total=SlidingWindow(200, 7 * HOUR),
    total_of_day=None,
    all_deliveries_factor=4,
    calls_per_country=SlidingWindow(50, 2 * HOUR),
    verifications_per_ip=SlidingWindow(8, 9 * HOUR),
)
ROUTE = DeliveryRoute(HashedClientIp("ab", "cd"), "IN", "ef", "gh")
CALL = replace(ROUTE, is_call=True)
CHANGE = replace(ROUTE, bound_to="1")

OF_IP = [("ip:ab", "requests", 2, 3 * HOUR)]
OF_PHONE = [("phone:gh", "recognized", 4, DAY)]
OF_IDENTITY = [("identity:1", "phone_change", 10, DAY)]
OF_ALL = [
    ("range:ef", "all", 20, 5 * HOUR),
    ("network:cd", "all", 20, 5 * HOUR),
    ("country:IN", "all", 400, 5 * HOUR),
    ("total", "all", 800, 7 * HOUR),
    ("range:ef", "all_day", 200, DAY),
    ("network:cd", "all_day", 200, DAY),
    ("country:IN", "all_day", 4_000, DAY),
]


def unverified(clients: str, country: int, total: int) -> list[tuple[str, str, int, timedelta]]:
    """Return an owner's limits of the unverified deliveries, with three for a network."""
    name = f"unverified:{clients}"
    return [
        ("range:ef", name, 3, 5 * HOUR),
        ("network:cd", name, 3, 5 * HOUR),
        ("country:IN", name, country, 5 * HOUR),
        ("total", name, total, 7 * HOUR),
    ]


def by_call(clients: str, country: int) -> list[tuple[str, str, int, timedelta]]:
    subjects = {"range:ef": 3, "network:cd": 3, "country:IN": country}
    return [(subject, f"by_call:{clients}", size, 2 * HOUR) for subject, size in subjects.items()]


def show(limits: Iterable[RateLimit]) -> list[tuple[str, str, int, timedelta]]:
    assert {limit.purpose for limit in limits} <= {LimitPurpose.DELIVERIES}
    return [
        (limit.subject, limit.name, limit.window.limit, limit.window.period) for limit in limits
    ]


def test_the_limits_of_each_client_are_one_flat_list() -> None:
    strangers = [*OF_IP, *unverified("strangers", 60, 120), *OF_ALL]
    recognized = [*OF_PHONE, *unverified("recognized", 40, 80), *OF_ALL]
    for route, clients, expected in (
        (ROUTE, Clients.STRANGERS, strangers),
        (ROUTE, Clients.RECOGNIZED, recognized),
        (CALL, Clients.STRANGERS, [*strangers, *by_call("strangers", 30)]),
        (CALL, Clients.RECOGNIZED, [*recognized, *by_call("recognized", 20)]),
        (CHANGE, Clients.STRANGERS, [*OF_IDENTITY, *strangers]),
        (CHANGE, Clients.FIXED_CODE, OF_IP),
    ):
        assert show(LIMITS.of_delivery(route, clients)) == expected


def test_notices_have_5_percent_of_all_deliveries_beside_them() -> None:
    limits = RateLimits(total_of_day=None, all_deliveries_factor=1).for_notice("IN")
    assert {(each.subject, each.name, each.window.limit) for each in limits} == {
        ("country:IN", "notices", 50),
        ("total", "notices", 250),
        ("country:IN", "notices_day", 300),
    }
    assert {each.purpose for each in limits} == {LimitPurpose.NOTICES}


def test_a_window_of_a_day_may_be_of_a_country_or_in_total_only() -> None:
    for limits, subject in (
        (RateLimits(total_of_day=None), "country:IN"),
        (RateLimits(per_country_and_day=None), "total"),
    ):
        of_delivery = limits.of_delivery(ROUTE, Clients.STRANGERS)
        of_day = {limit.subject for limit in of_delivery if limit.name == "all_day"}
        assert of_day == {"range:ef", "network:cd", subject}


def test_all_windows_of_a_delivery_are_in_five_records_and_that_of_its_owner() -> None:
    for clients, subject in ((Clients.STRANGERS, "ip:ab"), (Clients.RECOGNIZED, "phone:gh")):
        subjects = [subject, "range:ef", "network:cd", "country:IN", "total"]
        records = {limit.record_id for limit in LIMITS.of_delivery(CALL, clients)}
        assert records == {f"{subject}:deliveries" for subject in subjects}


def test_proofs_have_15_percent_out_of_those_of_strangers() -> None:
    limits = replace(LIMITS, has_attested_limits=True)

    for clients, country, total in ((Clients.STRANGERS, 45, 90), (Clients.ATTESTED, 15, 30)):
        expected = [*OF_IP, *unverified(clients, country, total), *OF_ALL]
        assert show(limits.of_delivery(ROUTE, clients)) == expected
    assert limits.of_delivery(ROUTE, Clients.RECOGNIZED) == LIMITS.of_delivery(
        ROUTE, Clients.RECOGNIZED
    )


@pytest.mark.parametrize(
    ("limit", "sizes", "of_networks"),
    [
        (1, [1, 1], [1, 1]), (2, [1, 2], [1, 1]), (3, [1, 2], [1, 1]), (4, [1, 3], [1, 2]),
        (7, [2, 5], [1, 3]), (20, [8, 12], [3, 3]), (999, [399, 600], [20, 30]),
    ],
)  # fmt: skip
def test_a_network_has_5_percent_of_the_smaller_limit_at_least_3_and_at_most_half(
    limit: int, sizes: list[int], of_networks: list[int]
) -> None:
    small, large = SlidingWindow(limit, HOUR), SlidingWindow(9_000, HOUR)
    for limits, of_small in (
        (RateLimits(per_country=small, total=large), "country:IN"),
        (RateLimits(per_country=large, total=small), "total"),
    ):
        for clients, size, of_network in zip(
            (Clients.RECOGNIZED, Clients.STRANGERS), sizes, of_networks, strict=True
        ):
            windows = {
                each.subject: each.window.limit
                for each in limits.of_delivery(ROUTE, clients)
                if each.name == f"unverified:{clients}"
            }
            assert windows[of_small] == size
            assert windows["range:ef"] == windows["network:cd"] == of_network


def subjects_of(outcome: Outcome) -> dict[str, str]:
    """Return the subjects of what is released, by what is counted."""
    route = replace(CALL, bound_to="1")
    subjects: dict[str, str] = {}
    for clients in (Clients.STRANGERS, Clients.RECOGNIZED):
        held = LIMITS.of_delivery(route, clients)
        released = LIMITS.to_release(route, clients, outcome)
        assert set(released) <= set(held)
        assert len(set(released)) == len(released)
        for limit in released:
            counted = limit.name.partition(":")[0]
            found = f"{subjects.get(counted, '')} {limit.subject_kind}".split()
            subjects[counted] = " ".join(sorted(set(found)))
    return subjects


def test_each_outcome_gives_back_what_the_table_says() -> None:
    every, shared = "country network range total", "country total"
    assert subjects_of(Outcome.LOGIN) == {
        "requests": "ip", "recognized": "phone", "unverified": every,
    }  # fmt: skip
    assert subjects_of(Outcome.REJECTED_FOR_RECIPIENT) == {
        "recognized": "phone", "phone_change": "identity", "unverified": shared, "all": shared,
        "all_day": "country", "by_call": "country",
    }  # fmt: skip
    for outcome in (Outcome.REJECTED_FOR_US, Outcome.NO_CONNECTION):
        assert subjects_of(outcome) == {
            "requests": "ip", "recognized": "phone", "phone_change": "identity",
            "unverified": every, "all": every, "all_day": "country network range",
            "by_call": "country network range",
        }  # fmt: skip


def test_after_attestation_was_switched_off_its_permits_are_released() -> None:
    released = LIMITS.to_release(ROUTE, Clients.ATTESTED, Outcome.LOGIN)
    attested = replace(LIMITS, has_attested_limits=True)
    of_clients = attested.to_release(ROUTE, Clients.ATTESTED, Outcome.LOGIN)
    assert [(each.record_id, each.name, each.window.period) for each in released] == [
        (each.record_id, each.name, each.window.period) for each in of_clients
    ]


def test_an_ipv6_site_of_48_bits_has_three_times_the_limit() -> None:
    client_ip = HashedClientIp("ab", "cd", is_ipv6=True)
    for purpose, limits, size, hours in (
        (LimitPurpose.DELIVERIES, LIMITS.for_ip(client_ip), 2, 3),
        (LimitPurpose.ATTEMPTS, LIMITS.for_verification(client_ip), 8, 9),
        (LimitPurpose.DELIVERIES, RateLimits().for_ip(client_ip), 60, 1),
        (LimitPurpose.ATTEMPTS, RateLimits().for_verification(client_ip), 600, 1),
    ):
        window, of_site = SlidingWindow(size, hours * HOUR), SlidingWindow(3 * size, hours * HOUR)
        assert limits == (
            RateLimit("ip:ab", purpose, "requests", window),
            RateLimit("network:cd", purpose, "requests", of_site),
        )


# The limits that many phones share, and their names in log lines and metrics


WITH_PROOFS: Final = RateLimits(has_attested_limits=True)
ANY_ROUTE: Final = DeliveryRoute(
    HashedClientIp("ab", "cd", is_ipv6=True),
    "IN",
    "ef",
    "gh",
    is_call=True,
    bound_to="1",
    session_id="2",
)
CLIENTS: Final = ("recognized", "strangers", "attested")
OF_EVERYBODY: Final = ("all", "all_day", "attempts_of_others", "notices", "notices_day")
DELIVERIES: Final = {
    limit
    for clients in (*CLIENTS, "verification")
    for limit in WITH_PROOFS.of_delivery(ANY_ROUTE, Clients(clients))
}


def test_shared_limits_are_all_of_country_and_total_that_anything_counts_on() -> None:
    shared = WITH_PROOFS.shared_limits(["IN"])

    assert set(shared) == {
        limit
        for limit in (*DELIVERIES, *WITH_PROOFS.for_others("IN"), *WITH_PROOFS.for_notice("IN"))
        if limit.is_shared
    }
    assert len(set(shared)) == len(shared)
    assert [limit.subject for limit in WITH_PROOFS.shared_limits([])] == ["total"] * 10
    assert not any(limit.name.endswith("attested") for limit in RateLimits().shared_limits(["IN"]))


def test_each_shared_limit_has_a_name_of_its_own() -> None:
    names = [(name_limit(limit), limit.country) for limit in WITH_PROOFS.shared_limits(["IN"])]

    expected = {
        *(
            (f"{name}_per_country", clients, "IN")
            for name in ("unverified", "calls")
            for clients in CLIENTS
        ),
        *((f"{name}_per_country", "", "IN") for name in OF_EVERYBODY),
        *(("unverified_total", clients, "") for clients in CLIENTS),
        ("calls_per_country", "verification", "IN"),
        *((f"{name}_per_country", "verification", "IN") for name in ("all", "all_day")),
        *((f"{name}_total", "verification", "") for name in ("all", "all_day")),
        *((f"{name}_total", "", "") for name in OF_EVERYBODY),
    }
    assert len(names) == len(expected)
    assert set(names) == {
        (LimitName(name, clients), country) for name, clients, country in expected
    }


def test_a_limit_of_one_phone_or_client_is_named_without_it() -> None:
    assert {(limit.subject, *name_limit(limit)) for limit in DELIVERIES if not limit.is_shared} == {
        ("ip:ab", "per_ip", ""),
        ("phone:gh", "per_phone", ""),
        ("identity:1", "per_identity", ""),
        ("session:2", "per_session", ""),
        *(("network:cd", "per_network", clients) for clients in ("", "verification", *CLIENTS)),
        *(("range:ef", "per_number_range", clients) for clients in ("", "verification", *CLIENTS)),
        ("range:ef:1", "per_number_range", "verification"),
        ("token:1", "per_token", "verification"),
    }
    of_token = RateLimit(
        "token:1", LimitPurpose.READS, "full_numbers", SlidingWindow(1, timedelta(1))
    )
    assert name_limit(of_token) == ("per_token", "")


@given(
    st.integers(1, 6),
    st.integers(1, 100),
    st.lists(st.integers(0, 200), max_size=12),
    st.integers(0, 250),
)
def test_the_next_event_is_allowed_exactly_at_the_returned_time(
    limit: int, period: int, events: list[int], now: int
) -> None:
    window, time = SlidingWindow(limit, timedelta(seconds=period)), NOW + timedelta(seconds=now)
    past = [NOW + timedelta(seconds=event) for event in events if event <= now]
    available_at = window.next_available(past, time)
    assert window.remaining(past, available_at) > 0
    if available_at > time:
        assert window.remaining(past, available_at - timedelta(milliseconds=1)) == 0


def test_waits_are_rounded_up_to_whole_seconds() -> None:
    for seconds, wait in ((0.001, 1), (0.999, 1), (1.001, 2)):
        assert whole_seconds(NOW, NOW + timedelta(seconds=seconds)) == wait
