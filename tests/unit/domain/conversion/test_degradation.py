"""Which counts show that a provider is degraded, and the order of the providers."""

import math

import pytest

from domain.conversion.capped import CappedCounts
from domain.conversion.degradation import chance_at_most, is_degraded
from domain.conversion.provider_states import (
    MAX_STATES,
    LeftProvider,
    ProviderStates,
    order_providers,
)
from tests.support.builders import NOW

NAMES = ("acme", "other", "third")
BY_SMS = [("sms", name) for name in NAMES]


def tail(sent: int, entered: int, share: float) -> float:
    """Return the exact probability of at most so many."""
    return sum(
        math.comb(sent, each) * share**each * (1 - share) ** (sent - each)
        for each in range(entered + 1)
    )


@pytest.mark.parametrize(
    ("sent", "entered", "usual", "expected"),
    [
        (20, 0, 0.85, True),
        (19, 0, 0.85, False),
        (24, 10, 0.85, True),  # half of it
        (20, 12, 0.85, False),  # it may be chance
        (1_000, 645, 0.85, False),  # three quarters
        (1_000, 630, 0.85, True),
        (10_000, 7_650, 0.85, False),  # a tenth less
        (40, 0, 0.0, False),
        (40, 20, 1.0, True),
        (0, 0, 0.85, False),
    ],
)
def test_a_provider_is_degraded_by_far_fewer_codes_than_chance_explains(
    sent: int, entered: int, usual: float, expected: bool
) -> None:
    assert is_degraded(CappedCounts(sent, entered), usual) is expected


@pytest.mark.parametrize("entered", [0, 5, 10, 14])
@pytest.mark.parametrize("share", [0.4, 0.85, 0.99])
def test_the_bound_is_not_below_the_exact_probability(entered: int, share: float) -> None:
    assert chance_at_most(CappedCounts(20, entered), share) >= tail(20, entered, share) - 1e-12


def left(provider: str, country: str = "IN") -> LeftProvider:
    return LeftProvider(
        country=country,
        channel="sms",
        provider=provider,
        left_at=NOW,
        sent=40,
        entered=10,
        usual_percent=85,
    )


def test_what_is_left_is_last_and_all_that_are_left_have_the_operators_order() -> None:
    states = ProviderStates().leave(left("acme"))
    assert states.order("IN", "sms", NAMES) == ["other", "third", "acme"]
    assert states.order("DE", "sms", NAMES) == [*NAMES]
    assert states.order("IN", "whatsapp", NAMES) == [*NAMES]
    states = states.leave(left("other"))
    assert states.order("IN", "sms", NAMES) == ["third", "acme", "other"]
    assert not states.are_all_left("IN", BY_SMS)
    states = states.leave(left("third"))
    assert states.order("IN", "sms", NAMES) == [*NAMES]
    assert states.are_all_left("IN", BY_SMS)
    states = states.end(left("acme"))
    assert states.order("IN", "sms", NAMES) == [*NAMES]
    assert not states.are_all_left("IN", BY_SMS)


def test_a_provider_is_left_once_and_their_number_is_bounded() -> None:
    states = ProviderStates().leave(left("acme"))
    assert states.leave(left("acme")) is states
    full = ProviderStates(left=tuple(left("acme", str(each)) for each in range(MAX_STATES)))
    assert full.leave(left("acme", "one more")) is full


@pytest.mark.parametrize(
    ("fraction", "order"),
    [
        (0.0, ["other", "acme", "third"]),
        (0.049, ["other", "acme", "third"]),
        (0.05, ["third", "acme", "other"]),
        (0.0999999999999999, ["third", "acme", "other"]),
        (0.1, ["acme", "other", "third"]),
        (0.999, ["acme", "other", "third"]),
    ],
)
def test_each_other_provider_has_five_percent_first(fraction: float, order: list[str]) -> None:
    assert [*order_providers(NAMES, fraction)] == order


def test_one_provider_has_no_sample() -> None:
    assert order_providers(["acme"], 0.0) == ["acme"]
    assert order_providers([], 0.0) == []
