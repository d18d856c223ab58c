"""Prices by country and channel, and how amounts are written."""

import pytest

from domain.costs.prices import PriceList, format_amount
from domain.otp.delivery import Channel

PRICES = PriceList("USD", {("IN", Channel.SMS): 83_000, ("US", Channel.SMS): 8_300})


def test_a_country_without_a_price_has_the_highest_one_of_the_channel() -> None:
    assert PRICES.price("US", Channel.SMS) == 8_300
    assert PRICES.price("BR", Channel.SMS) == 83_000
    assert PRICES.price("US", Channel.VOICE) == 0


def test_a_price_of_zero_is_a_price() -> None:
    prices = PriceList("USD", {("IN", Channel.SMS): 83_000, ("US", Channel.SMS): 0})
    assert prices.price("US", Channel.SMS) == 0
    assert not prices.lacks("US", Channel.SMS)


def test_countries_and_channels_without_a_price_are_known() -> None:
    assert PRICES.has(Channel.SMS)
    assert not PRICES.has(Channel.VOICE)
    assert PRICES.lacks("BR", Channel.SMS)


@pytest.mark.parametrize(
    ("millionths", "text"),
    [(0, "0.000000"), (8_300, "0.008300"), (1_660_000_000, "1,660.000000"), (-1, "-0.000001")],
)
def test_an_amount_has_six_decimals(millionths: int, text: str) -> None:
    assert format_amount(millionths) == text
