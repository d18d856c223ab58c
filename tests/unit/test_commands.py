"""The commands of the core, and those that features add."""

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path

from application.administration.acts import CORE_ACTS
from entrypoints.commands.arguments import make_parser
from entrypoints.features import FEATURES

PROJECT = Path(__file__).parents[2]
CORE = {
    *("run", "check-settings", "cleanup", "migrate", "backup", "restore", "copy", "keys"),
    *("rotate-keys", "reencrypt-phones", "rotate-index-key", "user", "audit"),
}
CORE_ACTIONS = {
    *("count", "show", "reset-limits", "send-code", "block", "unblock", "sign-out", "delete"),
    *("promote", "demote", "restore"),
}


def parsers_of(parser: argparse.ArgumentParser) -> Mapping[str, argparse.ArgumentParser]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return action.choices
    return {}


def all_parsers(
    name: str, parser: argparse.ArgumentParser
) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    yield name, parser
    for inner, of_action in parsers_of(parser).items():
        yield from all_parsers(f"{name} {inner}".strip(), of_action)


def test_without_features_the_parser_has_the_core_only() -> None:
    parser = make_parser(features=())
    commands = parsers_of(parser)

    assert parser.description == "Phone number sign-in and users over HTTP."
    assert commands.keys() == CORE
    assert parsers_of(commands["user"]).keys() == CORE_ACTIONS


def test_an_act_by_a_command_needs_a_reason() -> None:
    with_own_rule = {
        "user show",  # it is an act with --full-number only
        "user change-phone",  # its error says what to write as the reason
        "import users", "import hookaba", "restore-check",  # these may only look
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


def test_each_package_of_commands_belongs_to_a_feature() -> None:
    packages = {
        file.parent.relative_to(PROJECT).as_posix()
        for file in PROJECT.glob("entrypoints/commands/*/__init__.py")
    }

    assert packages <= {folder for feature in FEATURES for folder in feature.folders}
