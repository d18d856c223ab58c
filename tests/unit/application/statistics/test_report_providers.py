"""The report of providers: messages, logins and costs of all processes, and who is left."""

from collections.abc import Sequence
from typing import Final

import pytest

from application.administration.caller import Caller, operating_system_user, service_token
from application.costs.feature import CostsFeature
from application.otp.extensions import ProviderState
from application.otp.feature import OtpFeature
from application.statistics.feature import StatisticsFeature
from application.statistics.report_providers import ProviderReport
from domain.administration.audit import Actor, ActorKind
from domain.administration.scope import Scope
from domain.costs.prices import PriceList
from domain.errors import InsufficientScope
from domain.otp.delivery import Channel
from domain.statistics.hourly_counts import ONE_HOUR, DeliveryCounts
from domain.statistics.period_sums import DeliveryGroup
from domain.statistics.provider_report import ProviderFigures, make_provider_query
from tests.support.app_harness import AppHarness
from tests.support.builders import NOW, a_phone
from tests.support.counted_events import sent_message
from tests.support.policies import make_policy

OPERATOR: Final = operating_system_user("alice")
PRICES: Final = PriceList("USD", {("US", Channel.SMS): 8_300, ("IN", Channel.WHATSAPP): 2_500})
LEFT: Final = ProviderState(
    country="IN",
    channel="sms",
    provider="twilio",
    since=NOW,
    until=NOW + ONE_HOUR,
    reason="9 of 40 codes were entered, of which usually 85 % are.",
)


@pytest.fixture
def app() -> AppHarness:
    return AppHarness(policy=make_policy(prices=PRICES))


async def report(
    app: AppHarness, caller: Caller = OPERATOR, country: str | None = None
) -> ProviderReport:
    statistics = app.use_cases.of(StatisticsFeature)
    await statistics.write()
    query = make_provider_query(app.clock.now(), None, None, country)
    return await statistics.report_providers(caller, query)


async def test_a_sign_in_has_its_message_its_login_and_its_price(app: AppHarness) -> None:
    await app.log_in()
    app.use_cases.of(CostsFeature).count(sent_message("IN", "meta", channel=Channel.WHATSAPP))

    summary = (await report(app)).summary
    (login, by_whatsapp) = summary.rows
    assert (login.group.country, login.group.channel) == (a_phone().country, Channel.SMS)
    assert login.figures == ProviderFigures(DeliveryCounts(sent=1, logins=1), 8_300, silent=1)
    assert by_whatsapp.group == DeliveryGroup("IN", Channel.WHATSAPP, "meta")
    assert by_whatsapp.figures == ProviderFigures(DeliveryCounts(), 2_500)
    assert (summary.currency, summary.total.millionths) == ("USD", 10_800)


async def test_amounts_need_the_scope_of_costs_and_the_rest_that_of_statistics(
    app: AppHarness,
) -> None:
    await app.log_in()
    actor = Actor(kind=ActorKind.SERVICE_TOKEN, id="0" * 24, name="backend")

    reader = service_token(actor, [Scope.READ_STATISTICS])
    assert (await report(app, reader)).summary.total.millionths is None
    both = service_token(actor, [Scope.READ_STATISTICS, Scope.READ_COSTS])
    assert (await report(app, both)).summary.total.millionths == 8_300
    with pytest.raises(InsufficientScope):
        await report(app, service_token(actor, [Scope.READ_COSTS]))


async def test_providers_that_are_left_are_those_of_the_country(app: AppHarness) -> None:
    assert (await report(app)).left == []

    async def list_left() -> Sequence[ProviderState]:
        return [LEFT]

    app.use_cases.of(OtpFeature).extensions.list_left_providers = list_left
    assert (await report(app)).left == [LEFT]
    assert (await report(app, country="IN")).left == [LEFT]
    assert (await report(app, country="US")).left == []
