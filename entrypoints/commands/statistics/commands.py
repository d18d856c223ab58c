"""The command `statistics`."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from domain.administration.scope import Scope
from entrypoints.commands.command import Command
from entrypoints.commands.feature_commands import FeatureCommands

if TYPE_CHECKING:
    from entrypoints.settings.settings import Settings


def _add_arguments(statistics: ArgumentParser) -> None:
    statistics.add_argument(
        "--hours",
        metavar="N",
        help="how many hours, with the one that is not over, at most 168 (default: 24)",
    )
    statistics.add_argument(
        "--from",
        dest="first_day",
        metavar="DAY",
        help="the first day, for statistics by day (default: the first of the last day's month)",
    )
    statistics.add_argument(
        "--until",
        dest="last_day",
        metavar="DAY",
        help="the last day, for statistics by day (default: today)",
    )
    statistics.add_argument(
        "--by",
        action="append",
        choices=["country", "channel", "provider"],
        help="what the messages are summed by; up to two of these (default: country)",
    )
    formats = statistics.add_mutually_exclusive_group()
    formats.add_argument("--json", action="store_true", help="print the JSON of the API")
    formats.add_argument(
        "--csv",
        action="store_true",
        help="print CSV, with a head, without totals, and with ' before what a spreadsheet would "
        "run",
    )


def _run(settings: "Settings", arguments: Namespace) -> Iterable[str]:
    from entrypoints.commands.statistics.statistics import statistics

    return statistics(settings, arguments)


_COMMANDS: Final = (
    Command(
        name="statistics",
        help="Report messages, logins, rejections and costs of the last hours, or of some days, at "
        "most 400. Hours and days are those of UTC; what the service counted within the last "
        "minute may be missing.",
        examples=(
            "statistics",
            "statistics --hours 168 --by country --by provider",
            "statistics --from 2026-07-01 --until 2026-07-31 --csv",
        ),
        add_arguments=_add_arguments,
        run=_run,
    ),
)
FEATURE_COMMANDS: Final = FeatureCommands(
    commands=_COMMANDS, scopes=(Scope.READ_COSTS, Scope.READ_STATISTICS)
)
