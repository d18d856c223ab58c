"""`dialtone user`: actions of the core, acts of the table of acts, and actions of features."""

from typing import Final

from entrypoints.commands.administration.user_acts import act_commands
from entrypoints.commands.shared.command import CommandGroup
from entrypoints.commands.shared.options import PHONE
from entrypoints.commands.table import CORE, OF_FEATURES

user: Final = CommandGroup(
    "user",
    help="Show a user, or act for one: by phone number, username or user id.",
    examples=[f"show {PHONE}", "block alice --reason 'ticket 4711'", "delete --help"],
)
for command in [
    *CORE.user_actions,
    *act_commands(),
    *(action for additions in OF_FEATURES.values() for action in additions.user_actions),
]:
    user.add_command(command)
