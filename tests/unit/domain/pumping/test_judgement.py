"""Where codes are not entered, by a seeded model of people and of attackers."""

from collections.abc import Iterable, Sequence
from random import Random
from typing import Final

import pytest

from domain.conversion.counts import CellCounts
from domain.pumping.judgement import (
    count_sample,
    find_faulty,
    find_pumped,
    goes_on,
    has_recovered,
    weigh_networks,
)

SEEDS: Final = range(20)


def cell(network: int, number_range: int, sent: int = 1, entered: int = 0) -> CellCounts:
    return CellCounts(f"n{network}", f"r{number_range}", sent, entered)


def people(
    random: Random, count: int, share: float, networks: int = 400, ranges: int = 2_000
) -> Iterable[CellCounts]:
    """Yield the messages of people: each from some network, to some range."""
    for _ in range(count):
        entered = int(random.random() < share)
        yield cell(random.randrange(networks), random.randrange(ranges), 1, entered)


def attack(
    count: int, networks: int = 40, ranges: Sequence[int] = (5_000,), first: int = 900
) -> list[CellCounts]:
    """Return the messages of an attacker, who enters no code."""
    return [
        cell(first + number % networks, ranges[number % len(ranges)]) for number in range(count)
    ]


def found(cells: Iterable[CellCounts], usual: float | None = None) -> set[str]:
    return {each.number_range for each in find_pumped([*cells], usual)}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("share", [0.45, 0.6, 0.8])
def test_people_of_a_country_are_no_pumping(seed: int, share: float) -> None:
    assert found(people(Random(seed), 300, share), share) == set()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_weak_country_and_a_day_of_a_campaign_are_no_pumping(seed: int) -> None:
    random = Random(seed)
    # Few codes are usual, so the usual share is not assumed to be more than 40 %.
    assert found(people(random, 250, 0.3), 0.3) == set()
    # Ten times as many new customers, of whom fewer enter their code.
    assert found(people(random, 3_000, 0.42), 0.65) == set()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_range_is_found_in_an_honest_country(seed: int) -> None:
    honest = [*people(Random(seed), 2_000, 0.6)]
    assert found([*honest, *attack(200)], 0.6) == {"r5000"}


@pytest.mark.parametrize("seed", SEEDS)
def test_if_few_ranges_explain_it_only_these_are_found(seed: int) -> None:
    ranges = range(5_000, 5_020)
    honest = [*people(Random(seed), 150, 0.6)]
    assert found([*honest, *attack(500, ranges=ranges)], 0.6) == {f"r{each}" for each in ranges}


@pytest.mark.parametrize("seed", SEEDS)
def test_if_ranges_do_not_explain_it_the_country_is_found(seed: int) -> None:
    honest = [*people(Random(seed), 100, 0.6)]
    everywhere = attack(500, networks=90, ranges=range(5_000, 5_490))
    assert found([*honest, *everywhere], 0.6) == {""}
    # Two bad ranges, and the rest is too low without them as well.
    assert found([*honest, *attack(40, ranges=(1, 2)), *everywhere], 0.6) == {""}


def test_the_worst_fifty_ranges_come_first_and_then_the_country() -> None:
    assert len(found(attack(1_000, ranges=range(50)))) == 50
    # What is left of 51 ranges is too few messages to decide.
    worst = {f"r{each}" for each in range(50)}
    assert found([*attack(1_000, ranges=range(50)), *attack(190, ranges=range(50, 60))]) == worst
    assert found([*attack(1_000, ranges=range(50)), *attack(200, ranges=range(50, 60))]) == {""}


def test_ranges_of_their_own_come_worst_first_as_far_as_there_is_room() -> None:
    cells = [*attack(300, ranges=(1,)), *attack(400, ranges=(2,)), *attack(190, ranges=(3,))]
    assert [each.number_range for each in find_pumped(cells, None)] == ["r2", "r1"]
    assert {each.number_range for each in find_pumped(cells, None, max_ranges=1)} == {""}
    assert {each.number_range for each in find_pumped(cells[:300], None, max_ranges=0)} == {""}


@pytest.mark.parametrize(
    ("count", "networks", "is_found"),
    [(200, 20, True), (199, 20, False), (190, 19, False), (5_000, 19, False), (240, 21, True)],
)
def test_it_takes_200_messages_from_20_networks(count: int, networks: int, is_found: bool) -> None:
    assert bool(found(attack(count, networks))) is is_found


def test_no_network_counts_for_more_than_five_percent() -> None:
    # One network floods, and nineteen others have one message each.
    flood = [cell(0, 1, 5_000), *(cell(number, 1) for number in range(1, 20))]
    assert found(flood) == set()
    weights = weigh_networks(flood)
    assert sum(weights[f"n{number}"] * sent for number, sent in enumerate([5_000] + 19 * [1])) == (
        pytest.approx(20)
    )
    assert weights["n0"] * 5_000 == pytest.approx(1)


@pytest.mark.parametrize("seed", SEEDS)
def test_weights_are_the_largest_that_give_each_network_five_percent(seed: int) -> None:
    random = Random(seed)
    sent = {f"n{number}": int(random.paretovariate(0.6)) for number in range(20 + 3 * seed)}
    weights = weigh_networks([CellCounts(name, "r", size, 0) for name, size in sent.items()])
    counted = {name: sent[name] * weights[name] for name in sent}
    cap = sum(counted.values()) / 20
    assert max(counted.values()) <= cap * 1.000001
    assert all(
        weight == 1 or counted[name] == pytest.approx(cap) for name, weight in weights.items()
    )


def test_a_flood_of_one_network_changes_nothing_for_honest_people() -> None:
    honest = [*people(Random(1), 400, 0.6)]
    assert found([*honest, cell(999, 5_000, 10_000)], 0.6) == set()


def test_a_carrier_with_few_networks_is_not_judged() -> None:
    # Behind CGNAT, a country has a handful of networks. The limits of networks hold all the same.
    assert found(people(Random(1), 1_000, 0.05, networks=12)) == set()


def test_networks_that_sent_nothing_do_not_count() -> None:
    # Entered within the period, of messages before it.
    nothing = [cell(number, 1, 0, 1) for number in range(100, 120)]
    assert found([*attack(190, 19), *nothing]) == set()


def test_a_provider_whose_codes_recognized_phones_do_not_enter_is_faulty() -> None:
    def recognized(sent: int, entered: int, networks: int = 25) -> list[CellCounts]:
        return [cell(number, number, sent, entered) for number in range(networks)]

    cells = {
        "down": recognized(2, 0),
        "well": recognized(2, 2),
        "few": recognized(1, 0, networks=19),
        "half": recognized(2, 1),
    }
    assert find_faulty(cells, 0.95) == {"down"}
    assert find_faulty({}, None) == frozenset()


def test_a_sample_shows_that_it_goes_on_or_has_recovered() -> None:
    def sample(entered: int, sent: int = 20) -> list[CellCounts]:
        return [cell(number, number, 1, int(number < entered)) for number in range(sent)]

    usual = 0.6
    shown = [
        (goes_on(counted, usual), has_recovered(counted, usual))
        for counted in (count_sample(sample(entered)) for entered in (0, 5, 6, 8, 9, 20))
    ]
    nothing = (False, False)
    assert shown == [(True, False), (True, False), nothing, nothing, (False, True), (False, True)]
    # Too few messages.
    assert not has_recovered(count_sample(sample(19, 19)), usual)
    assert goes_on(count_sample(sample(0, 5)), usual)
    assert not goes_on(count_sample(sample(0, 4)), usual)


def test_one_network_counts_for_two_messages_of_a_sample() -> None:
    one = count_sample([cell(1, 1, 50, 50), cell(1, 2, 50, 0)])
    assert (round(one.sent, 6), round(one.entered, 6), one.networks) == (2, 1, 1)
    assert not has_recovered(count_sample([cell(1, 1, 500, 500)]), 0.5)
