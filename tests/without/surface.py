"""Print what clients and operators see of a tree, as JSON: `python -m tests.without.surface`."""

import argparse
import json
import sys
from collections.abc import Iterator
from typing import Any

from entrypoints.commands.arguments import make_parser
from entrypoints.features import FEATURES
from entrypoints.http.app import describe_app
from entrypoints.http.settings import HttpServerSettings, HttpSettings
from entrypoints.settings.read import read_settings


def describe(*without: str) -> Any:
    """Return the description of the API, without the paths of some features."""
    defaults = read_settings({}, None)
    left = [feature for feature in FEATURES if feature.name not in without]
    plugins = [plugin for feature in left for plugin in feature.plugins(defaults, left)]
    return describe_app(HttpSettings(server=HttpServerSettings(public_url="/")), plugins)


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
    json.dump({"description": describe(), "help": all_help()}, sys.stdout)
