"""Options that several commands have, and the values of their examples."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Final

import click

from application.administration.acts import Act
from application.administration.operator import Operator
from entrypoints.commands.shared.operator_name import parse_operator
from entrypoints.commands.shared.parsing import parse_reason_option
from entrypoints.settings.startup_error import InvalidArgument

PHONE: Final = "+14155552671"
ID: Final = "68b1c0a5d2f04e7a9c3b1d20"
USER: Final = "a phone number, a username, a user id or external_id:ID"
REASON: Final = "--reason 'ticket 4711'"


@dataclass(frozen=True, slots=True)
class ActOptions:
    """Why something is done, and who does it: the audit has both."""

    reason: str
    acts_as: str | None

    def parse(self, act: Act | None) -> tuple[Operator, str]:
        """Return who acts, and why. Without an act, no reason is needed."""
        operator = parse_operator(self.acts_as)
        is_required = act is not None and operator.needs_reason(act)
        return operator, parse_reason_option(self.reason, is_required=is_required)


_AS: Final = click.option(
    "--as",
    "acts_as",
    metavar="NAME",
    help="Who acts, such as jane; the audit shows the account of this machine beside it "
    "(default: that account).",
)


def act_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add why something is done, and who does it: the function gets them as `options`."""
    return _add_act_options(function, is_reason_required=True)


def optional_act_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the same where the command itself decides whether a reason is needed."""
    return _add_act_options(function, is_reason_required=False)


def _add_act_options(
    function: Callable[..., Any], *, is_reason_required: bool
) -> Callable[..., Any]:
    @wraps(function)
    def call(*args: Any, reason: str, acts_as: str | None, **arguments: Any) -> Any:
        return function(*args, options=ActOptions(reason, acts_as), **arguments)

    reason = click.option(
        "--reason",
        metavar="TEXT",
        **({"required": True} if is_reason_required else {"default": ""}),
        help="Why; the audit keeps it for 400 days, without the digits of phone numbers.",
    )
    return reason(_AS(call))


user_argument: Final = click.argument("user", help=f"{USER[0].upper()}{USER[1:]}.")
json_option: Final = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON; of a list, one object a line."
)


def limit_option(things: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add how many things are listed."""
    return click.option(
        "--limit",
        metavar="N",
        type=click.IntRange(min=1),
        default=50,
        help=f"How many {things} (default: 50).",
    )


def at_most_one(**values: object) -> None:
    """Check that at most one of these is given; their names are such as `for_` of `--for`.

    Raises:
        InvalidArgument
    """
    given = [name for name, value in values.items() if value]
    if len(given) > 1:
        raise InvalidArgument(f"Use only one of {_list_names(given)}.")


def exactly_one(**values: object) -> None:
    """Check that one of these options and arguments is given; raises InvalidArgument."""
    at_most_one(**values)
    if not any(values.values()):
        raise InvalidArgument(f"Add one of {_list_names(values)}.")


def _list_names(names: Any) -> str:
    shown = [name if name.isupper() else f"--{name.strip('_').replace('_', '-')}" for name in names]
    return f"{', '.join(shown[:-1])} and {shown[-1]}"
