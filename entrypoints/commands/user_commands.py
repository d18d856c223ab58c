"""`dialtone user` with the actions of the core."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from application.administration import acts
from domain.administration.role_scopes import STAFF_ROLES
from domain.identities.role import Role
from entrypoints.commands.command import Command
from entrypoints.commands.feature_commands import FeatureCommands
from entrypoints.commands.options import (
    ID,
    PHONE,
    REASON_OPTION,
    USER,
    add_act_options,
    add_json_option,
    add_user_options,
)

if TYPE_CHECKING:
    from entrypoints.settings.settings import Settings


def user_command(features: Sequence[FeatureCommands]) -> Command:
    """Return `user`, with the actions of the core and those of features."""
    of_features = [action for feature in features for action in feature.user_actions]
    return Command(
        name="user",
        help="Show a user, or act for one: by phone number, username or user id.",
        examples=(
            f"user show {PHONE}",
            "user block alice --reason 'ticket 4711'",
            *(action.example_of_command for action in of_features if action.example_of_command),
            "user delete --help",
        ),
        actions=(*_FIRST_ACTIONS, _send_code_action(features), *_LATER_ACTIONS, *of_features),
    )


def _add_show(show: ArgumentParser) -> None:
    add_user_options(show, is_reason_required=False)
    add_json_option(show)
    show.add_argument(
        "--full-number",
        action="store_true",
        help="show the whole number; the audit has it, so it needs a reason",
    )


def _show(settings: "Settings", arguments: Namespace) -> Iterable[str]:
    from entrypoints.commands.user_details import show

    return show(settings, arguments)


_HELP_OF_SMS: Final = "by SMS (default: the first message that the country has)"


def _send_code_action(features: Sequence[FeatureCommands]) -> Command:
    def add(send_code: ArgumentParser) -> None:
        add_user_options(send_code)
        send_code.add_argument(
            "--sms", action="store_const", dest="channel", const="sms", help=_HELP_OF_SMS
        )
        for feature in features:
            if feature.add_channels is not None:
                feature.add_channels(send_code)
        help_of_locale = "the language, such as en or pt-BR"
        send_code.add_argument("--locale", metavar="LOCALE", help=help_of_locale)

    return Command(
        name=acts.SEND_CODE.name,
        help="Send a code to a phone, at most three a day. Nobody but its owner sees the code.",
        examples=(
            f"{acts.SEND_CODE.name} {PHONE} {REASON_OPTION}",
            f"{acts.SEND_CODE.name} {PHONE} --locale pt-BR {REASON_OPTION}",
            *(feature.channel_example for feature in features if feature.channel_example),
        ),
        add_arguments=add,
        run=_send_code,
    )


def _add_delete(delete: ArgumentParser) -> None:
    add_user_options(delete)
    delete.add_argument("--yes", action="store_true", help="do not ask")


def _count(settings: "Settings", arguments: Namespace) -> Iterable[str]:
    from entrypoints.commands.users import count_users

    return count_users(settings, arguments)


def _reset_limits(settings: "Settings", arguments: Namespace) -> Iterable[str]:
    from entrypoints.commands.users import reset_limits

    return reset_limits(settings, arguments)


def _send_code(settings: "Settings", arguments: Namespace) -> Iterable[str]:
    from entrypoints.commands.users import send_code

    return send_code(settings, arguments)


def _block(settings: "Settings", arguments: Namespace) -> Iterable[str]:
    from entrypoints.commands.users import block

    return block(settings, arguments)


def _add_unblock(unblock: ArgumentParser) -> None:
    unblock.add_argument("user", metavar="USER", nargs="?", help=USER)
    unblock.add_argument(
        "--by",
        metavar="KIND:ID",
        help="instead of USER: all accounts that this one has blocked and nobody else, such as "
        "service_token:ID or administrator:ID",
    )
    unblock.add_argument(
        "--since", metavar="TIME", help="since when, such as 2026-05-01T09:30:00Z; with --by"
    )
    unblock.add_argument(
        "--dry-run", action="store_true", help="only say what would be unblocked; with --by"
    )
    add_act_options(unblock)


def _unblock(settings: "Settings", arguments: Namespace) -> Iterable[str]:
    if arguments.by is not None:
        from entrypoints.commands.unblock_by_actor import unblock_by_actor

        return unblock_by_actor(settings, arguments)

    from entrypoints.commands.users import unblock

    return unblock(settings, arguments)


def _sign_out(settings: "Settings", arguments: Namespace) -> Iterable[str]:
    from entrypoints.commands.users import sign_out

    return sign_out(settings, arguments)


def _delete(settings: "Settings", arguments: Namespace) -> Iterable[str]:
    from entrypoints.commands.users import delete_user

    return delete_user(settings, arguments)


def _add_promote(promote: ArgumentParser) -> None:
    promote.add_argument(
        "--role",
        choices=STAFF_ROLES,
        default=Role.ADMINISTRATOR,
        help="support finds and helps users, a moderator looks after what users show, an "
        "auditor only reads, an administrator does everything (default: administrator)",
    )
    add_user_options(promote)


def _promote(settings: "Settings", arguments: Namespace) -> Iterable[str]:
    from entrypoints.commands.users import promote

    return promote(settings, arguments)


def _demote(settings: "Settings", arguments: Namespace) -> Iterable[str]:
    from entrypoints.commands.users import demote

    return demote(settings, arguments)


def _restore(settings: "Settings", arguments: Namespace) -> Iterable[str]:
    from entrypoints.commands.users import restore_user

    return restore_user(settings, arguments)


_FIRST_ACTIONS: Final = (
    Command(
        name="count",
        help="Print the number of users: accounts with a username that are not deleted. "
        "Blocked ones count too.",
        examples=(
            "count",
            "count --json",
        ),
        add_arguments=add_json_option,
        run=_count,
    ),
    Command(
        name="show",
        help="Show account, sessions, deliveries, and why the phone gets a code or none. The "
        "phone number is masked.",
        examples=(
            f"show {PHONE}",
            f"show {PHONE} --full-number {REASON_OPTION}",
            f"show {PHONE} --json",
        ),
        add_arguments=_add_show,
        run=_show,
    ),
    Command(
        name=acts.RESET_LIMITS.name,
        help="Let a phone get one code at once: its cooldown and deliveries no longer count. "
        "Possible twice a day. Failed attempts in a row, and limits that many phones "
        "share, stay.",
        examples=(f"{acts.RESET_LIMITS.name} {PHONE} {REASON_OPTION}",),
        add_arguments=add_user_options,
        run=_reset_limits,
    ),
)
_LATER_ACTIONS: Final = (
    Command(
        name=acts.BLOCK.name,
        help=f"{acts.BLOCK.does}. It gets no codes, and its sessions are revoked.",
        examples=(f"{acts.BLOCK.name} {PHONE} {REASON_OPTION}",),
        add_arguments=add_user_options,
        run=_block,
    ),
    Command(
        name=acts.UNBLOCK.name,
        help="Allow a blocked phone to sign in, or all that somebody has blocked.",
        examples=(
            f"{acts.UNBLOCK.name} {PHONE} {REASON_OPTION}",
            f"{acts.UNBLOCK.name} --by service_token:{ID} --since 2026-05-01T09:30:00Z --dry-run "
            f"{REASON_OPTION}",
        ),
        add_arguments=_add_unblock,
        run=_unblock,
    ),
    Command(
        name=acts.SIGN_OUT.name,
        help="Revoke all sessions. The user may sign in again.",
        examples=(f"{acts.SIGN_OUT.name} {PHONE} {REASON_OPTION}",),
        add_arguments=add_user_options,
        run=_sign_out,
    ),
    Command(
        name=acts.DELETE.name,
        help="Delete an account, as its owner would. Nobody can undo it.",
        examples=(
            f"{acts.DELETE.name} {PHONE} {REASON_OPTION}",
            f"{acts.DELETE.name} {PHONE} --yes {REASON_OPTION}",
        ),
        add_arguments=_add_delete,
        run=_delete,
    ),
    Command(
        name=acts.PROMOTE.name,
        help=f"{acts.PROMOTE.does}, from the next login on.",
        examples=(
            f"{acts.PROMOTE.name} {PHONE} {REASON_OPTION}",
            f"{acts.PROMOTE.name} {PHONE} --role support {REASON_OPTION}",
        ),
        add_arguments=_add_promote,
        run=_promote,
    ),
    Command(
        name=acts.DEMOTE.name,
        help=f"{acts.DEMOTE.does}, from the next request on.",
        examples=(f"{acts.DEMOTE.name} {PHONE} {REASON_OPTION}",),
        add_arguments=add_user_options,
        run=_demote,
    ),
    Command(
        name=acts.RESTORE.name,
        help=f"{acts.RESTORE.does}, by the user id in the event "
        "identity_detached. The present account loses it.",
        examples=(f"{acts.RESTORE.name} {ID} {REASON_OPTION}",),
        add_arguments=add_user_options,
        run=_restore,
    ),
)
