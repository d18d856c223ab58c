"""When a provider is left, and when it returns: simulated people over the real use cases."""

import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from application.conversion.feature import ConversionFeature, ConversionPolicy
from application.ports.errors import StorageUnavailable
from domain.conversion.degradation import Returned
from domain.otp.permits import Recognition
from tests.support.core_harness import CoreHarness
from tests.support.simulated_codes import USUAL, SimulatedProcess, Simulation

MINUTE = timedelta(minutes=1)


def logged(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    return [record.msg for record in caplog.records if isinstance(record.msg, dict)]


@pytest.fixture
async def simulation() -> Simulation:
    simulation = Simulation()
    await simulation.add_usual()
    await simulation.run(12)
    assert simulation.process.first() == "acme"
    return simulation


@pytest.mark.parametrize(("share", "minutes"), [(0.0, 6), (USUAL / 2, 10)])
async def test_a_provider_that_degrades_is_left_within_ten_minutes(
    simulation: Simulation, share: float, minutes: float, caplog: pytest.LogCaptureFixture
) -> None:
    simulation.shares["acme"] = share
    await simulation.run_until_first("other", minutes)
    (line,) = logged(caplog)
    assert line["event"] == "provider_left"
    assert (line["provider"], line["country"], line["usual_percent"]) == ("acme", "IN", 85)
    (state,) = await simulation.process.conversion.list_states()
    assert state.provider == "acme"
    assert simulation.process.conversion.count_left() == {"acme": 1, "other": 0}


@pytest.mark.parametrize("seed", range(3))
async def test_a_provider_that_delivers_a_tenth_less_is_never_left(seed: int) -> None:
    simulation = Simulation(seed=seed)
    await simulation.add_usual()
    simulation.shares["acme"] = 0.9 * USUAL
    for _ in range(30):
        await simulation.run(2)
        assert simulation.process.first() == "acme"


async def test_it_returns_after_an_hour_by_its_sample(
    simulation: Simulation, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    simulation.shares["acme"] = 0.0
    await simulation.run_until_first("other", 10)
    await simulation.run(15)
    simulation.shares["acme"] = USUAL
    before = dict(simulation.sent)
    await simulation.run(44)
    assert simulation.process.first() == "other"  # the hour is not over
    sampled = simulation.sent["acme"] - before["acme"]
    assert 0.02 < sampled / (sampled + simulation.sent["other"] - before["other"]) < 0.09
    # The sample of the first minutes has to leave the two hours.
    await simulation.run_until_first("acme", 120)
    line = logged(caplog)[-1]
    assert (line["event"], line["reason"]) == ("provider_returned", "sample")
    assert line["sent"] >= 20
    assert await simulation.process.conversion.list_states() == []
    await simulation.run(20)
    assert simulation.process.first() == "acme"


async def test_while_it_is_degraded_it_does_not_return(simulation: Simulation) -> None:
    simulation.shares["acme"] = USUAL / 2
    await simulation.run_until_first("other", 10)
    for _ in range(15):
        await simulation.run(10, per_minute=15)
        assert simulation.process.first() == "other"


async def test_one_that_changes_all_the_time_is_left_for_an_hour_each_time(
    simulation: Simulation, caplog: pytest.LogCaptureFixture
) -> None:
    for minute in range(0, 130, 5):
        simulation.shares["acme"] = 0.0 if minute % 10 else USUAL
        await simulation.run(5)
    events = [line["event"] for line in logged(caplog)]
    assert 1 <= events.count("provider_left") <= 3


async def test_with_too_little_traffic_it_returns_on_trial_after_six_hours(
    simulation: Simulation, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    simulation.shares["acme"] = 0.0
    await simulation.run_until_first("other", 10)
    simulation.shares["acme"], simulation.step = USUAL, MINUTE
    minutes = await simulation.run_until_first("acme", 370, per_minute=3)
    assert 355 <= minutes <= 361
    assert logged(caplog)[-1]["reason"] == "trial"


async def test_few_messages_that_still_fail_allow_no_trial(simulation: Simulation) -> None:
    simulation.shares["acme"] = 0.0
    await simulation.run_until_first("other", 10)
    simulation.step = MINUTE
    await simulation.run(400, per_minute=2)
    assert simulation.process.first() == "other"


async def test_if_all_are_left_the_order_is_the_operators_until_one_recovers(
    simulation: Simulation,
) -> None:
    simulation.shares.update(acme=0.0, other=0.0)
    await simulation.run_until_first("other", 10)
    await simulation.run_until_first("acme", 15)
    assert simulation.process.conversion.count_left() == {"acme": 1, "other": 1}
    simulation.shares["other"] = USUAL
    await simulation.run(100)
    # What is sent by acme is not entered; the sample of the other one shows that it recovered.
    assert await simulation.run_until_first("other", 60) <= 60


async def test_two_processes_have_the_same_order_with_clocks_a_minute_apart(
    caplog: pytest.LogCaptureFixture,
) -> None:
    simulation = Simulation(skews=(timedelta(), MINUTE))
    await simulation.add_usual()
    await simulation.run(20)
    assert [each.first() for each in simulation.processes] == ["acme", "acme"]
    simulation.shares["acme"] = 0.0
    await simulation.run_until_first("other", 8)
    await simulation.run(1)
    assert [each.first() for each in simulation.processes] == ["other", "other"]
    assert [line["event"] for line in logged(caplog)] == ["provider_left"]


async def test_counts_wait_while_the_database_is_away_and_the_choice_stays() -> None:
    simulation = Simulation(skews=(timedelta(), timedelta()))
    await simulation.add_usual()
    first, second = simulation.processes
    await simulation.run(12)
    # Half of the codes are entered in a process that cannot write: that must not look degraded
    # to the other one once it writes again.
    first.is_away = second.is_away = True
    await simulation.run(15)
    assert [each.first() for each in simulation.processes] == ["acme", "acme"]
    first.is_away = second.is_away = False
    await simulation.run(15)
    assert [each.first() for each in simulation.processes] == ["acme", "acme"]
    simulation.shares["acme"] = 0.0
    await simulation.run_until_first("other", 8)
    first.is_away = second.is_away = True
    await simulation.run(30)
    assert first.first() == "other"
    first.is_away = second.is_away = False
    await simulation.run(1)
    assert first.conversion.recent.usual_share("IN", "recognized", first.app.clock.now())


async def test_neither_a_burst_nor_its_end_looks_degraded(simulation: Simulation) -> None:
    for per_minute in (300, 15, 600, 30):
        await simulation.run(4, per_minute)
        assert simulation.process.first() == "acme"


async def test_strangers_and_one_network_push_no_provider_away(simulation: Simulation) -> None:
    for _ in range(12):
        for _ in range(60):
            simulation.request(simulation.process, recognition=Recognition.NONE, is_entered=False)
        for _ in range(60):
            simulation.request(
                simulation.process,
                recognition=Recognition.DEVICE,
                network="network of the attacker",
                is_entered=False,
            )
        await simulation.run(1)
        assert simulation.process.first() == "acme"


async def test_expired_codes_of_strangers_do_not_keep_a_provider_away(
    simulation: Simulation,
) -> None:
    simulation.shares["acme"] = 0.0
    await simulation.run_until_first("other", 10)
    simulation.shares["acme"] = USUAL
    for _ in range(60):
        for _ in range(60):
            simulation.request(simulation.process, recognition=Recognition.NONE, is_entered=False)
        await simulation.run(1)
    await simulation.run_until_first("acme", 75)


async def test_without_a_usual_share_nothing_is_decided_at_first() -> None:
    simulation = Simulation()
    simulation.shares["acme"] = 0.0
    await simulation.run(15, per_minute=9)
    assert simulation.process.first() == "acme"


async def test_a_new_service_knows_its_usual_share_after_a_quarter_of_an_hour() -> None:
    simulation = Simulation()
    await simulation.run(25)
    simulation.shares["acme"] = 0.0
    assert await simulation.run_until_first("other", 8) <= 8


async def test_small_countries_are_decided_together() -> None:
    simulation = Simulation()
    countries = [f"{number:02}" for number in range(20)]
    for country in countries:
        await simulation.add_usual(country, sent=500)

    async def run(minutes: int, good: Sequence[str]) -> None:
        for minute in range(minutes * 3):
            country = simulation.country = countries[minute % len(countries)]
            simulation.shares["acme"] = USUAL if country in good else 0.0
            await simulation.run(1 / 3, per_minute=24)

    await run(12, countries)
    works = countries[:5]
    await run(10, works)
    left = await simulation.process.conversion.list_states()
    assert {each.provider for each in left} == {"acme"}
    assert len(left) >= 10
    # Of few codes some look degraded by chance.
    assert len({each.country for each in left}.intersection(works)) <= 2
    assert simulation.process.first("99") == "acme"


async def test_another_country_and_channel_keep_the_order(simulation: Simulation) -> None:
    simulation.shares["acme"] = 0.0
    await simulation.run_until_first("other", 10)
    assert simulation.process.first("DE") == "acme"


async def test_with_one_provider_nothing_is_chosen() -> None:
    simulation = Simulation(("acme",))
    await simulation.add_usual()
    simulation.shares["acme"] = 0.0
    await simulation.run(12)
    assert simulation.process.first(fraction=0.0) == "acme"
    assert simulation.process.conversion.count_left() == {"acme": 0}


async def test_what_was_left_is_not_shown_after_the_choice_was_switched_off(
    simulation: Simulation,
) -> None:
    simulation.shares["acme"] = 0.0
    await simulation.run_until_first("other", 10)
    app = CoreHarness(database=simulation.database)
    app.messenger.names = ("acme", "other")
    repositories = simulation.process.conversion.read.repositories
    policy = ConversionPolicy(chooses_provider=False)
    conversion = ConversionFeature(app.use_cases, repositories, policy)
    await conversion.update()
    assert app.otp.extensions.order_providers is None
    assert app.otp.extensions.order_channels is None
    assert await conversion.list_states() == ()
    assert conversion.recent.usual_share("IN", "stranger", app.clock.now()) is not None


async def test_of_two_processes_that_decide_at_once_one_logs_it(
    simulation: Simulation, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    other = SimulatedProcess(simulation.database, ("acme", "other"), timedelta(), 7)
    other.app.clock.advance(timedelta(minutes=simulation.minutes))
    simulation.shares["acme"] = 0.0
    await simulation.run(2)
    other.app.clock.advance(2 * MINUTE)
    await other.conversion.read()
    await simulation.run_until_first("other", 8)
    (left,) = simulation.process.conversion.choice.states.left
    await other.conversion.choice._leave(left)
    await other.conversion.choice.read()
    assert other.first() == "other"
    returned = Returned(left, 30, 25, is_trial=False)
    await other.conversion.choice._return_to(returned)
    await simulation.process.conversion.choice._return_to(returned)
    assert [line["event"] for line in logged(caplog)] == ["provider_left", "provider_returned"]


async def test_an_error_of_the_database_leaves_counts_for_the_next_write(
    app: CoreHarness,
) -> None:
    simulation = Simulation()
    simulation.request(simulation.process, is_entered=False)
    conversion, minutes = simulation.process.conversion, simulation.database.records
    original = minutes.load

    async def fail(*_: object) -> object:
        raise StorageUnavailable("away")

    minutes.load = fail  # type: ignore[assignment]
    with pytest.raises(StorageUnavailable):
        await conversion.update()
    minutes.load = original  # type: ignore[method-assign]
    await conversion.update()
    app.advance(1)
    now = simulation.process.app.clock.now() + 3 * MINUTE
    assert sum(each.sent for each in conversion.recent.cells(now, 10 * MINUTE).values()) == 1
