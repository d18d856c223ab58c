"""What a process has counted on each day."""

from datetime import UTC, date, datetime
from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from domain.costs.sums import CostEntry, Costs, CostSums
from domain.otp.delivery import Channel
from domain.statistics.period_sums import DeliveryGroup

DAY: Final = date(2026, 7, 1)
MESSAGE: Final = Costs(messages=1, parts=2, millionths=166_000)


def test_a_day_has_one_sum_for_each_country_channel_and_provider() -> None:
    sums = CostSums("cafe", "USD")
    for _ in range(2):
        sums.add(DAY, DeliveryGroup("IN", Channel.SMS, "twilio"), MESSAGE)
    call = Costs(minutes=1, millionths=50_000)
    sums.add(DAY, DeliveryGroup("IN", Channel.VOICE, "twilio"), call)

    (daily,) = sums.list_changed()

    assert (daily.id, daily.currency) == ("2026-07-01:cafe", "USD")
    assert daily.starts_at == datetime(2026, 7, 1, tzinfo=UTC)
    assert daily.entries == (
        CostEntry("IN", Channel.SMS, "twilio", Costs(messages=2, parts=4, millionths=332_000)),
        CostEntry("IN", Channel.VOICE, "twilio", Costs(minutes=1, millionths=50_000)),
    )


@given(st.lists(st.builds(Costs, *[st.integers(0, 10**9)] * 4)))
def test_a_sum_is_that_of_each_field(all_costs: list[Costs]) -> None:
    total = sum(all_costs, Costs())
    for name in ("messages", "parts", "minutes", "millionths"):
        assert getattr(total, name) == sum(getattr(costs, name) for costs in all_costs)
