"""All commands of `dialtone`, and what features add to them.

Help reads this table. The module of a command is imported when the command is called.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from entrypoints.commands.shared.command import LazyCommand


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandAdditions:
    """The commands of the core, or those that a feature adds.

    Attributes:
        subject: What the program does with it, for the first line of the help.
        tried: What `check-settings --connect` tries, for the help of that command.
        check_options: Options of `check-settings` that imply `--connect`, as `module:name`. The
            value of each is a function, which returns checks of the settings by the names of their
            parts.
        not_copied: What `dialtone copy` leaves, in a sentence.
        scopes: Scopes of service tokens that its acts need.
    """

    commands: Sequence[LazyCommand] = ()
    user_actions: Sequence[LazyCommand] = ()
    subject: str = ""
    tried: str = ""
    check_options: Sequence[str] = ()
    not_copied: str = ""
    scopes: Sequence[str] = ()


CORE: Final = CommandAdditions(
    commands=(
        LazyCommand("entrypoints.commands.operations.run:run", "Start the HTTP service"),
        LazyCommand(
            "entrypoints.commands.operations.check_settings:check_settings",
            "Check all settings, and show what differs from the defaults, without secrets",
        ),
        LazyCommand(
            "entrypoints.commands.operations.cleanup:cleanup", "Delete expired and abandoned data"
        ),
        LazyCommand(
            "entrypoints.commands.operations.migrate:migrate",
            "Create the tables, columns and indexes that this version needs, before it is started",
        ),
        LazyCommand(
            "entrypoints.commands.operations.backup:backup", "Copy the SQLite database to a file"
        ),
        LazyCommand(
            "entrypoints.commands.operations.backup:restore",
            "Replace the SQLite database by a backup",
        ),
        LazyCommand(
            "entrypoints.commands.operations.copy:copy",
            "Copy all records of a database to an empty one, which may be of another kind",
        ),
        LazyCommand(
            "entrypoints.commands.operations.keys:keys",
            "Create or rotate the keys, or encrypt phones with the current one",
        ),
        LazyCommand(
            "entrypoints.commands.administration.user:user",
            "Show a user, or act for one: by phone number, username or user id",
        ),
        LazyCommand(
            "entrypoints.commands.administration.audit:audit",
            "Show who did what to whom, when and why, the newest first",
        ),
    ),
    user_actions=(
        LazyCommand(
            "entrypoints.commands.administration.user_commands:count",
            "Print the number of users: accounts with a username that are not deleted",
        ),
        LazyCommand(
            "entrypoints.commands.administration.user_details:show",
            "Show account, sessions, deliveries, and why the phone gets a code or none",
        ),
        LazyCommand(
            "entrypoints.commands.administration.user_commands:unblock",
            "Allow a blocked phone to sign in, or all that somebody has blocked",
        ),
        LazyCommand(
            "entrypoints.commands.administration.user_commands:delete",
            "Delete an account, as its owner would",
        ),
    ),
)
OF_FEATURES: Final = {
    "admin": CommandAdditions(
        commands=(
            LazyCommand(
                "entrypoints.commands.features.admin:admin_token",
                "Create, list or revoke the service tokens of backends",
            ),
        ),
        user_actions=(
            LazyCommand(
                "entrypoints.commands.features.admin:list_users",
                "Print all users, the oldest account first, with masked numbers",
                name="list",
            ),
        ),
        scopes=("users:list",),
    ),
    "blocks": CommandAdditions(
        commands=(
            LazyCommand(
                "entrypoints.commands.features.blocks:block",
                "Block a number prefix, a network or a country for a time",
            ),
        ),
        scopes=("blocks:read", "blocks:write"),
    ),
    "events": CommandAdditions(
        commands=(
            LazyCommand(
                "entrypoints.commands.features.events:events",
                "List the events that a destination has not accepted, or send them again",
            ),
        ),
        check_options=("entrypoints.commands.features.events:SEND_TEST",),
    ),
    "export": CommandAdditions(
        user_actions=(
            LazyCommand(
                "entrypoints.commands.features.export:export",
                "Write all data of a user to a ZIP file, with a page that explains it",
            ),
        ),
        scopes=("users:export",),
    ),
    "imports": CommandAdditions(
        commands=(
            LazyCommand(
                "entrypoints.commands.features.imports.commands:import_group",
                "Import users and their pictures from elsewhere",
                name="import",
            ),
        ),
    ),
    "media": CommandAdditions(
        commands=(
            LazyCommand(
                "entrypoints.commands.features.media:media",
                "Compare the library with the media store, or rebuild variants",
            ),
            LazyCommand(
                "entrypoints.commands.features.media:library",
                "Hide an item of the library, show it again, or delete it",
            ),
        ),
        subject="an image library",
        tried="the media store",
        not_copied="Media files are not copied.",
        scopes=("library:read", "library:moderate"),
    ),
    "passkeys": CommandAdditions(
        user_actions=(
            LazyCommand(
                "entrypoints.commands.features.passkeys:passkeys", "List the passkeys of a user"
            ),
            LazyCommand(
                "entrypoints.commands.features.passkeys:passkey_remove",
                "Remove a passkey of somebody who lost it, or all of them",
            ),
            LazyCommand(
                "entrypoints.commands.features.passkeys:passkey_invite",
                "Print a link with which somebody of the staff adds a passkey",
            ),
        ),
    ),
    "phone_change": CommandAdditions(
        user_actions=(
            LazyCommand(
                "entrypoints.commands.features.phone_change:change_phone",
                "Give an account another number, for an owner who lost the former one",
            ),
        ),
    ),
    "statistics": CommandAdditions(
        commands=(
            LazyCommand(
                "entrypoints.commands.features.statistics:statistics",
                "Report messages, logins and rejections of the last hours, or of some days",
            ),
        ),
        scopes=("statistics:read",),
    ),
    "verifications": CommandAdditions(scopes=("verifications:write",)),
    "voice": CommandAdditions(
        tried="the phone line (with the URLs to enter at its provider)",
        check_options=("entrypoints.commands.features.voice:SHOW_VOICE_URLS",),
    ),
    "whatsapp": CommandAdditions(
        tried="the account and the template of WhatsApp",
    ),
}
"""Additions by the name of the feature. To take out a feature, delete its entry."""
