"""Why an import is done."""

from argparse import Namespace

from entrypoints.commands.parsing import parse_reason_option, require_reason_option


def parse_import_reason(arguments: Namespace) -> str:
    """Parse the reason of an import, which a dry run does not need; raises InvalidArgument."""
    parse = parse_reason_option if arguments.dry_run else require_reason_option
    return parse(arguments.reason)
