"""Print what clients and operators see of a tree, as JSON: `python -m tests.without.surface`."""

import json
import sys

from entrypoints.composition.openapi import describe_features
from tests.support.commands import all_commands


def all_help() -> dict[str, str]:
    """Return the help of each command and action, by its name."""
    return {context.command_path: context.get_help() for context in all_commands()}


if __name__ == "__main__":
    json.dump({"description": describe_features(), "help": all_help()}, sys.stdout)
