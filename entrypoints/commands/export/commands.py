"""The action of `dialtone user` that exports all data."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from application.administration.acts import scopes_of
from application.export.acts import EXPORT
from entrypoints.commands.command import Command
from entrypoints.commands.feature_commands import FeatureCommands
from entrypoints.commands.options import ID, PHONE, REASON_OPTION, add_user_options

if TYPE_CHECKING:
    from entrypoints.settings.settings import Settings


def _add_export(export: ArgumentParser) -> None:
    add_user_options(export)
    export.add_argument(
        "--output",
        metavar="FILE.zip",
        required=True,
        help="the file to create, with mode 0600; an existing one is never changed",
    )


def _export(settings: "Settings", arguments: Namespace) -> Iterable[str]:
    from entrypoints.commands.export.export_user import export

    return export(settings, arguments)


_USER_ACTIONS: Final = (
    Command(
        name=EXPORT.name,
        help="Write all data of a user to a ZIP file, with a page that explains it.",
        examples=(f"{EXPORT.name} {PHONE} --output alice.zip {REASON_OPTION}",),
        example_of_command=(
            f"user {EXPORT.name} {ID} --output alice.zip --reason 'letter of 3 May' --as jane"
        ),
        add_arguments=_add_export,
        run=_export,
    ),
)
FEATURE_COMMANDS: Final = FeatureCommands(user_actions=_USER_ACTIONS, scopes=scopes_of([EXPORT]))
