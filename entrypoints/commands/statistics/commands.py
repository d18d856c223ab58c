"""The commands of statistics: `costs`, `prices`, `providers` and `statistics`."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from domain.administration.scope import Scope
from entrypoints.commands.command import Command
from entrypoints.commands.feature_commands import FeatureCommands
from entrypoints.commands.options import add_json_option

if TYPE_CHECKING:
    from entrypoints.settings.settings import Settings


def _add_costs(costs: ArgumentParser) -> None:
    costs.add_argument(
        "--from",
        dest="first",
        metavar="DATE",
        help="the first day (default: the first of the month)",
    )
    costs.add_argument("--to", dest="last", metavar="DATE", help="the last day (default: today)")
    costs.add_argument(
        "--by",
        metavar="GROUP[,GROUP]",
        default="country",
        help="what the costs are summed by: country, provider or channel, or two of them, such as "
        "country,provider (default: country)",
    )
    formats = costs.add_mutually_exclusive_group()
    formats.add_argument(
        "--format",
        choices=["table", "json", "csv"],
        default="table",
        help="table: with totals; json: that of the API; csv: with a head, without totals, and "
        "with ' before what a spreadsheet would run (default: table)",
    )
    formats.add_argument(
        "--json",
        dest="format",
        action="store_const",
        const="json",
        help="the same as --format json",
    )


def _costs(settings: "Settings", arguments: Namespace) -> Iterable[str]:
    from entrypoints.commands.statistics.costs import costs

    return costs(settings, arguments)


def _add_prices(prices: ArgumentParser) -> None:
    prices.add_argument("action", metavar="ACTION", choices=["check"], help="check: list all")


def _prices(settings: "Settings", arguments: Namespace) -> Iterable[str]:
    from entrypoints.commands.statistics.prices import prices

    return prices(settings, arguments)


def _add_statistics(statistics: ArgumentParser) -> None:
    statistics.add_argument(
        "--hours",
        metavar="N",
        type=int,
        default=24,
        help="how many hours, with the one that is not over (default: 24)",
    )
    statistics.add_argument(
        "--by",
        choices=["country", "provider", "channel", "hour"],
        default="country",
        help="what the messages are summed by (default: country)",
    )
    statistics.add_argument(
        "--country", metavar="COUNTRY", help="only messages to this country, such as IN"
    )
    statistics.add_argument(
        "--provider", metavar="NAME", help="only messages of this provider, such as twilio"
    )
    add_json_option(statistics)


def _statistics(settings: "Settings", arguments: Namespace) -> Iterable[str]:
    from entrypoints.commands.statistics.statistics import statistics

    return statistics(settings, arguments)


_COMMANDS: Final = (
    Command(
        name="costs",
        help="Report what codes and messages cost, by country, provider or channel, or by two of "
        "them. Days are those of UTC; what the service counted within the last ten seconds may be "
        "missing.",
        examples=(
            "costs",
            "costs --from 2026-07-01 --to 2026-07-31 --by provider",
            "costs --by country,provider --format csv",
        ),
        add_arguments=_add_costs,
        run=_costs,
    ),
    Command(
        name="prices",
        help="List the price of each provider in the countries of DIALTONE_COUNTRIES, those that "
        "the file of DIALTONE_PRICES has no price for, and the price that they have instead.",
        examples=("prices check",),
        add_arguments=_add_prices,
        run=_prices,
    ),
    Command(
        name="statistics",
        help="Report messages, logins, rejections and security events of the last hours, at most "
        "168. Hours are those of UTC; what the service counted within the last minute may be "
        "missing.",
        examples=(
            "statistics",
            "statistics --hours 168 --by hour --country IN",
            "statistics --json",
        ),
        add_arguments=_add_statistics,
        run=_statistics,
    ),
)
FEATURE_COMMANDS: Final = FeatureCommands(
    commands=_COMMANDS, scopes=(Scope.READ_COSTS, Scope.READ_STATISTICS)
)
