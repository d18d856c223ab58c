"""The command of rules."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from application.rules.acts import ADD_RULE, END_RULE
from domain.administration.scope import Scope
from entrypoints.commands.command import Command
from entrypoints.commands.feature_commands import FeatureCommands
from entrypoints.commands.options import ID, REASON_OPTION, add_act_options, add_json_option

if TYPE_CHECKING:
    from entrypoints.settings.settings import Settings

_BLOCK: Final = "block"
_LIMIT: Final = "limit"
"""The kinds of `parse_order`, which is too slow to import for a help."""


def _add_end_of_rule(command: ArgumentParser) -> None:
    ends = command.add_mutually_exclusive_group(required=True)
    ends.add_argument(
        "--for",
        dest="duration",
        metavar="DURATION",
        help="for how long it holds, from 1m to 30d, such as 2h",
    )
    ends.add_argument(
        "--until", metavar="TIME", help="until when it holds, such as 2026-05-01T09:30Z"
    )
    add_act_options(command)


def _add_block(command: ArgumentParser) -> None:
    subjects = command.add_mutually_exclusive_group(required=True)
    subjects.add_argument(
        "--prefix",
        metavar="PREFIX",
        help="no code goes to numbers that begin so: +, the country code and further digits",
    )
    subjects.add_argument(
        "--network",
        metavar="NETWORK",
        help="no code is sent for requests from this network, such as 203.0.113.0/24; everything "
        "else goes on",
    )
    subjects.add_argument(
        "--country", metavar="COUNTRY", help="no code goes to this country, such as GB"
    )
    _add_end_of_rule(command)


def _add_limit(command: ArgumentParser) -> None:
    command.add_argument(
        "limit", metavar="LIMIT", help="the name of the limit; after a wrong one all are listed"
    )
    command.add_argument(
        "value",
        metavar="VALUE",
        help="how many permits it has, in the period of its setting: fewer than that, or up to "
        "twice as many",
    )
    command.add_argument(
        "--country", metavar="COUNTRY", help="the country of a limit per country, such as GB"
    )
    command.add_argument(
        "--prefix", metavar="PREFIX", help="how the numbers begin that per_number_range is about"
    )
    _add_end_of_rule(command)


def _add(settings: "Settings", arguments: Namespace) -> Iterable[str]:
    from entrypoints.commands.rules.rules import add_rule

    return add_rule(settings, arguments)


def _list(settings: "Settings", arguments: Namespace) -> Iterable[str]:
    from entrypoints.commands.rules.rules import list_rules

    return list_rules(settings, arguments)


def _add_end(command: ArgumentParser) -> None:
    command.add_argument("id", metavar="ID", help="the id of the rule, as `list` shows it")
    add_act_options(command)


def _end(settings: "Settings", arguments: Namespace) -> Iterable[str]:
    from entrypoints.commands.rules.rules import end_rule

    return end_rule(settings, arguments)


_BLOCK_EXAMPLE: Final = f"{_BLOCK} --prefix +4479 --for 2h {REASON_OPTION}"
_LIMIT_EXAMPLE: Final = f"{_LIMIT} unverified_per_country 50 --country GB --for 2h {REASON_OPTION}"
_COMMANDS: Final = (
    Command(
        name="rule",
        help="Block numbers, a network or a country for a time, or change a limit.",
        examples=(
            f"rule add {_BLOCK_EXAMPLE}",
            f"rule add {_LIMIT_EXAMPLE}",
            "rule list",
            f"rule end {ID} {REASON_OPTION}",
        ),
        actions=(
            Command(
                name=ADD_RULE.name,
                help="Add a rule. All instances apply it within five seconds.",
                examples=(f"add {_BLOCK_EXAMPLE}", f"add {_LIMIT_EXAMPLE}"),
                actions=(
                    Command(
                        name=_BLOCK,
                        help="Block a number prefix, a network or a country.",
                        examples=(
                            _BLOCK_EXAMPLE,
                            f"{_BLOCK} --network 203.0.113.0/24 --for 1d {REASON_OPTION}",
                            f"{_BLOCK} --country GB --until 2026-05-01T09:30Z {REASON_OPTION}",
                        ),
                        add_arguments=_add_block,
                        run=_add,
                    ),
                    Command(
                        name=_LIMIT,
                        help="Lower a limit, or raise it up to twice its setting.",
                        examples=(
                            _LIMIT_EXAMPLE,
                            f"{_LIMIT} unverified_total 8000 --for 3h {REASON_OPTION}",
                            f"{_LIMIT} per_number_range 3 --prefix +4479 --for 2h {REASON_OPTION}",
                        ),
                        add_arguments=_add_limit,
                        run=_add,
                    ),
                ),
                kind_of_actions="kind",
            ),
            Command(
                name="list",
                help="List the rules that are active.",
                examples=("list", "list --json"),
                add_arguments=add_json_option,
                run=_list,
            ),
            Command(
                name=END_RULE.name,
                help="End a rule. All instances stop to apply it within five seconds.",
                examples=(f"end {ID} {REASON_OPTION}",),
                add_arguments=_add_end,
                run=_end,
            ),
        ),
    ),
)
FEATURE_COMMANDS: Final = FeatureCommands(
    commands=_COMMANDS, scopes=(Scope.READ_RULES, Scope.WRITE_RULES)
)
