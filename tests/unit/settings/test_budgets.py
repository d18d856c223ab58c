"""The settings of budgets: amounts, and what is an error at the start."""

from pathlib import Path
from typing import Final

import pytest

from domain.budgets.budgets import Budget
from domain.errors import InvalidValue
from entrypoints.features.budgets import (
    BUDGETS,
    Amount,
    BudgetSettings,
    check_budgets,
    make_budgets,
    parse_amount,
)
from entrypoints.opening.startup_error import StartupError
from entrypoints.settings.read import SettingsError, read_settings
from entrypoints.settings.settings import Settings

DAY: Final = "DIALTONE_BUDGET_PER_DAY"
COUNTRY: Final = "DIALTONE_BUDGET_PER_COUNTRY"
HARD_DAY: Final = "DIALTONE_HARD_BUDGET_PER_DAY"
HARD_COUNTRY: Final = "DIALTONE_HARD_BUDGET_PER_COUNTRY"


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


@pytest.mark.parametrize(
    "text",
    ["", "0", "0.0", "-5", "1.0000001", "5 usd", "USD 5", "1,000", "1e3", "\u0665"],
)
def test_another_text_is_no_amount(text: str) -> None:
    with pytest.raises(InvalidValue, match="Must be an amount"):
        parse_amount(text)


def test_a_budget_and_its_hard_end_are_one(tmp_path: Path) -> None:
    settings = read(
        tmp_path,
        **{DAY: "500 USD", HARD_DAY: "1500", COUNTRY: "IN=120, US = 60", HARD_COUNTRY: "US=90"},
    )

    assert make_budgets(settings.of(BudgetSettings)).budgets == (
        Budget("", 500_000_000, 1_500_000_000),
        Budget("IN", 120_000_000, None),
        Budget("US", 60_000_000, 90_000_000),
    )
    check_budgets(settings)


@pytest.mark.parametrize(
    ("variables", "problem"),
    [
        ({DAY: "5", "DIALTONE_PRICES": ""}, f"DIALTONE_PRICES: Must be set if {DAY} is set."),
        ({DAY: "5", HARD_DAY: "4.5"}, f"{HARD_DAY}: Must not be less than {DAY}: 5."),
        (
            {COUNTRY: "IN=5", HARD_COUNTRY: "IN=4"},
            f"{HARD_COUNTRY}: Must not be less than {COUNTRY} of IN: 5.",
        ),
        ({COUNTRY: "BR=5"}, f"{COUNTRY}: BR is not in DIALTONE_COUNTRIES"),
        ({HARD_COUNTRY: "BR=5"}, f"{HARD_COUNTRY}: BR is not in DIALTONE_COUNTRIES"),
        ({COUNTRY: "IN=5,IN=6"}, f"{COUNTRY}: Must name each country once"),
        ({COUNTRY: "IN"}, f"{COUNTRY}: Must be an amount"),
        ({COUNTRY: "XX=5"}, f"{COUNTRY}: "),
    ],
)
def test_what_cannot_hold_is_an_error(
    tmp_path: Path, variables: dict[str, str], problem: str
) -> None:
    with pytest.raises(SettingsError) as error:
        read(tmp_path, **variables)

    assert problem in str(error.value)


@pytest.mark.parametrize(
    ("variables", "problem"),
    [
        (
            {DAY: "500 EUR"},
            f"{DAY}: The currency is EUR, but the prices",
        ),
        ({HARD_COUNTRY: "IN=5 EUR"}, f"{HARD_COUNTRY}: The currency is EUR"),
        ({DAY: "0.08"}, "Use at least"),
        ({COUNTRY: "IN=0.08"}, f"{COUNTRY}: The part for strangers, 60 %, is less than one"),
        ({HARD_DAY: "0.04"}, f"{HARD_DAY}: It is less than one delivery may cost."),
    ],
)
def test_prices_and_budgets_have_to_fit(
    tmp_path: Path, variables: dict[str, str], problem: str
) -> None:
    settings = read(tmp_path, DIALTONE_SMS="tests.support.factories:open_messenger", **variables)

    with pytest.raises(StartupError) as error:
        check_budgets(settings)

    assert problem in str(error.value)


def test_an_invalid_price_list_is_reported_once(tmp_path: Path) -> None:
    check_budgets(read(tmp_path, "sms = -1", **{DAY: "5"}))


def test_check_settings_says_what_budgets_do(tmp_path: Path) -> None:
    settings = read(tmp_path, **{DAY: "500", HARD_COUNTRY: "IN=12.5"})

    assert [*BUDGETS.notes_on_settings(settings)] == [
        "The budget of messages and calls to all countries together is 500 USD in 24 hours. "
        "Strangers get 300 of it, and at most 50 of that in an hour, or one delivery. "
        "It stops nobody else.",
        "Messages and calls to IN end for everybody at 12.5 USD in 24 hours. Strangers alone can "
        "use that up: DIALTONE_BUDGET_PER_COUNTRY gives them a part.",
    ]
    assert [*BUDGETS.notes_on_settings(read(tmp_path))] == []
