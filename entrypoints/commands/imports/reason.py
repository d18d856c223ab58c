"""Why an import is done."""

from argparse import Namespace

from entrypoints.commands.parsing import parse_reason, require_reason


def parse_import_reason(arguments: Namespace) -> str:
    """Parse the reason of an import, which a dry run does not need; raises InvalidArgument."""
    parse = parse_reason if arguments.dry_run else require_reason
    return parse(arguments.reason)
