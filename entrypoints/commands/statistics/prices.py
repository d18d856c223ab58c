"""`dialtone prices`: what the price list lacks."""

from argparse import Namespace
from collections.abc import Iterable, Iterator
from typing import Final

from domain.costs.prices import PriceList, format_amount
from domain.countries import ALL_COUNTRIES
from domain.otp.delivery import Channel
from entrypoints.commands.statistics.costs import NOT_COUNTED
from entrypoints.features.statistics import StatisticsSettings, load_prices
from entrypoints.opening.startup_error import CommandError
from entrypoints.settings.settings import Settings

_UNITS: Final = {
    Channel.SMS: "message part",
    Channel.VOICE: "minute",
    Channel.WHATSAPP: "message",
}


def prices(settings: Settings, _: Namespace) -> Iterable[str]:
    """List the countries without a price, and the price that they have instead."""
    price_list = load_prices(settings.of(StatisticsSettings))
    if price_list is None:
        raise CommandError(NOT_COUNTED)
    return _describe(settings, price_list)


def _describe(settings: Settings, price_list: PriceList) -> Iterator[str]:
    countries = sorted(settings.countries or ALL_COUNTRIES)
    offered = {
        Channel.SMS: True,
        Channel.VOICE: settings.has_phone_line,
        Channel.WHATSAPP: settings.has_whatsapp_channel,
    }
    channels = [channel for channel, is_offered in offered.items() if is_offered]
    for channel in channels:
        missing = [country for country in countries if price_list.lacks(country, channel)]
        if not missing:
            yield f"{channel}: all {len(countries)} countries have a price."
            continue
        yield (
            f"{channel}: {len(missing)} of {len(countries)} countries have no price. They have the "
            f"highest one, {format_amount(price_list.highest(channel))} {price_list.currency} for "
            f"each {_UNITS[channel]}:"
        )
        yield from (f"  {country}" for country in missing)
