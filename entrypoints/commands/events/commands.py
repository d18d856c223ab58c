"""The command of events."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from entrypoints.commands.command import Command
from entrypoints.commands.feature_commands import FeatureCommands
from entrypoints.commands.options import ID, PHONE, USER, add_act_options, add_json_option, positive

if TYPE_CHECKING:
    from entrypoints.settings.settings import Settings


DEFAULT_RATE: Final = 50
"""Requests a second: a million users take some six hours, and a small receiver follows."""
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


def _add_snapshot(snapshot: ArgumentParser) -> None:
    snapshot.add_argument(
        "destination",
        metavar="DESTINATION",
        help="one of DIALTONE_EVENTS, as `check-settings` shows it, or a part that no other has",
    )
    snapshot.add_argument(
        "--rate",
        metavar="N",
        type=positive,
        default=DEFAULT_RATE,
        help=f"how many requests begin in a second at most (default: {DEFAULT_RATE})",
    )
    snapshot.add_argument(
        "--after",
        metavar="POSITION",
        help="continue a snapshot that ended early, from the position that it has printed",
    )
    add_act_options(snapshot)


def _snapshot(settings: "Settings", arguments: Namespace) -> Iterable[str]:
    from entrypoints.commands.events.snapshot import send_snapshot

    return send_snapshot(settings, arguments)


_COMMANDS: Final = (
    Command(
        name="events",
        help="List the events that a destination of DIALTONE_EVENTS has not accepted, or send them "
        "again. Send all users to a destination.",
        examples=(
            "events list --failed",
            f"events list {PHONE}",
            "events retry",
            "events snapshot backend.example.org --reason 'new backend'",
        ),
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
            Command(
                name="snapshot",
                help="Send user.snapshot for each user to one destination. A service may run "
                "meanwhile. See docs/events.md.",
                examples=(
                    "snapshot https://backend.example.org --reason 'new backend'",
                    "snapshot backend.example.org --rate 200 --reason 'new backend'",
                    "snapshot backend.example.org --reason 'new backend' --after "
                    f"1777627800000-{ID}",
                ),
                add_arguments=_add_snapshot,
                run=_snapshot,
            ),
        ),
    ),
)
FEATURE_COMMANDS: Final = FeatureCommands(commands=_COMMANDS)
