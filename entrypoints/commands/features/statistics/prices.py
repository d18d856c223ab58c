"""What `check-settings` says of the price list: each price, and what the list lacks."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from domain.features.statistics.prices import PriceList, format_short
from domain.otp.delivery import Channel

_UNITS: Final = {
    Channel.SMS: "message part",
    Channel.VOICE: "minute",
    Channel.WHATSAPP: "message",
}


def describe_prices(
    prices: PriceList, countries: Sequence[str], providers: Mapping[Channel, Sequence[str]]
) -> Iterator[str]:
    """Yield a line for each channel and country with a price, and for each channel that lacks some.

    The last lines name the providers that no setting has.

    Args:
        prices: The price list.
        countries: Those that are served.
        providers: The providers of each channel that cost something.
    """
    for channel, names in providers.items():
        if names:
            yield from _describe_channel(prices, channel, names, countries)
    used = {name for names in providers.values() for name in names}
    for provider in sorted(prices.providers - used):
        yield f"Not used: the prices of {provider}, which no setting names."


def _describe_channel(
    prices: PriceList, channel: Channel, providers: Sequence[str], countries: Sequence[str]
) -> Iterator[str]:
    missing: list[str] = []
    for country in countries:
        entered = {name: prices.entered(country, channel, name) for name in providers}
        lacking = [name for name, price in entered.items() if price is None]
        if len(lacking) == len(providers):
            missing.append(country)
            continue
        if lacking:
            missing.append(f"{country} by {' and '.join(lacking)}")
        shown = ", ".join(
            f"{format_short(price)} {prices.currency} by {name}"
            for name, price in entered.items()
            if price is not None
        )
        yield f"Price of a {_UNITS[channel]} ({channel}) to {country}: {shown}."
    if missing:
        yield (
            f"{len(missing)} of {len(countries)} countries lack a price of {channel}, and have the "
            f"highest one, {format_short(prices.highest(channel))} {prices.currency} for each "
            f"{_UNITS[channel]}: {', '.join(missing)}."
        )
