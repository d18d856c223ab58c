"""The settings of budgets: amounts, and what is an error at the start."""

from pathlib import Path
from typing import Final

import pytest

from domain.errors import InvalidValue
from entrypoints.features.budgets import (
    BUDGETS,
    Amount,
    BudgetSettings,
    check_currency,
    parse_amount,
)
from entrypoints.opening.startup_error import SettingsError, StartupError
from entrypoints.settings.read import read_settings
from entrypoints.settings.settings import Settings
from tests.support.settings import notes

DAY: Final = "DIALTONE_BUDGET_PER_DAY"
COUNTRY: Final = "DIALTONE_BUDGET_PER_COUNTRY"


def read(tmp_path: Path, prices: str = "sms = 50000", **variables: str) -> Settings:
    file = tmp_path / "prices.toml"
    file.write_text(f'currency = "USD"\n[IN]\n{prices}\n', "utf-8")
    return read_settings(
        {"DIALTONE_COUNTRIES": "IN,US", "DIALTONE_PRICES": str(file), **variables}, None
    )


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("500", Amount(500_000_000)),
        ("12.50", Amount(12_500_000)),
        ("0.000001 USD", Amount(1, "USD")),
        ("10000000EUR", Amount(10**13, "EUR")),
    ],
)
def test_an_amount_has_up_to_six_decimals_and_perhaps_a_currency(text: str, amount: Amount) -> None:
    assert parse_amount(text) == amount


@pytest.mark.parametrize("text", ["", "0.0", "-5", "1.0000001", "5 usd", "1,000", "1e3", "\u0665"])
def test_another_text_is_no_amount(text: str) -> None:
    with pytest.raises(InvalidValue, match="Must be an amount"):
        parse_amount(text)


def test_there_is_a_budget_for_all_countries_and_one_for_each_that_is_named(tmp_path: Path) -> None:
    settings = read(tmp_path, **{DAY: "500 USD", COUNTRY: "IN=120, US = 60"})
    assert [*settings.of(BudgetSettings).amounts] == [
        (DAY, "", Amount(500_000_000, "USD")),
        (COUNTRY, "IN", Amount(120_000_000)),
        (COUNTRY, "US", Amount(60_000_000)),
    ]
    check_currency(settings)


@pytest.mark.parametrize(
    ("variables", "problem"),
    [
        ({DAY: "5", "DIALTONE_PRICES": ""}, f"DIALTONE_PRICES: Must be set if {DAY} is set."),
        ({COUNTRY: "BR=5"}, f"{COUNTRY}: BR is not in DIALTONE_COUNTRIES"),
        ({COUNTRY: "IN=5,IN=6"}, f"{COUNTRY}: Must name each country once"),
        ({COUNTRY: "IN"}, f"{COUNTRY}: Must be an amount"),
    ],
)
def test_what_cannot_hold_is_an_error(
    tmp_path: Path, variables: dict[str, str], problem: str
) -> None:
    with pytest.raises(SettingsError) as error:
        read(tmp_path, **variables)

    assert problem in str(error.value)


@pytest.mark.parametrize("variables", [{DAY: "500 EUR"}, {COUNTRY: "IN=5 EUR"}])
def test_budgets_have_the_currency_of_the_prices(tmp_path: Path, variables: dict[str, str]) -> None:
    with pytest.raises(StartupError, match="The currency is EUR, but the prices"):
        check_currency(read(tmp_path, **variables))


def test_an_invalid_price_list_is_reported_once(tmp_path: Path) -> None:
    check_currency(read(tmp_path, "sms = -1", **{DAY: "5"}))


def test_check_settings_says_what_a_budget_does(tmp_path: Path) -> None:
    [note] = notes(read(tmp_path, **{COUNTRY: "IN=500"}), BUDGETS)
    assert (
        "to IN have cost 500.00 USD in 24 hours, strangers without a proof get status 429" in note
    )
    assert "busiest day" in note
    assert notes(read(tmp_path), BUDGETS) == []
