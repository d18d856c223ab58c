"""The command of the journal."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from entrypoints.commands.command import Command
from entrypoints.commands.feature_commands import FeatureCommands
from entrypoints.commands.options import add_act_options

if TYPE_CHECKING:
    from entrypoints.settings.settings import Settings


def _add_restore_check(check: ArgumentParser) -> None:
    check.add_argument(
        "--journal",
        metavar="FILE",
        action="append",
        default=[],
        help="a file of the journal; several, where it was rotated (default: DIALTONE_JOURNAL)",
    )
    check.add_argument(
        "--apply",
        action="store_true",
        help="repeat what can be repeated, with an audit entry each; needs --reason. It may be "
        "repeated itself",
    )
    check.add_argument(
        "--since", metavar="TIME", help="only lines from then on, such as 2026-05-01T09:30:00Z"
    )
    check.add_argument(
        "--secrets",
        metavar="FILE",
        action="append",
        default=[],
        help="another copy of the secrets file, if lines have the id of another index key",
    )
    add_act_options(check, is_reason_required=False)  # only to apply


def _restore_check(settings: "Settings", arguments: Namespace) -> Iterable[str]:
    from entrypoints.commands.journal.restore_check import restore_check

    return restore_check(settings, arguments)


_COMMANDS: Final = (
    Command(
        name="restore-check",
        help="List the deletions, blocks and other acts that the journal has and the database "
        "lacks, as after the restore of a backup. Run it before the service starts, with each "
        "database. Exits with 1 if something is left.",
        examples=(
            "restore-check --journal /var/lib/dialtone-journal/journal.jsonl",
            "restore-check --apply --reason 'restore of 2026-05-01'",
        ),
        add_arguments=_add_restore_check,
        run=_restore_check,
    ),
)
FEATURE_COMMANDS: Final = FeatureCommands(commands=_COMMANDS)
