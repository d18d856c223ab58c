"""The action of `dialtone user` that changes the number."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from application.administration.acts import scopes_of
from application.phone_change.acts import CHANGE_PHONE
from entrypoints.commands.command import Command
from entrypoints.commands.feature_commands import FeatureCommands
from entrypoints.commands.options import PHONE, add_user_options

if TYPE_CHECKING:
    from entrypoints.settings.settings import Settings


_NEW_PHONE: Final = "+14155552672"


def _add_change_phone(change_phone: ArgumentParser) -> None:
    # An error of its own says what to write as the reason.
    add_user_options(change_phone, is_reason_required=False)
    change_phone.add_argument("new_number", metavar="NEW_NUMBER", help="the number that it gets")
    change_phone.add_argument(
        "--no-undo",
        action="store_true",
        help="where phone and SIM were stolen: the former number cannot undo it",
    )


def _change_phone(settings: "Settings", arguments: Namespace) -> Iterable[str]:
    from entrypoints.commands.phone_change.change_phone import change_phone

    return change_phone(settings, arguments)


_USER_ACTIONS: Final = (
    Command(
        name=CHANGE_PHONE.name,
        help="Give an account another number, for an owner who lost the former one. --reason is "
        "required. All sessions end, and an administrator becomes a member. The former number gets "
        "a message, and can undo it for seven days.",
        examples=(
            f"{CHANGE_PHONE.name} {PHONE} {_NEW_PHONE} --reason 'ticket 4711: passport'",
            f"{CHANGE_PHONE.name} {PHONE} {_NEW_PHONE} --no-undo "
            "--reason 'ticket 4712: police report of the theft'",
        ),
        add_arguments=_add_change_phone,
        run=_change_phone,
    ),
)
FEATURE_COMMANDS: Final = FeatureCommands(
    user_actions=_USER_ACTIONS, scopes=scopes_of([CHANGE_PHONE])
)
