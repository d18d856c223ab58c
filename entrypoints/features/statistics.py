"""Statistics of messages and logins, and what messages and calls cost."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from adapters.databases.records.features.statistics import KINDS
from entrypoints.features.feature import Feature
from entrypoints.opening.last_writes import write_last
from entrypoints.opening.startup_error import StartupError
from entrypoints.settings import parsers
from entrypoints.settings.declaration import setting
from entrypoints.settings.rules import FileCheck, Findings
from entrypoints.settings.settings import Settings

if TYPE_CHECKING:
    from adapters.operations.metrics.metrics import Metrics
    from application.features.statistics.feature import StatisticsFeature
    from domain.features.statistics.prices import PriceList
    from domain.otp.delivery import Channel
    from entrypoints.http.plugin import ApiPlugin
    from entrypoints.opening.opening import Opening

_INTERVAL: Final = timedelta(seconds=55)
"""With the time of a write, a kill loses at most a minute of counts."""


@dataclass(frozen=True, kw_only=True)
class StatisticsSettings(Settings):
    """What messages and calls cost."""

    prices: Path | None = setting(
        "TOML file with your providers' prices, see docs/messages.md; without it no costs are "
        "counted.",
        parsers.parse_path,
        example="/etc/dialtone/prices.toml",
    )


def load_prices(settings: StatisticsSettings) -> "PriceList | None":
    """Load the price list and validate it as a whole; None if the settings name none.

    Raises:
        StartupError: with one line for each problem.
    """
    file = settings.prices
    if file is None:
        return None
    from adapters.operations.price_file import InvalidPrices, read_prices
    from entrypoints.opening.operator_files import invalid_file

    try:
        prices = read_prices(file)
    except InvalidPrices as error:
        lines = [f"DIALTONE_PRICES: {line}." for line in error.lines]
        raise invalid_file(lines, StatisticsSettings, "DIALTONE_PRICES", file) from error
    if problems := [*_find_missing(settings, prices), *_find_unknown(settings, prices)]:
        raise StartupError("\n".join(f"DIALTONE_PRICES: {file}: {line}" for line in problems))
    return prices


def _check_prices(settings: StatisticsSettings) -> Iterable[str]:
    if (prices := load_prices(settings)) is None:
        return ()
    from domain.countries import ALL_COUNTRIES
    from domain.otp.delivery import Channel
    from entrypoints.commands.features.statistics.prices import describe_prices

    countries = sorted(settings.countries or ALL_COUNTRIES)
    providers = {channel: _priced_providers(settings, channel) for channel in Channel}
    return describe_prices(prices, countries, providers)


def _priced_providers(settings: Settings, channel: "Channel") -> Sequence[str]:
    """Return the names of the providers of a channel whose messages or calls cost something."""
    from entrypoints.opening.providers import FREE_PROVIDERS

    return [name for name in settings.providers_of(channel) if name not in FREE_PROVIDERS]


def _find_missing(settings: Settings, prices: "PriceList") -> Iterator[str]:
    """Yield the channels that cost something and have no price."""
    from domain.otp.delivery import Channel

    for channel, why in (
        (Channel.VOICE, "there is a phone line"),
        (Channel.WHATSAPP, "codes are sent by WhatsApp"),
    ):
        if _priced_providers(settings, channel) and not prices.has(channel):
            yield (
                f"no country has a price of {channel}, and {why}. Add at least one: the highest "
                "one is that of all other countries."
            )


def _find_unknown(settings: Settings, prices: "PriceList") -> Iterator[str]:
    """Yield the providers with a price of their own whose name is none: it may be misspelled.

    One that ships with Dialtone may be out of use for a while, and so may a whole channel.
    """
    from entrypoints.opening.providers import PROVIDERS

    shipped = {provider.name for provider in PROVIDERS}
    for country, channel, provider in prices.own_prices:
        used = _priced_providers(settings, channel)
        if used and provider not in {*used, *shipped}:
            yield (
                f"{country}: it has a price of {channel} for the provider {provider!a}, and the "
                f"settings have none of this name: {', '.join(used)}. Correct the name, or remove "
                "the price."
            )


class _Statistics(Feature):
    """Statistics of messages and logins, and what messages and calls cost."""

    name = "statistics"
    adapters = ("operations/price_file",)
    kinds = KINDS
    settings = StatisticsSettings
    must_be_open = True  # what commands do is counted too

    def check(self, settings: Settings) -> Findings:
        of_prices = settings.of(StatisticsSettings)
        return ([FileCheck(partial(_check_prices, of_prices))],)

    def plugins(self, *_: object) -> "Sequence[ApiPlugin]":
        from entrypoints.http.features.statistics.plugin import StatisticsPlugin

        return (StatisticsPlugin(),)

    async def open(self, opening: "Opening") -> None:
        """Count from now on, and write at the end what was counted since the last write."""
        from adapters.databases.records.features.statistics import make_statistics_repositories
        from application.features.statistics.feature import StatisticsFeature, StatisticsPolicy
        from application.otp.feature import OtpFeature
        from entrypoints.opening.providers import FREE_PROVIDERS

        core, meter = opening.use_cases, None
        if opening.metrics is not None:
            from adapters.operations.metrics.features.statistics import meter_amounts

            meter = meter_amounts(opening.metrics)
        repositories = make_statistics_repositories(opening.database)
        try:
            prices = load_prices(opening.settings.of(StatisticsSettings))
        except StartupError:
            if core.find(OtpFeature) is not None:
                raise
            prices = (
                None  # a command that sends nothing works with an invalid file, without amounts
            )
        policy = StatisticsPolicy(prices=prices, free_providers=FREE_PROVIDERS)
        statistics = StatisticsFeature(core, repositories, opening.listeners, policy, meter)
        core.add(statistics)
        opening.tasks.append(write_repeatedly(statistics, opening.metrics))
        opening.stack.push_async_callback(write_last, statistics.write, "statistics_not_written")


def write_repeatedly(
    statistics: "StatisticsFeature", metrics: "Metrics | None"
) -> AbstractAsyncContextManager[None]:
    """Write what was counted since the last write, in the background until the block ends."""
    from entrypoints.server.background_task import repeat

    return repeat(
        "statistics",
        statistics.write,
        failed_event="statistics_not_written",
        pause=_INTERVAL,
        metrics=metrics,
    )


STATISTICS: Final = _Statistics()
