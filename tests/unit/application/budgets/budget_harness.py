"""The core with budgets, on fakes."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from adapters.records.features.budgets import make_budgets_repositories
from application.budgets.delivery_costs import DeliveryCosts
from application.budgets.feature import BudgetsFeature
from domain.budgets.budgets import Budget, Budgets
from domain.costs.prices import PriceList
from domain.errors import TooManyOtpRequests
from domain.otp.channel_order import ONLY_SMS, ChannelOrder
from domain.otp.delivery import Channel
from domain.otp.rate_limits import RateLimits
from domain.otp.sliding_window import SlidingWindow
from domain.phone import PhoneNumber, parse_phone
from tests.support.core_harness import CoreHarness
from tests.support.core_policy import make_core_policy
from tests.support.fakes.messenger import FakeMessenger

PRICE: Final = 10
"""Of a message to the US, in millionths; to all others it is the highest one."""
LARGE: Final = SlidingWindow(50_000, timedelta(hours=1))


def a_phone_of(number: int, country_code: int = 1) -> PhoneNumber:
    """Return a phone in a number range of its own: of the US, or of Germany."""
    if country_code == 49:
        return parse_phone(f"+4915{number:02d}4567890")
    area = 201 + number % 700
    return parse_phone(f"+1415{area}{2000 + number % 7000:04d}", None)


def network_of(number: int) -> str:
    return f"198.{18 + number // 250}.{number % 250}.1"


class BudgetHarness(CoreHarness):
    """A core whose messages cost `PRICE`, with large limits of messages."""

    budgets: BudgetsFeature
    providers: dict[Channel, tuple[str, ...]]

    async def request_many(self, count: int, first: int = 0, **options: Any) -> list[str]:
        """Request codes for phones of different ranges; return the limits that reject some."""
        rejected = []
        for number in range(first, first + count):
            rejected += await self.request_one(number, **options)
        return rejected

    async def request_one(self, number: int, **options: Any) -> list[str]:
        try:
            await self.request_otp(a_phone_of(number), client_ip=network_of(number), **options)
        except TooManyOtpRequests as error:
            return [error.limit]
        return []

    async def used(self) -> Mapping[str, int]:
        """Return what was spent of each budget."""
        assert self.budgets.watch is not None
        return {use.budget.country: use.used for use in await self.budgets.watch.measure()}


def open_budgets(
    *budgets: Budget,
    prices: Mapping[tuple[str, Channel], int] | None = None,
    channels: ChannelOrder | None = None,
    **limits: Any,
) -> BudgetHarness:
    """Open a core with these budgets. Further options are limits of messages."""
    large = {"per_ip": LARGE, "per_country": LARGE, "total": LARGE, **limits}
    messenger = FakeMessenger()
    messenger.names = ("acme",)
    policy = make_core_policy(
        rate_limits=RateLimits(**large), channels=channels or ChannelOrder(ONLY_SMS)
    )
    app = BudgetHarness(messenger=messenger, policy=policy)
    app.providers = {Channel.SMS: messenger.names, Channel.WHATSAPP: ("meta",)}
    prices = prices or {("US", Channel.SMS): PRICE, ("US", Channel.VOICE): PRICE}
    costs = DeliveryCosts(
        prices=PriceList("USD", prices),
        providers_of=lambda channel: app.providers.get(channel, ()),
        free_providers={"free"},
        max_parts=2,
    )
    repositories = app._make(make_budgets_repositories)
    app.budgets = BudgetsFeature(app.use_cases, repositories, Budgets(budgets), costs)
    return app
