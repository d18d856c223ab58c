"""The arguments of each command, and the help."""

import argparse
import re
from typing import Final, NoReturn

from entrypoints.commands.import_arguments import add_import_commands
from entrypoints.commands.user_arguments import (
    AddCommand,
    add_act_options,
    add_user_aliases,
    add_user_commands,
    make_add_command,
)
from entrypoints.version.distribution import describe_version

_HELP: Final = """\
commands:
{commands}

examples:
  dialtone run
  dialtone user show +14155552671
  dialtone user send-code --help

Settings are environment variables, or lines of the file .env in the current folder.
.env.example lists all of them."""

_URL: Final = re.compile(r"(?<=://)\S+")
_FULL_CHECK: Final = "also compare the indexes with the tables, which may take minutes"
_ACTIONS: Final = "check: report all problems; draw: print a flowchart; try: call it"


class _Parser(argparse.ArgumentParser):
    """A parser whose errors show no URL: it may have a password."""

    def error(self, message: str) -> NoReturn:
        """Print the message, and exit."""
        super().error(_URL.sub("(hidden)", message))


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    parser: argparse.ArgumentParser = _Parser(
        prog="dialtone",
        usage="dialtone [--help] [--version] COMMAND ...",
        description="Phone number sign-in, users and an image library over HTTP.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"dialtone {describe_version()}")
    commands = parser.add_subparsers(
        prog="dialtone", dest="command", required=True, metavar="COMMAND", help=argparse.SUPPRESS
    )

    add = make_add_command(commands, "dialtone")

    def add_flag(command: argparse.ArgumentParser, name: str, description: str) -> None:
        command.add_argument(name, action="store_true", help=description)

    run = add("run", "Start the HTTP service. Ctrl-C or SIGTERM stops it.", "run")
    add_flag(
        run,
        "--force",
        "use a database that was copied to another one; what is written to it is not in the copy",
    )
    check = add(
        "check-settings",
        "Check all settings, and show them without secrets.",
        "check-settings",
        "check-settings --templates",
        "check-settings --connect",
    )
    add_flag(check, "--templates", "show the message of each SMS template instead")
    add_flag(
        check,
        "--connect",
        "try the keys, the database, the media store, the providers and the other parts that the "
        "settings name instead; nothing is changed, no message is sent and nobody is called",
    )
    add("cleanup", "Delete expired and abandoned data. Safe while the service runs.", "cleanup")
    _add_migrate(add)
    media = add(
        "media",
        "Compare the library with the media store, or rebuild variants. check: compare them, for "
        "example after a backup was restored. rebuild-variants: make the variants that "
        "DIALTONE_MEDIA_VARIANTS names for all images, and delete others. Both are safe while the "
        "service runs, and may be repeated.",
        "media check",
        "media check --repair",
        "media rebuild-variants",
    )
    media.add_argument(
        "action", metavar="ACTION", choices=["check", "rebuild-variants"], help="what to do"
    )
    add_flag(media, "--repair", "check: delete items without their file, and files without an item")
    add_flag(media, "--force", "check: repair also if no item has its file at all")
    _add_backups(add)
    _add_copy(add)
    generate = add(
        "keys",
        "Create a secrets file with new keys. An existing file is never changed.",
        "keys generate /etc/dialtone/secrets.json",
        "keys generate -",
    )
    generate.add_argument("action", choices=["generate"], help="what to do")
    generate.add_argument(
        "file", metavar="FILE", help="the file to create; - prints the keys for DIALTONE_SECRETS"
    )
    rotate = add(
        "rotate-keys",
        "Add new keys to the secrets file. The old keys stay valid as long as they are needed.",
        "rotate-keys",
        "rotate-keys --after 1h",
    )
    rotate.add_argument(
        "--after",
        metavar="DURATION",
        default="1m",
        help="use the new keys after this time, from 1m (default) to 30d; it has to be longer "
        "than copying the secrets file to other machines takes",
    )
    add(
        "reencrypt-phones",
        "Encrypt all stored phones with the current key. Safe while the service runs.",
        "reencrypt-phones",
    )
    add(
        "rotate-index-key",
        "Change the key that phones are found by. Stop all instances of the service first. Run it "
        "again after an interruption.",
        "rotate-index-key",
    )
    add_import_commands(add)
    add_user_commands(add)
    _add_costs(add)
    _add_statistics(add)
    add_user_aliases(add)
    flow = add(
        "flow",
        "Check a call flow, draw it as a Mermaid flowchart, or walk it in the terminal.",
        "flow check flow.toml",
        "flow draw flow.toml",
        "flow try flow.toml --caller verified --phone +14155552671",
    )
    flow.add_argument("action", metavar="ACTION", choices=["check", "draw", "try"], help=_ACTIONS)
    flow.add_argument(
        "file",
        metavar="FILE",
        nargs="?",
        help="a TOML file; default: DIALTONE_CALL_FLOW, or the flow of the service",
    )
    flow.add_argument(
        "--caller",
        choices=["unknown", "unverified", "verified", "anonymous"],
        default="unknown",
        help="whose number the caller has, for try (default: unknown); anonymous: none",
    )
    flow.add_argument(
        "--phone",
        metavar="PHONE",
        default="+14155552671",
        help="the caller's number, for try; its country selects the locale",
    )
    voice = add("voice", "Show what to enter at the provider of the phone line.", "voice urls")
    voice.add_argument("action", metavar="ACTION", choices=["urls"], help="urls: show them")
    # argparse's own list puts the longest name on a line of its own.
    width = max(map(len, commands.choices))
    parser.epilog = _HELP.format(
        commands="\n".join(
            f"  {name:<{width}} {str(command.description).partition('.')[0]}"
            for name, command in commands.choices.items()
        )
    )
    return parser


def _add_migrate(add: AddCommand) -> None:
    migrate = add(
        "migrate",
        "Create the tables, columns and indexes that this version needs, before it is started. "
        "Safe while an older version runs.",
        "migrate --dry-run",
        "migrate",
    )
    migrate.add_argument(
        "--dry-run",
        action="store_true",
        help="show what would be created; nothing is changed",
    )


def _add_backups(add: AddCommand) -> None:
    backup = add(
        "backup",
        "Copy the SQLite database to a file. Safe while the service runs.",
        "backup /srv/backup/dialtone.db",
        "backup --replace /srv/backup/dialtone.db",
        "backup --fingerprint",
    )
    backup.add_argument("--replace", action="store_true", help="replace an existing backup")
    backup.add_argument("--full-check", action="store_true", help=_FULL_CHECK)
    backup.add_argument(
        "--fingerprint",
        action="store_true",
        help="instead, show which keys the database needs, or a backup of SQLite; works with each "
        "database",
    )
    backup.add_argument("file", metavar="FILE", nargs="?", help="the file to write")
    restored = add(
        "restore",
        "Replace the SQLite database by a backup. Stop all instances of the service first. The "
        "old database is kept beside it.",
        "restore /srv/backup/dialtone.db",
    )
    restored.add_argument("--full-check", action="store_true", help=_FULL_CHECK)
    restored.add_argument("file", metavar="FILE", help="a file that `dialtone backup` wrote")
    check = add(
        "restore-check",
        "List the deletions, blocks, ends of sessions, changes of numbers and roles, and hidden or "
        "deleted items that the journal has and the database lacks, as after the restore of a "
        "backup. Run it before the service starts, with each database. Exits with 1 if something "
        "is left.",
        "restore-check --journal /var/lib/dialtone-journal/journal.jsonl",
        "restore-check --apply --reason 'restore of 2026-05-01'",
    )
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


def _add_copy(add: AddCommand) -> None:
    copy = add(
        "copy",
        "Copy all records of a database to an empty one, which may be of another kind. Stop all "
        "instances of the service first. Run it again after an interruption. Media files are not "
        "copied.",
        "copy --from sqlite:///var/dialtone.db --to env:NEW_DATABASE --dry-run",
        "copy --from sqlite:///var/dialtone.db --to env:NEW_DATABASE",
    )
    place = "a URL as in DIALTONE_DATABASE, or env:NAME if NAME, or the file in NAME_FILE, has it"
    copy.add_argument("--from", dest="source", metavar="URL", required=True, help=place)
    copy.add_argument(
        "--to",
        dest="target",
        metavar="URL",
        required=True,
        help=f"{place}; the list of processes shows arguments to everybody, also a password",
    )
    copy.add_argument("--dry-run", action="store_true", help="count records; nothing is changed")
    copy.add_argument("--force", action="store_true", help="copy a database that was copied before")


def _add_costs(add: AddCommand) -> None:
    costs = add(
        "costs",
        "Report what messages and calls cost, by country, provider or channel. Days are those of "
        "UTC; what the service counted within the last ten seconds may be missing.",
        "costs",
        "costs --from 2026-07-01 --to 2026-07-31 --by provider",
        "costs --json",
    )
    costs.add_argument(
        "--from",
        dest="first",
        metavar="DATE",
        help="the first day (default: the first of the month)",
    )
    costs.add_argument("--to", dest="last", metavar="DATE", help="the last day (default: today)")
    costs.add_argument(
        "--by",
        choices=["country", "provider", "channel"],
        default="country",
        help="what the costs are summed by (default: country)",
    )
    costs.add_argument("--json", action="store_true", help="print JSON")
    prices = add(
        "prices",
        "List the countries of DIALTONE_COUNTRIES that the file of DIALTONE_PRICES has no price "
        "for, and the price that they have instead.",
        "prices check",
    )
    prices.add_argument("action", metavar="ACTION", choices=["check"], help="check: list them")


def _add_statistics(add: AddCommand) -> None:
    statistics = add(
        "statistics",
        "Report messages, logins, rejections and security events of the last hours, at most 168. "
        "Hours are those of UTC; what the service counted within the last minute may be missing.",
        "statistics",
        "statistics --hours 168 --by hour --country IN",
        "statistics --json",
    )
    statistics.add_argument(
        "--hours",
        metavar="N",
        type=int,
        default=24,
        help="how many hours, with the one that is not over (default: 24)",
    )
    statistics.add_argument(
        "--by",
        choices=["country", "provider", "channel", "hour"],
        default="country",
        help="what the messages are summed by (default: country)",
    )
    statistics.add_argument(
        "--country", metavar="COUNTRY", help="only messages to this country, such as IN"
    )
    statistics.add_argument(
        "--provider", metavar="NAME", help="only messages of this provider, such as twilio"
    )
    statistics.add_argument("--json", action="store_true", help="print JSON")
