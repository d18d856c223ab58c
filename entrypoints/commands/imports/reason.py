"""Why an import is done."""

from argparse import Namespace

from entrypoints.commands.parsing import parse_reason_option


def parse_import_reason(arguments: Namespace) -> str:
    """Parse the reason of an import, which a dry run does not need; raises InvalidArgument."""
    return parse_reason_option(arguments.reason, is_required=not arguments.dry_run)
