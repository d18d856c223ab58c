"""What a process has counted, and which days of it are to be written."""

from datetime import UTC, date, datetime, timedelta
from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from domain.costs.sums import CostEntry, Costs, CostSums
from domain.otp.delivery import Channel

DAY: Final = date(2026, 7, 1)
MESSAGE: Final = Costs(messages=1, parts=2, millionths=166_000)


def make_sums() -> CostSums:
    return CostSums("cafe", "USD")


def add(sums: CostSums, day: date = DAY, country: str = "IN") -> None:
    sums.add(day, country, Channel.SMS, "twilio", MESSAGE)


def test_a_day_has_one_sum_for_each_country_channel_and_provider() -> None:
    sums = make_sums()
    add(sums)
    add(sums)
    sums.add(DAY, "IN", Channel.VOICE, "twilio", Costs(minutes=1, millionths=50_000))

    (daily,) = sums.list_changed()

    assert (daily.id, daily.currency) == ("2026-07-01:cafe", "USD")
    assert daily.starts_at == datetime(2026, 7, 1, tzinfo=UTC)
    assert daily.entries == (
        CostEntry("IN", Channel.SMS, "twilio", Costs(messages=2, parts=4, millionths=332_000)),
        CostEntry("IN", Channel.VOICE, "twilio", Costs(minutes=1, millionths=50_000)),
    )


def test_a_day_is_written_again_only_if_something_was_added() -> None:
    sums = make_sums()
    add(sums)
    (first,) = sums.list_changed()
    add(sums)  # while the first is written
    sums.mark_written(first)

    (second,) = sums.list_changed()
    sums.mark_written(second)

    assert second.entries[0].costs.messages == 2
    assert sums.list_changed() == []


def test_an_ended_day_is_forgotten_only_when_all_of_it_is_written() -> None:
    sums = make_sums()
    add(sums, DAY)
    (ended,) = sums.list_changed()
    sums.mark_written(ended)
    add(sums, DAY)
    add(sums, DAY + timedelta(days=2))

    unwritten, today = sums.list_changed()
    sums.mark_written(today)
    assert sums.list_changed() == [unwritten]

    sums.mark_written(unwritten)
    sums.mark_written(today)
    add(sums, DAY)
    assert sums.list_changed()[0].entries[0].costs == MESSAGE


def test_the_day_before_is_kept_for_a_clock_that_is_set_back() -> None:
    sums = make_sums()
    for day in (DAY, DAY + timedelta(days=1)):
        add(sums, day)
        for daily in sums.list_changed():
            sums.mark_written(daily)
    add(sums, DAY)
    assert sums.list_changed()[0].entries[0].costs.messages == 2


@given(st.lists(st.builds(Costs, *[st.integers(0, 10**9)] * 4)))
def test_a_sum_is_that_of_each_field(all_costs: list[Costs]) -> None:
    total = sum(all_costs, Costs())
    for name in ("messages", "parts", "minutes", "millionths"):
        assert getattr(total, name) == sum(getattr(costs, name) for costs in all_costs)
