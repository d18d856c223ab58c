"""The windows of budgets, and what is settled."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.budgets.budgets import UNLIMITED, Budget, Budgets, settle
from domain.otp.permits import Permits, UsedPart
from domain.otp.rate_limits import ATTESTED, STRANGERS, Acquisition, RateLimit, Reservation
from tests.support.builders import NOW

BOTH = Budgets((Budget("", 1_000, 2_000), Budget("IN", 100, None), Budget("BR", None, 50)))


def sizes(limits: tuple[RateLimit, ...]) -> dict[str, tuple[int, int]]:
    """Return the limit and the amount of each window, by subject and name."""
    return {f"{one.subject} {one.name}": (one.window.limit, one.amount) for one in limits}


def test_strangers_have_60_percent_and_a_sixth_of_it_in_an_hour() -> None:
    hour, day = Budget("", 1_000, None).for_strangers(1)

    assert (day.window.limit, day.window.period) == (600, timedelta(days=1))
    assert (hour.window.limit, hour.window.period) == (100, timedelta(hours=1))


@pytest.mark.parametrize(
    ("budget", "amount", "in_hour"), [(50, 10, 10), (50, 40, 30), (100, 5, 10)]
)
def test_an_hour_has_room_for_one_delivery(budget: int, amount: int, in_hour: int) -> None:
    hour, _ = Budget("", budget, None).for_strangers(amount)

    assert hour.window.limit == in_hour


def test_an_amount_is_taken_from_the_total_and_from_the_country() -> None:
    reservation = BOTH.reserve(Reservation(NOW, ()), "IN", 7, (STRANGERS, ATTESTED))

    assert sizes(reservation.limits) == {
        "total hard_budget": (2_000, 7),
        "country:IN hard_budget": (UNLIMITED, 7),
    }
    [group] = reservation.groups
    strangers, attested = group.parts
    assert sizes(strangers.limits) == {
        "total budget_hour:strangers": (100, 7),
        "total budget:strangers": (600, 7),
        "country:IN budget_hour:strangers": (10, 7),
        "country:IN budget:strangers": (60, 7),
    }
    assert (attested.name, attested.limits) == (ATTESTED, ())


def test_a_budget_without_an_amount_is_a_hard_end_only() -> None:
    reservation = BOTH.reserve(Reservation(NOW, ()), "BR", 7, (STRANGERS,))

    assert sizes(reservation.limits) == {
        "total hard_budget": (2_000, 7),
        "country:BR hard_budget": (50, 7),
    }
    assert {limit.country for limit in reservation.groups[0].parts[0].limits} == {""}
    assert BOTH.budgets[2].strangers is None


@pytest.mark.parametrize(("country", "amount"), [("US", 0), ("IN", 0)])
def test_what_costs_nothing_takes_nothing(country: str, amount: int) -> None:
    reservation = Reservation(NOW, ())

    assert BOTH.reserve(reservation, country, amount, (STRANGERS,)) == reservation
    assert Budgets().reserve(reservation, country, 5, (STRANGERS,)) == reservation


@pytest.mark.parametrize("part", [STRANGERS, ATTESTED])
def test_what_was_taken_is_what_was_reserved(part: str) -> None:
    reservation = BOTH.reserve(Reservation(NOW, ()), "IN", 7, (part,))
    permits = Permits(NOW, (UsedPart("budget", part),))

    taken = BOTH.taken(permits, "IN", 7)

    assert set(taken.limits) == set(reservation.all_limits)
    assert taken.parts == permits.parts
    assert BOTH.taken(permits, "IN", 0).limits == ()
    assert BOTH.taken(Permits(NOW), "IN", 7).limits == (), "of before there was a budget"


@pytest.mark.parametrize(("cost", "released", "more"), [(7, 0, 0), (0, 7, 0), (2, 5, 0), (9, 0, 2)])
def test_the_difference_to_the_cost_is_settled(cost: int, released: int, more: int) -> None:
    taken = BOTH.taken(Permits(NOW, (UsedPart("budget", STRANGERS),)), "IN", 7)
    later = NOW + timedelta(minutes=1)

    given_back, reservation = settle(taken, cost, later)

    amounts = [replace(limit, amount=released) for limit in taken.limits]
    assert given_back == (Acquisition(NOW, tuple(amounts)) if released else None)
    if reservation is None:
        assert more == 0
    else:
        assert reservation.acquired_at == later
        assert {limit.amount for limit in reservation.limits} == {more}
        assert {limit.window.limit for limit in reservation.limits} == {UNLIMITED}
        assert [limit.key for limit in reservation.limits] == [one.key for one in taken.limits]


def test_nothing_is_settled_where_nothing_was_taken() -> None:
    assert settle(Acquisition(NOW, ()), 5, NOW) == (None, None)
