"""Prices by country and channel, and how amounts are written."""

import pytest

from domain.features.statistics.prices import PriceList, format_amount, format_short
from domain.otp.delivery import Channel

PRICES = PriceList("USD", {("IN", Channel.SMS): 83_000, ("US", Channel.SMS): 8_300})


def test_a_country_without_a_price_has_the_highest_one_of_the_channel() -> None:
    assert PRICES.price("US", Channel.SMS) == 8_300
    assert PRICES.price("BR", Channel.SMS) == 83_000
    assert PRICES.price("US", Channel.VOICE) == 0


def test_a_price_of_zero_is_a_price() -> None:
    prices = PriceList("USD", {("IN", Channel.SMS): 83_000, ("US", Channel.SMS): 0})
    assert prices.price("US", Channel.SMS) == 0
    assert prices.entered("US", Channel.SMS) == 0


def test_countries_and_channels_without_a_price_are_known() -> None:
    assert PRICES.has(Channel.SMS)
    assert not PRICES.has(Channel.VOICE)
    assert PRICES.entered("BR", Channel.SMS) is None
    assert OWN.has(Channel.WHATSAPP)
    assert OWN.providers == {"vonage", "meta"}


OWN = PriceList(
    "USD",
    {("IN", Channel.SMS): 83_000, ("US", Channel.SMS): 8_300},
    {
        ("IN", Channel.SMS, "vonage"): 70_000,
        ("BR", Channel.SMS, "vonage"): 91_000,
        ("IN", Channel.WHATSAPP, "meta"): 2_500,
    },
)


@pytest.mark.parametrize(
    ("country", "provider", "price"),
    [
        ("IN", "vonage", 70_000),  # its own
        ("IN", "twilio", 83_000),  # that of the country
        ("US", "vonage", 8_300),
        ("BR", "twilio", 91_000),  # the highest, although it is that of another provider
        ("DE", "vonage", 91_000),
    ],
)
def test_a_provider_has_its_own_price_or_that_of_the_country_or_the_highest(
    country: str, provider: str, price: int
) -> None:
    assert OWN.price(country, Channel.SMS, provider) == price


@pytest.mark.parametrize(
    ("millionths", "text"),
    [(0, "0.000000"), (8_300, "0.008300"), (1_660_000_000, "1,660.000000"), (-1, "-0.000001")],
)
def test_an_amount_has_six_decimals(millionths: int, text: str) -> None:
    assert format_amount(millionths) == text


@pytest.mark.parametrize(
    ("millionths", "text"), [(12_340_000, "12.34"), (500_000_000, "500.00"), (8_300, "0.0083")]
)
def test_a_short_amount_has_two_decimals_or_all_that_it_has(millionths: int, text: str) -> None:
    assert format_short(millionths) == text
