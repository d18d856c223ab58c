"""Which messages with a code are counted."""

from contextlib import suppress
from dataclasses import replace
from typing import Final

import pytest

from application.costs.feature import CostsFeature, CostsPolicy
from application.ports.otp import DeliveryResult
from domain.costs.prices import PriceList
from domain.errors import DeliveryFailed, PhoneUnreachable
from domain.otp.delivery import Channel
from tests.support.app_harness import AppHarness
from tests.support.builders import a_phone
from tests.support.fakes.messenger import ACCEPTED, INVALID_NUMBER, REJECTED, UNKNOWN
from tests.support.policies import make_policy

PRICES: Final = PriceList("USD", {("US", Channel.SMS): 8_300})


async def counted_messages(app: AppHarness) -> int:
    daily = app.use_cases.of(CostsFeature).count.sums.list_changed()
    return sum(entry.costs.messages for costs in daily for entry in costs.entries)


@pytest.mark.parametrize(
    ("result", "messages"), [(ACCEPTED, 1), (UNKNOWN, 1), (REJECTED, 0), (INVALID_NUMBER, 0)]
)
async def test_a_message_counts_if_a_provider_took_it_or_may_have(
    result: DeliveryResult, messages: int
) -> None:
    app = AppHarness(policy=replace(make_policy(), costs=CostsPolicy(prices=PRICES)))
    app.messenger.result = replace(result, provider="acme")
    with suppress(DeliveryFailed, PhoneUnreachable):
        await app.request_otp()
    assert await counted_messages(app) == messages


async def test_a_message_to_a_blocked_phone_costs_nothing() -> None:
    app = AppHarness(policy=replace(make_policy(), costs=CostsPolicy(prices=PRICES)))
    await app.identities.operator_actions.block(a_phone())
    await app.request_otp()
    assert await counted_messages(app) == 0
