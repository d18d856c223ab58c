"""`dialtone prices`: the price of each provider in each country, and what the list lacks."""

from argparse import Namespace
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from domain.costs.prices import PriceList, format_amount
from domain.countries import ALL_COUNTRIES
from domain.otp.delivery import Channel
from entrypoints.commands.columns import align_columns
from entrypoints.commands.statistics.costs import NOT_COUNTED
from entrypoints.features.statistics import StatisticsSettings, load_prices, priced_providers
from entrypoints.opening.startup_error import CommandError
from entrypoints.settings.settings import Settings

_UNITS: Final = {
    Channel.SMS: "message part",
    Channel.VOICE: "minute",
    Channel.WHATSAPP: "message",
}


def prices(settings: Settings, _: Namespace) -> Iterable[str]:
    """List the prices of all providers, and the countries without a price."""
    price_list = load_prices(settings.of(StatisticsSettings))
    if price_list is None:
        raise CommandError(NOT_COUNTED)
    return _describe(settings, price_list)


def _describe(settings: Settings, price_list: PriceList) -> Iterator[str]:
    countries = sorted(settings.countries or ALL_COUNTRIES)
    providers = {channel: priced_providers(settings, channel) for channel in Channel}
    rows = [
        _cells(price_list, country, channel, provider)
        for country in countries
        for channel, names in providers.items()
        for provider in names
    ]
    if rows:
        head = ("country", "channel", "provider", "for each", "price")
        yield from align_columns([head, *rows], 4)
        yield ""
    for channel, names in providers.items():
        if names or channel is Channel.SMS:
            yield from _describe_missing(price_list, channel, names, countries)
    unused = price_list.providers - {name for names in providers.values() for name in names}
    for provider in sorted(unused):
        yield f"Not used: the prices of {provider}, which no setting names."


def _cells(price_list: PriceList, country: str, channel: Channel, provider: str) -> tuple[str, ...]:
    price = price_list.price(country, channel, provider)
    return (
        country,
        channel.value,
        provider,
        _UNITS[channel],
        f"{format_amount(price)} {price_list.currency}",
    )


def _describe_missing(
    price_list: PriceList, channel: Channel, providers: Sequence[str], countries: Sequence[str]
) -> Iterator[str]:
    missing = {
        country: [
            provider
            for provider in providers or [""]
            if price_list.entered(country, channel, provider) is None
        ]
        for country in countries
    }
    lacking = {country: names for country, names in missing.items() if names}
    if not lacking:
        yield f"{channel}: all {len(countries)} countries have a price."
        return
    yield (
        f"{channel}: {len(lacking)} of {len(countries)} countries have no price. They have the "
        f"highest one, {format_amount(price_list.highest(channel))} {price_list.currency} for "
        f"each {_UNITS[channel]}:"
    )
    for country, names in lacking.items():
        is_all = len(names) == max(1, len(providers))
        yield f"  {country}" if is_all else f"  {country}, by {', '.join(names)}"
