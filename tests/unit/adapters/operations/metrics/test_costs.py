"""What is counted of costs."""

from adapters.operations.metrics.features.statistics import meter_amounts
from adapters.operations.metrics.metrics import Metrics
from domain.features.statistics.period_sums import DeliveryGroup
from domain.otp.delivery import Channel
from tests.support.counts import counts


def test_costs_are_counted_in_the_currency() -> None:
    metrics = Metrics({"twilio"})
    meter_amounts(metrics)(DeliveryGroup("IN", Channel.SMS, "twilio"), 2_500_000)

    assert counts(metrics)["message_cost"] == {("IN", "twilio", "sms"): 2.5}
