"""Print what clients and operators see of a tree, as JSON: `python -m tests.without.surface`."""

import argparse
import json
import sys
from collections.abc import Iterator

from entrypoints.commands.arguments import make_parser
from entrypoints.openapi import describe_features


def all_help() -> dict[str, str]:
    """Return the help of each command and action, by its name."""
    return dict(_help(make_parser()))


def _help(parser: argparse.ArgumentParser) -> Iterator[tuple[str, str]]:
    yield parser.prog, parser.format_help()
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                yield from _help(inner)


if __name__ == "__main__":
    json.dump({"description": describe_features(), "help": all_help()}, sys.stdout)
