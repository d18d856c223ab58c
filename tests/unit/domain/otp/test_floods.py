"""What floods cost, and whom they keep out: the default limits of one country, by arithmetic."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import pytest

from adapters.databases.records.limits import LimitRecords, acquire, find_available, release
from domain.otp.delivery import HashedClientIp
from domain.otp.permits import Clients, Outcome
from domain.otp.rate_limits import DeliveryRoute, RateLimits
from domain.otp.sliding_window import SlidingWindow
from tests.support.builders import NOW

STRANGER: Final = (Clients.STRANGERS,)
RECOGNIZED: Final = (Clients.RECOGNIZED, Clients.STRANGERS)
WITH_PROOF: Final = (Clients.STRANGERS, Clients.ATTESTED)
NEXT_HOUR: Final = timedelta(hours=1, minutes=1)
"""A permit of an hour counts up to a sixtieth of it longer."""


def a_route(number: int, network: str, number_range: str, *, is_call: bool) -> DeliveryRoute:
    """Return where a message to a number of its own comes from, by an IP of its own."""
    client_ip = HashedClientIp(f"ip {number}", network)
    return DeliveryRoute(client_ip, "IN", number_range, f"phone {number}", is_call=is_call)


@dataclass(slots=True)
class Country:
    """The limits of a country, and what they have counted."""

    limits: RateLimits = field(default_factory=RateLimits)
    records: LimitRecords = field(default_factory=dict)
    now: datetime = NOW

    def send(
        self, route: DeliveryRoute, tried: Sequence[Clients], *, logs_in: bool = False
    ) -> bool:
        """Send a message if one kind of clients has permits."""
        for clients in tried:
            if acquire(self.limits.of_delivery(route, clients), self.records, self.now) is None:
                if logs_in:
                    released = self.limits.to_release(route, clients, Outcome.LOGIN)
                    release(released, self.records, self.now)
                return True
        return False

    def flood(
        self,
        attempts: int,
        tried: Sequence[Clients] = STRANGER,
        *,
        networks: int = 40,
        ranges: int = 40,
        only_range: str = "",
        messages_each: int = 1,
        logs_in: bool = False,
        is_call: bool = False,
    ) -> int:
        """Try to send so many messages, and return how many are sent.

        They come from and go to so many networks and number ranges in turn.
        """
        sent = 0
        for attempt in range(attempts):
            number = attempt // messages_each
            number_range = only_range or f"range {number % ranges}"
            route = a_route(number, f"net {number % networks}", number_range, is_call=is_call)
            sent += self.send(route, tried, logs_in=logs_in)
        return sent

    def serves(self, tried: Sequence[Clients], *, is_call: bool = False) -> bool:
        """Return whether a customer gets a message who has nothing to do with a flood."""
        route = a_route(-1, "home", "owner's", is_call=is_call)
        return any(
            find_available(self.limits.of_delivery(route, clients), self.records, self.now)
            <= self.now
            for clients in tried
        )


def a_twentieth() -> Country:
    """Return a country with a twentieth of the default limits, to be quick."""
    of_hour = SlidingWindow(50, timedelta(hours=1))
    of_day = SlidingWindow(300, timedelta(days=1))
    return Country(RateLimits(per_country=of_hour, per_country_and_day=of_day))


def test_a_flood_of_strangers_costs_600_messages_an_hour_and_keeps_no_owner_out() -> None:
    country = Country()

    assert country.flood(1_000) == 600
    assert not country.serves(STRANGER)
    assert country.serves(RECOGNIZED)


def test_with_attestation_it_costs_450_and_new_customers_send_a_proof() -> None:
    country = Country(RateLimits(has_attested_limits=True))

    assert country.flood(1_000) == 450
    assert (country.serves(STRANGER), country.serves(WITH_PROOF)) == (False, True)
    assert country.flood(1_000, WITH_PROOF) == 150
    assert (country.serves(WITH_PROOF), country.serves(RECOGNIZED)) == (False, True)


def test_a_flood_of_strangers_all_day_is_bounded_by_its_hours_and_keeps_no_owner_out() -> None:
    country, sent = Country(), 0

    for _ in range(24):
        sent += country.flood(601)
        assert country.serves(RECOGNIZED)
        country.now += NEXT_HOUR
        assert country.serves(STRANGER), "an hour's flood stops nobody for a day"

    assert sent == 24 * 600  # of 60,000 of all messages a day


@pytest.mark.parametrize(("logs_in", "of_hour", "of_day"), [(False, 30, 720), (True, 500, 3_000)])
@pytest.mark.parametrize("only", ["networks", "ranges"])
def test_one_network_or_number_range_can_use_up_5_percent(
    only: str, logs_in: bool, of_hour: int, of_day: int
) -> None:
    country, by_hour = Country(), list[int]()

    for _ in range(24):
        networks, ranges = (1, 40) if only == "networks" else (40, 1)
        sent = country.flood(of_hour + 1, networks=networks, ranges=ranges, logs_in=logs_in)
        by_hour.append(sent)
        assert country.serves(STRANGER)
        country.now += NEXT_HOUR

    assert (by_hour[0], sum(by_hour)) == (of_hour, of_day)


@pytest.mark.parametrize(("own_numbers", "is_served"), [(99, True), (100, False)])
def test_to_stop_owners_takes_100_own_numbers_in_20_ranges_at_20_networks(
    own_numbers: int, is_served: bool
) -> None:
    country = Country()
    country.flood(601)

    country.flood(4 * own_numbers, (Clients.RECOGNIZED,), messages_each=4, networks=20, ranges=20)

    assert country.serves(RECOGNIZED) is is_served


@pytest.mark.parametrize(("own_numbers", "is_served"), [(4, True), (5, False)])
def test_to_stop_an_owner_takes_5_own_numbers_in_the_same_range(
    own_numbers: int, is_served: bool
) -> None:
    country = Country()
    country.flood(31, only_range="owner's")

    country.flood(4 * own_numbers, (Clients.RECOGNIZED,), only_range="owner's", messages_each=4)

    assert country.serves(RECOGNIZED) is is_served


def test_who_logs_in_can_use_up_the_country_from_20_networks_and_ranges_only() -> None:
    for few, is_served in ((19, True), (20, False)):
        country = a_twentieth()
        sent = country.flood(501, RECOGNIZED, networks=few, ranges=few, logs_in=True)
        assert (sent, country.serves(RECOGNIZED)) == (500 // 20 * few, is_served)


def test_attackers_who_log_in_cost_60000_messages_a_day_and_six_hours() -> None:
    country, by_hour = a_twentieth(), []

    for _ in range(24):
        by_hour.append(country.flood(501, RECOGNIZED, logs_in=True))
        country.now += NEXT_HOUR

    assert by_hour == [500] * 6 + [0] * 18


def test_calls_of_strangers_leave_calls_to_owners_who_have_no_other_channel() -> None:
    country = Country()

    assert country.flood(1_000, is_call=True) == 120
    assert not country.serves(STRANGER, is_call=True)
    assert country.serves(RECOGNIZED, is_call=True)
    assert country.serves(STRANGER)
