"""Acts by commands."""

import argparse
from collections.abc import Iterator

from application.administration.acts import CORE_ACTS
from entrypoints.commands.arguments import make_parser


def all_parsers(
    name: str, parser: argparse.ArgumentParser
) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    yield name, parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for inner, of_action in action.choices.items():
                yield from all_parsers(f"{name} {inner}".strip(), of_action)


def test_an_act_by_a_command_needs_a_reason() -> None:
    with_own_rule = {
        "user show",  # it is an act with --full-number only
        "user change-phone",  # its error says what to write as the reason
        "import users", "import hookaba",  # these may only look
    }  # fmt: skip
    required = {
        name: option.required
        for name, parser in all_parsers("", make_parser())
        for option in parser._actions
        if option.dest == "reason"
    }
    assert {name for name, is_required in required.items() if not is_required} <= with_own_rule
    acts = {f"user {act.name}" for act in CORE_ACTS} - {"user number", "user external-id"}
    assert acts <= required.keys()
