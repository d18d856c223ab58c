"""Budgets: what codes and notices may cost in 24 hours, in all and for each country."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Final

from domain.countries import ALL_COUNTRIES
from entrypoints.features.feature import Feature
from entrypoints.features.statistics import StatisticsSettings, load_prices
from entrypoints.opening.startup_error import StartupError
from entrypoints.settings import parsers
from entrypoints.settings.declaration import setting
from entrypoints.settings.rules import FileCheck, Findings, Problem
from entrypoints.settings.settings import Settings

if TYPE_CHECKING:
    from domain.features.budgets.budget import Budget
    from entrypoints.opening.opening import Opening

PER_DAY: Final = "DIALTONE_BUDGET_PER_DAY"
PER_COUNTRY: Final = "DIALTONE_BUDGET_PER_COUNTRY"
_INTERVAL: Final = timedelta(minutes=1)
_MAX_AMOUNT: Final = 100_000_000
_AMOUNT: Final = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)(?: ?([A-Z]{3}))?", re.ASCII)
_AN_AMOUNT: Final = f"an amount up to {_MAX_AMOUNT} and more than 0, such as 500, 12.50 or 500 USD"


@dataclass(frozen=True, slots=True)
class Amount:
    """An amount in millionths, with its currency if the setting names one."""

    millionths: int
    currency: str = ""


@dataclass(frozen=True, slots=True)
class CountryAmount:
    """The amount of a country."""

    country: str
    amount: Amount


@parsers.rejects_with(f"Must be {_AN_AMOUNT}.")
def parse_amount(text: str) -> Amount:
    """Parse an amount in the currency of the prices, with at most six decimals."""
    number, currency = parsers.full_match(_AMOUNT, text).groups(default="")
    amount = Decimal(number)
    if not 0 < amount <= _MAX_AMOUNT:
        raise ValueError
    return Amount(int(amount.scaleb(6)), currency)


@parsers.rejects_with(f"Must be a country, = and {_AN_AMOUNT}: IN=120.")
def _parse_country_amount(text: str) -> CountryAmount:
    country, _, amount = text.partition("=")
    code = parsers.parse_country_code(country.strip())
    return CountryAmount(code, parse_amount(amount.strip()))


@dataclass(frozen=True, kw_only=True)
class BudgetSettings(Settings):
    """What codes and notices may cost."""

    budget_per_day: Amount | None = setting(
        "What codes may cost in 24 hours before strangers wait; above your busiest day.",
        parse_amount,
        example="500 USD",
    )
    budget_per_country: tuple[CountryAmount, ...] = setting(
        "The same for each of some countries.",
        parsers.list_of(_parse_country_amount),
        example="IN=120,US=60",
    )

    @property
    def amounts(self) -> Iterator[tuple[str, str, Amount]]:
        """The variable, the country and the amount of each budget; empty for all countries."""
        if self.budget_per_day is not None:
            yield PER_DAY, "", self.budget_per_day
        for each in self.budget_per_country:
            yield PER_COUNTRY, each.country, each.amount


def _check_countries(settings: BudgetSettings) -> Iterator[Problem]:
    countries = [each.country for each in settings.budget_per_country]
    if twice := sorted({each for each in countries if countries.count(each) > 1}):
        text = f"Must name each country once, but {twice[0]} is there twice."
        yield Problem(PER_COUNTRY, text)
    served = ALL_COUNTRIES if settings.countries is None else settings.countries
    if unserved := sorted({*countries} - served):
        text = f"{unserved[0]} is not in DIALTONE_COUNTRIES: no message goes there."
        yield Problem(PER_COUNTRY, text)


def _check_prices(settings: BudgetSettings) -> Iterator[Problem]:
    of_prices = settings.find(StatisticsSettings)
    if of_prices is None or of_prices.prices is not None:
        return
    for variable, *_ in settings.amounts:
        yield Problem("DIALTONE_PRICES", f"Must be set if {variable} is set.")
        return


def check_currency(settings: Settings) -> Sequence[str]:
    """Check that the prices have the currency of the budgets; say in plain words what these do.

    Raises:
        StartupError: with one line for each problem.
    """
    from domain.features.statistics.prices import format_short

    amounts = [*settings.of(BudgetSettings).amounts]
    try:
        prices = load_prices(settings.of(StatisticsSettings))
    except StartupError:
        return ()  # the price list has reported it
    if prices is None:
        return ()
    problems = [
        f"{variable}: The currency is {amount.currency}, but the prices of DIALTONE_PRICES are in "
        f"{prices.currency}. Write the amount in {prices.currency}, or use other prices."
        for variable, _, amount in amounts
        if amount.currency not in ("", prices.currency)
    ]
    if problems:
        raise StartupError("\n".join(dict.fromkeys(problems)))
    return [
        f"When codes and notices {f'to {country}' if country else 'to all countries together'} "
        f"have cost {format_short(amount.millionths)} {prices.currency} in 24 hours, strangers "
        "without a proof get status 429; above twice that, all strangers. All codes count, so set "
        "it above your busiest day."
        for _, country, amount in amounts
    ]


def _make_budgets(settings: Settings) -> "Sequence[Budget]":
    from domain.features.budgets.budget import Budget

    amounts = settings.of(BudgetSettings).amounts
    return [Budget(country, amount.millionths) for _, country, amount in amounts]


class _Budgets(Feature):
    """Budgets of codes and notices."""

    name = "budgets"
    needs = ("statistics",)
    settings = BudgetSettings

    def check(self, settings: Settings) -> Findings:
        budgets = settings.of(BudgetSettings)
        currency = FileCheck(partial(check_currency, budgets))
        return (_check_prices(budgets), _check_countries(budgets), [currency])

    async def open(self, opening: "Opening") -> None:
        """Stop strangers from now on, by what was spent before."""
        from application.features.budgets.watch_budgets import WatchBudgets
        from application.features.statistics.feature import StatisticsFeature
        from application.otp.feature import LimitsFeature
        from application.ports.errors import CorruptRecord, StorageError
        from entrypoints.server.background_task import repeat

        core, budgets = opening.use_cases, _make_budgets(opening.settings)
        limits = core.find(LimitsFeature)
        watch = WatchBudgets(budgets, core.of(StatisticsFeature).read_amounts, core.system.clock)
        core.add(watch)
        if budgets:
            opening.tasks.append(
                repeat(
                    "budgets",
                    watch,
                    failed_event="budgets_not_read",
                    pause=_INTERVAL,
                    metrics=opening.metrics,
                )
            )

        async def measure() -> Mapping[str, float]:
            return watch.measure_all()

        opening.add_gauge(
            "budget_used_ratio",
            "What codes and notices cost within 24 hours, as a part of the budget.",
            measure,
            "country",
        )
        if limits is not None and budgets:
            limits.restrictions.append(watch.find_restriction)
            with suppress(CorruptRecord, StorageError):  # the task reads it a minute later
                await watch()


BUDGETS: Final = _Budgets()
