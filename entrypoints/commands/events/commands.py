"""The command of events."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from entrypoints.commands.command import Command
from entrypoints.commands.feature_commands import FeatureCommands
from entrypoints.commands.options import ID, PHONE, USER, add_json_option, positive

if TYPE_CHECKING:
    from entrypoints.settings.settings import Settings


_OF_USER: Final = f"only those of this user: {USER}"


def _add_list(listed: ArgumentParser) -> None:
    listed.add_argument("user", metavar="USER", nargs="?", help=_OF_USER)
    listed.add_argument(
        "--failed", action="store_true", help="only those that are kept after three days"
    )
    listed.add_argument(
        "--limit", metavar="N", type=positive, default=50, help="how many events (default: 50)"
    )
    add_json_option(listed)


def _list(settings: "Settings", arguments: Namespace) -> Iterable[str]:
    from entrypoints.commands.events.events import list_events

    return list_events(settings, arguments)


def _add_retry(retry: ArgumentParser) -> None:
    which = retry.add_mutually_exclusive_group()
    which.add_argument("user", metavar="USER", nargs="?", help=_OF_USER)
    which.add_argument("--all", action="store_true", help="those of all users (the default)")


def _retry(settings: "Settings", arguments: Namespace) -> Iterable[str]:
    from entrypoints.commands.events.events import retry

    return retry(settings, arguments)


_COMMANDS: Final = (
    Command(
        name="events",
        help="List the events that a destination of DIALTONE_EVENTS has not accepted, or send them "
        "again.",
        examples=("events list --failed", f"events list {PHONE}", "events retry"),
        actions=(
            Command(
                name="list",
                help="List the events that failed for three days and are kept, and those that "
                "wait.",
                examples=("list", "list --failed --limit 200", f"list {ID} --json"),
                add_arguments=_add_list,
                run=_list,
            ),
            Command(
                name="retry",
                help="Let events be sent again, from now on for three days more. A running service "
                "sends them within 30 seconds.",
                examples=("retry", f"retry {PHONE}"),
                add_arguments=_add_retry,
                run=_retry,
            ),
        ),
    ),
)
FEATURE_COMMANDS: Final = FeatureCommands(commands=_COMMANDS)
