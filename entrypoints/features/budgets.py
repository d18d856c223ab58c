"""Budgets: what messages and calls may cost within a day, in all and for each country."""

import re
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from domain.countries import ALL_COUNTRIES
from entrypoints.features.feature import Feature
from entrypoints.features.statistics import StatisticsSettings, load_prices
from entrypoints.opening.startup_error import StartupError
from entrypoints.settings import parsers
from entrypoints.settings.declaration import optional
from entrypoints.settings.rules import Problem, Rule
from entrypoints.settings.settings import Settings

if TYPE_CHECKING:
    from adapters.metrics.exposition import MeasuredGauge
    from adapters.metrics.metrics import Metrics
    from application.budgets.delivery_costs import DeliveryCosts
    from application.use_cases import UseCases
    from domain.budgets.budgets import Budget, Budgets
    from domain.costs.prices import PriceList
    from entrypoints.http.plugin import ApiPlugin
    from entrypoints.opening.opening import Opening

PER_DAY: Final = "DIALTONE_BUDGET_PER_DAY"
PER_COUNTRY: Final = "DIALTONE_BUDGET_PER_COUNTRY"
HARD_PER_DAY: Final = "DIALTONE_HARD_BUDGET_PER_DAY"
HARD_PER_COUNTRY: Final = "DIALTONE_HARD_BUDGET_PER_COUNTRY"
_WATCH_INTERVAL: Final = timedelta(seconds=30)
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


_parse_country_amounts: Final = parsers.list_of(_parse_country_amount)


@dataclass(frozen=True, kw_only=True)
class BudgetSettings(Settings):
    """What messages and calls may cost."""

    budget_per_day: Amount | None = optional(
        "What messages and calls may cost in 24 hours, which stops strangers; see docs/budgets.md.",
        parse_amount,
        example="500 USD",
    )
    budget_per_country: tuple[CountryAmount, ...] = optional(
        "The same for each of some countries.",
        _parse_country_amounts,
        unset=(),
        example="IN=120,US=60",
    )
    hard_budget_per_day: Amount | None = optional(
        "The most that messages and calls cost in 24 hours: nobody gets a code above it.",
        parse_amount,
        example="1500 USD",
    )
    hard_budget_per_country: tuple[CountryAmount, ...] = optional(
        "The same for each of some countries: nobody there gets a code above it.",
        _parse_country_amounts,
        unset=(),
        example="IN=400,US=200",
    )


def make_budgets(settings: BudgetSettings) -> "Budgets":
    """Return the budgets of the settings, that of all countries first."""
    from domain.budgets.budgets import Budget, Budgets

    amounts = _by_country(settings.budget_per_day, settings.budget_per_country)
    ends = _by_country(settings.hard_budget_per_day, settings.hard_budget_per_country)
    countries = sorted(amounts.keys() | ends.keys())
    return Budgets(
        tuple(Budget(country, amounts.get(country), ends.get(country)) for country in countries)
    )


def _by_country(per_day: Amount | None, per_country: Sequence[CountryAmount]) -> Mapping[str, int]:
    """Return the amounts by country; that of all countries has an empty one."""
    amounts = {each.country: each.amount.millionths for each in per_country}
    return amounts if per_day is None else {"": per_day.millionths, **amounts}


def _amounts(settings: BudgetSettings) -> Iterator[tuple[str, Amount]]:
    """Yield all amounts, with their variables."""
    for variable, per_day in (
        (PER_DAY, settings.budget_per_day),
        (HARD_PER_DAY, settings.hard_budget_per_day),
    ):
        if per_day is not None:
            yield variable, per_day
    for variable, per_country in _per_country(settings):
        for each in per_country:
            yield variable, each.amount


def _per_country(settings: BudgetSettings) -> Iterator[tuple[str, Sequence[CountryAmount]]]:
    yield PER_COUNTRY, settings.budget_per_country
    yield HARD_PER_COUNTRY, settings.hard_budget_per_country


def _check_countries(settings: BudgetSettings) -> Iterator[Problem]:
    for variable, per_country in _per_country(settings):
        countries = [each.country for each in per_country]
        if twice := sorted({each for each in countries if countries.count(each) > 1}):
            yield Problem(variable, f"Must name each country once, but {twice[0]} is there twice.")
        served = ALL_COUNTRIES if settings.countries is None else settings.countries
        if unserved := sorted({*countries} - served):
            text = f"{unserved[0]} is not in DIALTONE_COUNTRIES: no message goes there."
            yield Problem(variable, text)


def _check_prices(settings: BudgetSettings) -> Iterator[Problem]:
    of_prices = settings.find(StatisticsSettings)
    if of_prices is None or of_prices.prices is not None:
        return
    for variable in dict.fromkeys(variable for variable, _ in _amounts(settings)):
        yield Problem("DIALTONE_PRICES", f"Must be set if {variable} is set.")
        return


def _check_hard_ends(settings: BudgetSettings) -> Iterator[Problem]:
    for each in make_budgets(settings).budgets:
        if each.amount is not None and each.hard_end is not None and each.hard_end < each.amount:
            soft, hard = (
                (PER_COUNTRY, HARD_PER_COUNTRY) if each.country else (PER_DAY, HARD_PER_DAY)
            )
            of_country = f" of {each.country}" if each.country else ""
            yield Problem(hard, f"Must not be less than {soft}{of_country}: {_plain(each.amount)}.")


def check_budgets(settings: Any) -> None:
    """Check that the prices have the currency of the budgets, and these are not too small.

    Raises:
        StartupError: with one line for each problem.
    """
    of_budgets: BudgetSettings = settings.of(BudgetSettings)
    budgets = make_budgets(of_budgets).budgets
    try:
        prices = load_prices(settings.of(StatisticsSettings)) if budgets else None
    except StartupError:
        return  # the price list has reported it
    if prices is None:
        return
    problems = [
        f"{variable}: The currency is {amount.currency}, but the prices of DIALTONE_PRICES are in "
        f"{prices.currency}. Write the amount in {prices.currency}, or use other prices."
        for variable, amount in _amounts(of_budgets)
        if amount.currency not in ("", prices.currency)
    ]
    costs = _make_costs(settings, prices)
    for budget in budgets:
        problems += _find_too_small(budget, costs, of_budgets)
    if problems:
        raise StartupError("\n".join(dict.fromkeys(problems)))


def _find_too_small(
    budget: "Budget", costs: "DeliveryCosts", settings: BudgetSettings
) -> Iterator[str]:
    """Yield the problem of a budget that has not enough for one delivery."""
    from domain.budgets.budgets import STRANGERS_PERCENT
    from domain.otp.delivery import Channel

    served = ALL_COUNTRIES if settings.countries is None else settings.countries
    countries = [budget.country] if budget.country else served
    highest = max((costs.highest(country, [*Channel]) for country in countries), default=0)
    kind = "PER_COUNTRY" if budget.country else "PER_DAY"
    of_country = f"{budget.country}=" if budget.country else ""
    if budget.strangers is not None and budget.strangers < highest:
        least = -(-highest * 100 // STRANGERS_PERCENT)
        yield (
            f"DIALTONE_BUDGET_{kind}: The part for strangers, {STRANGERS_PERCENT} %, is less than "
            f"one delivery may cost: {_plain(highest)} {costs.prices.currency}. Use at least "
            f"{of_country}{_plain(least)}."
        )
    if budget.hard_end is not None and budget.hard_end < highest:
        yield (
            f"DIALTONE_HARD_BUDGET_{kind}: It is less than one delivery may cost. Use at least "
            f"{of_country}{_plain(highest)} {costs.prices.currency}."
        )


def _make_costs(settings: Settings, prices: "PriceList") -> "DeliveryCosts":
    """Return what deliveries cost with these settings, before anything is opened."""
    from application.budgets.delivery_costs import DeliveryCosts
    from domain.otp.message_parts import message_parts
    from entrypoints.opening.operator_files import load_sms_templates
    from entrypoints.opening.providers import FREE_PROVIDERS

    previews = load_sms_templates(settings).previews()
    return DeliveryCosts(
        prices=prices,
        providers_of=settings.providers_of,
        free_providers=FREE_PROVIDERS,
        max_parts=max(message_parts(preview.text) for _, _, preview in previews),
    )


def _plain(millionths: int) -> str:
    """Return an amount without zeros at its end."""
    from domain.costs.prices import to_decimal

    amount = f"{to_decimal(millionths):,f}"
    return amount.rstrip("0").rstrip(".")


class _Budgets(Feature):
    """Budgets of messages and calls."""

    name = "budgets"
    folders = (
        "domain/budgets",
        "application/budgets",
        "application/ports/budgets.py",
        "adapters/records/features/budgets.py",
        "entrypoints/http/budgets",
        "entrypoints/http/console/budgets",
        "entrypoints/commands/budgets",
    )
    needs = ("statistics",)
    settings = BudgetSettings
    has_cleanup = True

    def must_be_open(self, settings: "Settings") -> bool:
        """Return that it must: what commands send is paid too."""
        del settings
        return True

    def rules(self) -> "Sequence[Rule]":
        return (_check_prices, _check_countries, _check_hard_ends)

    def file_checks(self) -> Sequence[Callable[[Any], object]]:
        return (check_budgets,)

    def plugins(self, settings: "Settings", installed: Sequence[Feature]) -> "Sequence[ApiPlugin]":
        del settings, installed
        from entrypoints.http.budgets.plugin import BudgetsPlugin

        return (BudgetsPlugin(),)

    @asynccontextmanager
    async def open(self, opening: "Opening") -> AsyncIterator[None]:
        """Take the amounts of all that is sent from now on."""
        from adapters.records.features.budgets import make_budgets_repositories
        from application.budgets.feature import BudgetsFeature

        core, settings = opening.use_cases, opening.settings
        budgets = make_budgets(settings.of(BudgetSettings))
        costs = None
        if budgets.budgets:
            prices = load_prices(settings.of(StatisticsSettings))
            if prices is not None:
                costs = _make_costs(settings, prices)
        repositories = make_budgets_repositories(opening.database)
        core.add(BudgetsFeature(core, repositories, budgets, costs))
        yield

    def background_tasks(
        self, settings: "Settings", use_cases: "UseCases", metrics: "Metrics | None"
    ) -> Sequence[AbstractAsyncContextManager[None]]:
        """Warn of budgets that are used."""
        del settings
        from application.budgets.feature import BudgetsFeature
        from entrypoints.server.background_task import repeat

        watch = use_cases.of(BudgetsFeature).watch
        if watch is None:
            return ()
        warnings = repeat(
            "budgets",
            watch.warn,
            failed_event="budgets_not_watched",
            pause=_WATCH_INTERVAL,
            metrics=metrics,
        )
        return (warnings,)

    def gauges(self, settings: "Settings", use_cases: "UseCases") -> "Sequence[MeasuredGauge]":
        """Return how much of each budget, and of each hard end, is used."""
        del settings
        from adapters.metrics.exposition import MeasuredGauge
        from application.budgets.feature import BudgetsFeature

        watch = use_cases.of(BudgetsFeature).watch

        async def measure_budgets() -> Mapping[str, float]:
            return {} if watch is None else await watch.measure_shares(lambda each: each.amount)

        async def measure_ends() -> Mapping[str, float]:
            return {} if watch is None else await watch.measure_shares(lambda each: each.hard_end)

        return (
            MeasuredGauge(
                name="budget_used_ratio",
                text="What was spent within 24 hours, as a part of the budget.",
                measure=measure_budgets,
                label="country",
            ),
            MeasuredGauge(
                name="hard_budget_used_ratio",
                text="What was spent within 24 hours, as a part of the hard end of a budget.",
                measure=measure_ends,
                label="country",
            ),
        )

    def notes_on_settings(self, settings: "Settings") -> Iterable[str]:
        """Say in plain words what the budgets do."""
        of_budgets = settings.of(BudgetSettings)
        budgets = make_budgets(of_budgets).budgets
        prices = load_prices(settings.of(StatisticsSettings)) if budgets else None
        if prices is None:
            return
        for each in budgets:
            place = f"to {each.country}" if each.country else "to all countries together"
            if each.amount is not None and each.strangers is not None:
                in_hour = _plain(each.strangers_in_hour or 0)
                yield (
                    f"The budget of messages and calls {place} is {_plain(each.amount)} "
                    f"{prices.currency} in 24 hours. Strangers get {_plain(each.strangers)} of "
                    f"it, and at most {in_hour} of that in an hour, or one delivery. It stops "
                    "nobody else."
                )
            if each.hard_end is not None:
                soft = PER_COUNTRY if each.country else PER_DAY
                alone = f" Strangers alone can use that up: {soft} gives them a part."
                yield (
                    f"Messages and calls {place} end for everybody at {_plain(each.hard_end)} "
                    f"{prices.currency} in 24 hours.{alone if each.amount is None else ''}"
                )


BUDGETS: Final = _Budgets()
