"""Which budgets a message and an answer draw on."""

from datetime import timedelta

import pytest

from domain.sign_in.budgets import Budget, SharedLimits
from domain.sign_in.window import Window

HOUR = timedelta(hours=1)
LIMITS = SharedLimits(
    address=Window(2, 3 * HOUR),
    country=Window(4, 5 * HOUR),
    everybody=Window(6, 7 * HOUR),
    checks=Window(8, 9 * HOUR),
)


def test_in_an_hour_an_address_has_60_messages_and_600_answers_a_country_1000_all_5000() -> None:
    assert SharedLimits() == SharedLimits(
        address=Window(60, HOUR),
        country=Window(1_000, HOUR),
        everybody=Window(5_000, HOUR),
        checks=Window(600, HOUR),
    )


def test_a_message_draws_on_its_address_its_country_and_what_all_have() -> None:
    assert LIMITS.of_send("203.0.113.7", "IN") == (
        Budget("sends from 203.0.113.7", LIMITS.address),
        Budget("sends to IN", LIMITS.country),
        Budget("sends", LIMITS.everybody),
    )


def test_an_answer_draws_on_its_address_alone() -> None:
    assert LIMITS.of_check("203.0.113.7") == (Budget("checks from 203.0.113.7", LIMITS.checks),)


@pytest.mark.parametrize("address", ["203.0.113.7", "2001:db8:0:7::/64", "unknown"])
def test_what_is_the_addresss_own_is_what_its_messages_draw_on(address: str) -> None:
    assert LIMITS.of_asker(address) == LIMITS.of_send(address, "IN")[:-2]


@pytest.mark.parametrize("network", ["2001:db8:ab:7::/64", "2001:db8:ab:ffff::/64"])
def test_a_48_of_ipv6_has_ten_times_as_much_in_the_same_time(network: str) -> None:
    assert LIMITS.of_asker(network) == (
        Budget(f"sends from {network}", LIMITS.address),
        Budget("sends from 2001:db8:ab::/48", Window(20, 3 * HOUR)),
    )
    assert LIMITS.of_check(network) == (
        Budget(f"checks from {network}", LIMITS.checks),
        Budget("checks from 2001:db8:ab::/48", Window(80, 9 * HOUR)),
    )


def test_what_is_no_address_has_a_budget_of_its_own() -> None:
    assert LIMITS.of_asker("unknown") == (Budget("sends from unknown", LIMITS.address),)
