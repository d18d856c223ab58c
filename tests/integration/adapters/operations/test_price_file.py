"""A price file: what it may have, and what is wrong with it."""

from pathlib import Path

import pytest

from adapters.operations.price_file import InvalidPrices, read_prices
from domain.features.statistics.prices import PriceList
from domain.otp.delivery import Channel


def load(folder: Path, text: str) -> PriceList:
    file = folder / "prices.toml"
    file.write_text(text, encoding="utf-8")
    return read_prices(file)


def test_a_file_has_prices_by_country_and_channel(tmp_path: Path) -> None:
    text = '\ufeffcurrency = "USD"\n[IN]\nsms = 83_000\nvoice = 50000\n[US]\nsms = 0\n'
    assert load(tmp_path, text) == PriceList(
        "USD", {("IN", Channel.SMS): 83_000, ("IN", Channel.VOICE): 50_000, ("US", Channel.SMS): 0}
    )


def test_a_provider_has_prices_of_its_own_in_a_country(tmp_path: Path) -> None:
    text = """
        currency = "USD"
        [IN]
        sms = 83000
        whatsapp = 2500
        [IN.vonage]
        sms = 70000
        [BR."acme.sms:open"]
        sms = 91000
        """
    assert load(tmp_path, text) == PriceList(
        "USD",
        {("IN", Channel.SMS): 83_000, ("IN", Channel.WHATSAPP): 2_500},
        {("IN", Channel.SMS, "vonage"): 70_000, ("BR", Channel.SMS, "acme.sms:open"): 91_000},
    )


def test_problems_of_a_provider_are_reported_with_its_place(tmp_path: Path) -> None:
    text = """
        currency = "USD"
        [IN]
        sms = 1
        currency = "EUR"
        [IN.vonage]
        sms = 0.07
        currency = "EUR"
        [IN.empty]
        [IN."acme.sms:open"]
        fax = 1
        [BR.voice]
        sms = 1
        """
    with pytest.raises(InvalidPrices) as error:
        load(tmp_path, text)

    currency = (
        "all prices are in one currency, that of the first line of the file, because costs are "
        "added up. Convert the prices, and remove this line"
    )
    number = "a price is a whole number of millionths, like 8300 for 0.0083"
    assert [line.partition(": ")[2] for line in error.value.lines] == [
        f"IN.vonage.sms: {number}",
        f"IN.vonage.currency: {currency}",
        "IN.empty: it has no price",
        "IN.'acme.sms:open': 'fax' is unknown; there are sms, voice and whatsapp",
        f"IN.currency: {currency}",
        f"BR.voice: {number}",
    ]


def test_all_problems_of_a_file_are_reported_at_once(tmp_path: Path) -> None:
    text = """
        currency = "usd"
        sms = 1
        US = 2
        [UK]
        [IN]
        sms = -1
        voice = 0.05
        fax = 1
        [DE]
        sms = true
        voice = "1"
        [FR]
        [BR]
        sms = 1_000_000_000_001
        """
    with pytest.raises(InvalidPrices) as error:
        load(tmp_path, text)

    file = tmp_path / "prices.toml"
    number = "a price is a whole number of millionths, like 8300 for 0.0083"
    bounds = "a price is at least 0 and at most 1000000000000"
    assert error.value.lines == tuple(
        f"{file}: {problem}"
        for problem in (
            'it needs a line like currency = "USD", with the ISO 4217 code of the currency',
            "'sms' is unknown: it is neither currency nor a table like [IN], or [IN.twilio] with "
            "the prices of a provider in a country",
            "US: prices of a country are a table like [US], with sms, voice and whatsapp",
            "UK is not the ISO code of a country with phone numbers",
            f"IN.sms: {bounds}",
            f"IN.voice: {number}",
            "IN: 'fax' is unknown; there are sms, voice and whatsapp",
            f"DE.sms: {number}",
            f"DE.voice: {number}",
            "FR: it has no price",
            f"BR.sms: {bounds}",
        )
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('currency = "USD"\n[IN]\nvoice = 1\n', "no country has a price of sms"),
        ("[IN]\nsms = 1\n", "it needs a line like currency"),
        ("currency = USD", "it is not TOML"),
    ],
)
def test_a_file_needs_a_currency_and_a_price_of_messages(
    tmp_path: Path, text: str, problem: str
) -> None:
    with pytest.raises(InvalidPrices, match=problem) as error:
        load(tmp_path, text)
    assert len(error.value.lines) == 1


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(InvalidPrices, match=r"it cannot be read \(No such file or directory\)"):
        read_prices(tmp_path / "prices.toml")
    with pytest.raises(InvalidPrices, match=r"it cannot be read \(not a regular file\)"):
        read_prices(tmp_path)
    (tmp_path / "latin.toml").write_bytes(b"\xe9")
    with pytest.raises(InvalidPrices, match="it is not UTF-8 text"):
        read_prices(tmp_path / "latin.toml")
