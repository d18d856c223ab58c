"""Acts for users: each row of the table that has no command of its own is one."""

import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import click

from application.administration.user_acts import USER_ACTS, ActCall, ActField, FieldRules, UserAct
from entrypoints.commands.shared.command import Command
from entrypoints.commands.shared.options import (
    PHONE,
    REASON,
    ActOptions,
    act_options,
    user_argument,
)
from entrypoints.commands.shared.parsing import name_option
from entrypoints.commands.shared.user_calls import UserCall, call_for_user, name_user
from entrypoints.settings.settings import Settings

_NO_ADMINISTRATOR: Final = (
    "This was the last administrator: now only commands do what administrators do. dialtone user "
    "promote makes somebody one."
)
_OTHERS: Final = ("unblock", "delete")
"""Acts with commands of their own, which do more or ask before."""


def act_commands() -> list[click.Command]:
    """Make the commands of acts for users from their table."""
    return [_act_command(user_act) for user_act in USER_ACTS if user_act.name not in _OTHERS]


def _act_command(user_act: UserAct) -> click.Command:
    values = [_example_of(field) for field in user_act.fields]

    @click.command(
        user_act.name,
        cls=Command,
        help=user_act.explains,
        examples=[" ".join([PHONE, *values, REASON])],
    )
    @user_argument
    @act_options
    def act_on_user(
        settings: Settings, user: str, options: ActOptions, **texts: str
    ) -> Iterable[str]:
        return act_for_user(user_act, settings, user, options, texts)

    act_on_user.params += map(_parameter_of, user_act.fields)
    return act_on_user


def _example_of(field: ActField) -> str:
    return f"--{field.name} {field.example}" if field.choices else shlex.quote(field.example)


def _parameter_of(field: ActField) -> click.Parameter:
    if not field.choices:
        return click.Argument([field.name], help=f"{field.explains}.")
    return click.Option(
        [f"--{field.name}"],
        type=click.Choice(field.choices),
        default=field.default,
        help=f"{field.explains} (default: {field.default}).",
    )


def act_for_user(
    user_act: UserAct,
    settings: Settings,
    user: str,
    options: ActOptions,
    texts: Mapping[str, str],
) -> Sequence[str]:
    """Act, and return what happened. `texts` are those of the fields, by their names."""
    rules = FieldRules(
        username_rules=settings.username_rules,
        default_region=settings.default_region,
        phone_rules=settings.phone_rules,
    )
    values = dict[str, Any]()
    for field in user_act.fields:
        with name_option(field.name.upper()):
            values[field.name] = field.parse(texts[field.name], rules)

    async def act(call: UserCall) -> Sequence[str]:
        results = await user_act.run(
            ActCall(
                act=call.act,
                operator=call.operator,
                query=call.query,
                reason=call.reason,
                values=values,
            )
        )
        former, identities = call.user.identity, call.use_cases.repositories.identities
        was_administrator = former is not None and former.is_administrator
        is_without = was_administrator and not await identities.list_administrators(limit=1)
        done = f"{name_user(call.user)}: {user_act.describe(results)}"
        return [done, *[_NO_ADMINISTRATOR] * is_without]

    return call_for_user(settings, user, options, act, act=user_act.act)
