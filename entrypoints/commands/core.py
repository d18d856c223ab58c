"""The commands of the core. Each imports what it needs when it runs."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from entrypoints.commands.command import Command
from entrypoints.commands.feature_commands import FeatureCommands
from entrypoints.commands.options import ID, PHONE, USER, add_json_option, positive
from entrypoints.commands.user_commands import user_command

if TYPE_CHECKING:
    from entrypoints.settings.settings import Settings

_FULL_CHECK: Final = "also compare the indexes with the tables, which may take minutes"
_PLACE: Final = (
    "a URL as in DIALTONE_DATABASE, or env:NAME if NAME, or the file in NAME_FILE, has it"
)


def core_commands(features: Sequence[FeatureCommands]) -> Sequence[Command]:
    """Return the commands of the core, with what features add to them."""
    return (
        _RUN,
        _check_settings_command(features),
        *_COMMANDS_OF_DATABASES,
        _copy_command([each.not_copied for each in features if each.not_copied]),
        *_COMMANDS_OF_KEYS,
        user_command(features),
        _AUDIT,
    )


def _add_run(run: ArgumentParser) -> None:
    run.add_argument(
        "--force",
        action="store_true",
        help="use a database that was copied to another one; what is written to it is not in the "
        "copy",
    )


def _run(settings: "Settings", arguments: Namespace) -> Iterable[str]:
    from entrypoints.commands.run import run

    return run(settings, arguments)


def _check_settings_command(features: Sequence[FeatureCommands]) -> Command:
    def add(check: ArgumentParser) -> None:
        check.set_defaults(more_checks=[])
        check.add_argument(
            "--templates",
            action="store_true",
            help="show the message of each SMS template instead",
        )
        tried = [each.tried for each in features if each.tried]
        parts = ", ".join(["the keys", "the database", *tried, "the providers"])
        check.add_argument(
            "--connect",
            action="store_true",
            help=f"try {parts} and the other parts that the settings name instead, and list the "
            "ids of the keys; nothing is changed, no message is sent and nobody is called",
        )
        for each in features:
            if each.add_checks is not None:
                each.add_checks(check)

    return Command(
        name="check-settings",
        help="Check all settings, and show them without secrets.",
        examples=("check-settings", "check-settings --templates", "check-settings --connect"),
        add_arguments=add,
        run=_check_settings,
        checks_files=True,
    )


def _check_settings(settings: "Settings", arguments: Namespace) -> Iterable[str]:
    from entrypoints.commands.check_settings import check_settings

    return check_settings(settings, arguments)


def _cleanup(settings: "Settings", arguments: Namespace) -> Iterable[str]:
    from entrypoints.commands.cleanup import cleanup

    return cleanup(settings, arguments)


def _add_migrate(migrate: ArgumentParser) -> None:
    action = migrate.add_mutually_exclusive_group()
    action.add_argument(
        "--dry-run",
        action="store_true",
        help="show what would be created; nothing is changed",
    )
    action.add_argument(
        "--delete-records",
        nargs="+",
        default=[],
        metavar="TABLE",
        help="instead, delete the records of a feature that this program does not have",
    )
    migrate.add_argument("--yes", action="store_true", help="confirm the deletion of records")


def _migrate(settings: "Settings", arguments: Namespace) -> Iterable[str]:
    from entrypoints.commands.migrate import migrate

    return migrate(settings, arguments)


def _add_backup(backup: ArgumentParser) -> None:
    backup.add_argument("--replace", action="store_true", help="replace an existing backup")
    backup.add_argument("--full-check", action="store_true", help=_FULL_CHECK)
    backup.add_argument(
        "--fingerprint",
        action="store_true",
        help="instead, show which keys the database needs, or a backup of SQLite; works with each "
        "database",
    )
    backup.add_argument("file", metavar="FILE", nargs="?", help="the file to write")


def _back_up(settings: "Settings", arguments: Namespace) -> Iterable[str]:
    from entrypoints.commands.backup import back_up

    return back_up(settings, arguments)


def _add_restore(restore: ArgumentParser) -> None:
    restore.add_argument("--full-check", action="store_true", help=_FULL_CHECK)
    restore.add_argument("file", metavar="FILE", help="a file that `dialtone backup` wrote")


def _restore(settings: "Settings", arguments: Namespace) -> Iterable[str]:
    from entrypoints.commands.backup import restore

    return restore(settings, arguments)


def _add_copy(copy: ArgumentParser) -> None:
    copy.add_argument("--from", dest="source", metavar="URL", required=True, help=_PLACE)
    copy.add_argument(
        "--to",
        dest="target",
        metavar="URL",
        required=True,
        help=f"{_PLACE}; the list of processes shows arguments to everybody, also a password",
    )
    copy.add_argument(
        "--to-secrets-file",
        metavar="FILE",
        help="the keys of the target: its keys of phone_index and phone_encryption may be others",
    )
    copy.add_argument("--dry-run", action="store_true", help="count records; nothing is changed")
    copy.add_argument("--force", action="store_true", help="copy a database that was copied before")


def _copy(settings: "Settings", arguments: Namespace) -> Iterable[str]:
    from entrypoints.commands.copy import copy

    return copy(settings, arguments)


def _copy_command(not_copied: Sequence[str]) -> Command:
    return Command(
        name="copy",
        help=" ".join(
            [
                "Copy all records of a database to an empty one, which may be of another kind. "
                "Stop all instances of the service first. Run it again after an interruption.",
                *not_copied,
            ]
        ),
        examples=(
            "copy --from sqlite:///var/dialtone.db --to env:NEW_DATABASE --dry-run",
            "copy --from sqlite:///var/dialtone.db --to env:NEW_DATABASE",
            "copy --from env:DIALTONE_DATABASE --to env:NEW_DATABASE --to-secrets-file new.json",
        ),
        add_arguments=_add_copy,
        run=_copy,
    )


def _add_keys(keys: ArgumentParser) -> None:
    keys.add_argument("action", choices=["generate"], help="what to do")
    keys.add_argument(
        "file", metavar="FILE", help="the file to create; - prints the keys for DIALTONE_SECRETS"
    )


def _generate_keys(_: None, arguments: Namespace) -> Iterable[str]:
    from entrypoints.commands.keys import generate_keys

    return generate_keys(arguments)


def _add_rotate_keys(rotate: ArgumentParser) -> None:
    rotate.add_argument(
        "--after",
        metavar="DURATION",
        default="1m",
        help="use the new keys after this time, from 1m (default) to 30d; it has to be longer "
        "than copying the secrets file to other machines takes",
    )


def _rotate_keys(settings: "Settings", arguments: Namespace) -> Iterable[str]:
    from entrypoints.commands.keys import rotate_keys

    return rotate_keys(settings, arguments)


def _reencrypt_phones(settings: "Settings", arguments: Namespace) -> Iterable[str]:
    from entrypoints.commands.keys import reencrypt_phones

    return reencrypt_phones(settings, arguments)


def _add_audit(audit: ArgumentParser) -> None:
    audit.add_argument(
        "user",
        metavar="USER",
        nargs="?",
        help=f"only what was done to this user: {USER}, or the hash that another entry shows",
    )
    audit.add_argument(
        "--by",
        metavar="KIND:ID",
        help="only what this one did: administrator:ID, user:ID, service_token:ID or "
        "operating_system_user:NAME",
    )
    audit.add_argument(
        "--limit", metavar="N", type=positive, default=50, help="how many entries (default: 50)"
    )
    add_json_option(audit)


def _audit(settings: "Settings", arguments: Namespace) -> Iterable[str]:
    from entrypoints.commands.audit import audit

    return audit(settings, arguments)


_RUN: Final = Command(
    name="run",
    help="Start the HTTP service. Ctrl-C or SIGTERM stops it.",
    examples=("run",),
    add_arguments=_add_run,
    run=_run,
    checks_files=True,
)
_COMMANDS_OF_DATABASES: Final = (
    Command(
        name="cleanup",
        help="Delete expired and abandoned data. Safe while the service runs.",
        examples=("cleanup",),
        run=_cleanup,
    ),
    Command(
        name="migrate",
        help="Create the tables, columns and indexes that this version needs, before it is "
        "started. Safe while an older version runs.",
        examples=("migrate --dry-run", "migrate", "migrate --delete-records TABLE --yes"),
        add_arguments=_add_migrate,
        run=_migrate,
    ),
    Command(
        name="backup",
        help="Copy the SQLite database to a file. Safe while the service runs.",
        examples=(
            "backup /srv/backup/dialtone.db",
            "backup --replace /srv/backup/dialtone.db",
            "backup --fingerprint",
        ),
        add_arguments=_add_backup,
        run=_back_up,
    ),
    Command(
        name="restore",
        help="Replace the SQLite database by a backup. Stop all instances of the service first. "
        "The old database is kept beside it.",
        examples=("restore /srv/backup/dialtone.db",),
        add_arguments=_add_restore,
        run=_restore,
    ),
)
_COMMANDS_OF_KEYS: Final = (
    Command(
        name="keys",
        help="Create a secrets file with new keys. An existing file is never changed.",
        examples=("keys generate /etc/dialtone/secrets.json", "keys generate -"),
        add_arguments=_add_keys,
        run=_generate_keys,
        reads_settings=False,  # it helps where they are not valid yet
    ),
    Command(
        name="rotate-keys",
        help="Add new keys to the secrets file. The old keys stay valid as long as they are "
        "needed.",
        examples=("rotate-keys", "rotate-keys --after 1h"),
        add_arguments=_add_rotate_keys,
        run=_rotate_keys,
    ),
    Command(
        name="reencrypt-phones",
        help="Encrypt all stored phones with the current key. Safe while the service runs.",
        examples=("reencrypt-phones",),
        run=_reencrypt_phones,
    ),
)
_AUDIT: Final = Command(
    name="audit",
    help="Show who did what to whom, when and why, the newest first.",
    examples=("audit", f"audit {PHONE}", f"audit --by administrator:{ID} --limit 200"),
    add_arguments=_add_audit,
    run=_audit,
)
