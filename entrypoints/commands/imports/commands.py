"""The command of imports."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from entrypoints.commands.command import Command
from entrypoints.commands.feature_commands import FeatureCommands
from entrypoints.commands.options import add_act_options

if TYPE_CHECKING:
    from entrypoints.settings.settings import Settings


def _add_users(users: ArgumentParser) -> None:
    users.add_argument(
        "file",
        metavar="FILE",
        help="the file, in UTF-8: JSON lines if it begins with {, otherwise CSV with a header. Its "
        "fields are phone, id, external_id, username, created_at and blocked, others are an error",
    )
    users.add_argument(
        "--dry-run", action="store_true", help="only report: no user is written to the database"
    )
    users.add_argument(
        "--ignore-blocks",
        action="store_true",
        help="import everybody as not blocked; without it, a file must say who is blocked",
    )
    users.add_argument(
        "--region",
        metavar="COUNTRY",
        help="the country of numbers without a country code (default: DIALTONE_DEFAULT_REGION)",
    )
    users.add_argument(
        "--rejected",
        metavar="FILE.csv",
        help="the file for lines that are not imported (default: FILE.rejected.csv)",
    )
    users.add_argument(
        "--replace", action="store_true", help="replace the file of rejected lines if it exists"
    )
    add_act_options(users, is_reason_required=False)  # not for a dry run


def _import_users(settings: "Settings", arguments: Namespace) -> Iterable[str]:
    from entrypoints.commands.imports.users import import_users

    return import_users(settings, arguments)


def _add_hookaba(hookaba: ArgumentParser) -> None:
    hookaba.add_argument(
        "--from",
        dest="source",
        metavar="URL",
        required=True,
        help="its database: mongodb://host/name, or env:NAME of a variable that has the URL",
    )
    hookaba.add_argument(
        "--files",
        metavar="PLACE",
        help="its files: s3://bucket, or file:path of a copy of the bucket; without it, users only",
    )
    hookaba.add_argument(
        "--bucket",
        metavar="NAME",
        help="the bucket in the URLs of its library, if --files is a folder or another bucket",
    )
    hookaba.add_argument(
        "--region",
        metavar="COUNTRY",
        help="the country of numbers without a country code (default: DIALTONE_DEFAULT_REGION)",
    )
    hookaba.add_argument(
        "--dry-run",
        action="store_true",
        help="only report: no record and no file is written, and no image is decoded",
    )
    hookaba.add_argument(
        "--report",
        metavar="FILE.csv",
        help="the file for rows that are not imported; default: a new one in the current folder",
    )
    hookaba.add_argument(
        "--replace", action="store_true", help="replace the file of --report if it exists"
    )
    add_act_options(hookaba, is_reason_required=False)  # not for a dry run


def _import_hookaba(settings: "Settings", arguments: Namespace) -> Iterable[str]:
    from entrypoints.commands.imports.hookaba import import_hookaba

    return import_hookaba(settings, arguments)


_COMMANDS: Final = (
    Command(
        name="import",
        help="Import users from elsewhere.",
        examples=("import users users.csv --dry-run", "import hookaba --help"),
        kind_of_actions="source",
        actions=(
            Command(
                name="users",
                help="Import users from a file: CSV with a header, or JSON lines. Repeat it to "
                "continue. docs/importing.md has recipes for users of other services.",
                examples=(
                    "users users.csv --dry-run",
                    "users users.jsonl --reason 'move from Firebase'",
                    "users users.csv.rejected.csv --region IN --reason 'move'",
                ),
                add_arguments=_add_users,
                run=_import_users,
            ),
            Command(
                name="hookaba",
                help="Import users, library and files of hookaba-backend, which is only read. "
                "Repeat it to continue, or to import what is new there. See "
                "docs/moving_from_hookaba.md.",
                examples=(
                    "hookaba --from env:HOOKABA_MONGO_URI --files s3://hookaba-images --dry-run",
                    "hookaba --from mongodb://127.0.0.1:27017/hookaba --files s3://hookaba-images "
                    "--reason 'move'",
                    "hookaba --from env:HOOKABA_MONGO_URI --files file:copy --bucket "
                    "hookaba-images --reason 'move'",
                ),
                add_arguments=_add_hookaba,
                run=_import_hookaba,
            ),
        ),
    ),
)
FEATURE_COMMANDS: Final = FeatureCommands(commands=_COMMANDS)
