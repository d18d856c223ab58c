"""The actions of `dialtone user` about passkeys."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from application.passkeys.acts import INVITE, REMOVE
from entrypoints.commands.command import Command
from entrypoints.commands.feature_commands import FeatureCommands
from entrypoints.commands.options import (
    PHONE,
    REASON_OPTION,
    USER,
    add_json_option,
    add_user_options,
)

if TYPE_CHECKING:
    from entrypoints.settings.settings import Settings


def _invite(settings: "Settings", arguments: Namespace) -> Iterable[str]:
    from entrypoints.commands.passkeys.passkeys import invite

    return invite(settings, arguments)


def _add_list(list_passkeys: ArgumentParser) -> None:
    list_passkeys.add_argument("user", metavar="USER", help=USER)
    list_passkeys.set_defaults(reason="", acts_as=None)
    add_json_option(list_passkeys)


def _list(settings: "Settings", arguments: Namespace) -> Iterable[str]:
    from entrypoints.commands.passkeys.passkeys import list_passkeys

    return list_passkeys(settings, arguments)


def _add_remove(remove: ArgumentParser) -> None:
    add_user_options(remove)
    removed = remove.add_mutually_exclusive_group(required=True)
    removed.add_argument("name", metavar="NAME_OR_ID", nargs="?", help="the passkey")
    removed.add_argument("--all", action="store_true", help="all passkeys of the user")


def _remove(settings: "Settings", arguments: Namespace) -> Iterable[str]:
    from entrypoints.commands.passkeys.passkeys import remove

    return remove(settings, arguments)


_USER_ACTIONS: Final = (
    Command(
        name=INVITE.name,
        help="Print a link with which somebody of the staff adds a passkey. It is valid for 15 "
        "minutes, and once: whoever has it gets into the console, so hand it over in person or by "
        "a channel that you trust.",
        examples=(f"{INVITE.name} {PHONE} {REASON_OPTION}",),
        add_arguments=add_user_options,
        run=_invite,
    ),
    Command(
        name="passkeys",
        help="List the passkeys of somebody of the staff.",
        examples=(f"passkeys {PHONE}", f"passkeys {PHONE} --json"),
        add_arguments=_add_list,
        run=_list,
    ),
    Command(
        name=REMOVE.name,
        help="Remove a passkey of somebody who lost it, or all of them. All sessions of the "
        "console end.",
        examples=(
            f"{REMOVE.name} {PHONE} laptop {REASON_OPTION}",
            f"{REMOVE.name} {PHONE} --all {REASON_OPTION}",
        ),
        add_arguments=_add_remove,
        run=_remove,
    ),
)
FEATURE_COMMANDS: Final = FeatureCommands(user_actions=_USER_ACTIONS)
