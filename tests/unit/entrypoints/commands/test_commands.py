"""Acts by commands."""

import click

from application.administration.user_acts import USER_ACTS
from tests.support.commands import all_commands

COMMANDS = {
    context.command_path.removeprefix("dialtone").strip(): context.command
    for context in all_commands()
}


def options(name: str) -> dict[str | None, click.Parameter]:
    return {each.name: each for each in COMMANDS[name].params}


def test_an_act_by_a_command_needs_a_reason() -> None:
    with_own_rule = {
        "user show",  # it is an act with --full-number only
        "user change-phone",  # its error says what to write as the reason
        "import users", "import items",  # these may only look
    }  # fmt: skip
    required = {
        name: options(name)["reason"].required for name in COMMANDS if "reason" in options(name)
    }
    assert {name for name, is_required in required.items() if not is_required} <= with_own_rule
    acts = {f"user {row.name}" for row in USER_ACTS}
    assert acts <= required.keys()
