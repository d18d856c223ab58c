"""The arguments of the commands for users, the audit and service tokens."""

import argparse
from typing import Final, Protocol

_PHONE: Final = "+14155552671"
_NEW_PHONE: Final = "+14155552672"
_ID: Final = "68b1c0a5d2f04e7a9c3b1d20"
_USER: Final = "a phone number, a username, a user id or external_id:ID"
_REASON: Final = "why; the audit keeps it for 400 days, without the digits of phone numbers"
_JSON: Final = "print JSON"
_REASON_OPTION: Final = "--reason 'ticket 4711'"


class AddCommand(Protocol):
    """Adds a command with its description and examples, and returns its parser."""

    def __call__(self, name: str, description: str, *examples: str) -> argparse.ArgumentParser:
        """Add it."""
        ...


def add_act_options(command: argparse.ArgumentParser, *, is_reason_required: bool = True) -> None:
    """Add why something is done, and who does it: the audit has both."""
    command.add_argument(
        "--reason", metavar="TEXT", required=is_reason_required, default="", help=_REASON
    )
    command.add_argument(
        "--as",
        dest="acts_as",
        metavar="NAME",
        help="who acts, such as jane; the audit shows the account of this machine beside it "
        "(default: DIALTONE_ACTOR)",
    )


def make_add_command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", prog: str
) -> AddCommand:
    """Return what adds commands below a parser; `prog` is how an example begins."""

    def add(name: str, description: str, *examples: str) -> argparse.ArgumentParser:
        return commands.add_parser(
            name,
            help=description.partition(".")[0],
            description=description,
            epilog="\n".join(["examples:", *(f"  {prog} {example}" for example in examples)]),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )

    return add


def add_user_commands(add: AddCommand) -> None:
    """Add `user`, `library`, `audit`, `events` and `admin-token`."""
    _add_user(add)
    _add_library(add)
    audit = add(
        "audit",
        "Show who did what to whom, when and why, the newest first.",
        "audit",
        f"audit {_PHONE}",
        f"audit --by administrator:{_ID} --limit 200",
    )
    audit.add_argument(
        "user",
        metavar="USER",
        nargs="?",
        help=f"only what was done to this user: {_USER}, or the hash that another entry shows",
    )
    audit.add_argument(
        "--by",
        metavar="KIND:ID",
        help="only what this one did: administrator:ID, user:ID, service_token:ID or "
        "operating_system_user:NAME",
    )
    audit.add_argument(
        "--limit", metavar="N", type=_positive, default=50, help="how many entries (default: 50)"
    )
    audit.add_argument("--json", action="store_true", help=_JSON)
    _add_events(add)
    _add_admin_token(add)


def _add_user(add: AddCommand) -> None:
    user = add(
        "user",
        "Show a user, or act for one: by phone number, username or user id.",
        f"user show {_PHONE}",
        "user block alice --reason 'ticket 4711'",
        f"user export {_ID} --output alice.zip --reason 'letter of 3 May' --as jane",
        "user delete --help",
    )
    add_action = _actions_of(user, "dialtone user")

    def add_user_action(
        name: str,
        description: str,
        *options: str,
        example: str = _PHONE,
        is_reason_required: bool = True,
    ) -> argparse.ArgumentParser:
        examples = [
            " ".join([name, example, option]).rstrip() for option in options or (_REASON_OPTION,)
        ]
        action = add_action(name, description, *examples)
        action.add_argument("user", metavar="USER", help=_USER)
        add_act_options(action, is_reason_required=is_reason_required)
        return action

    count = add_action(
        "count",
        "Print the number of users: accounts with a username that are not deleted. Blocked ones "
        "count too.",
        "count",
        "count --json",
    )
    count.add_argument("--json", action="store_true", help=_JSON)
    show = add_user_action(
        "show",
        "Show account, sessions, deliveries, and why the phone gets a code or none. The phone "
        "number is masked.",
        "",
        f"--full-number {_REASON_OPTION}",
        "--json",
        is_reason_required=False,
    )
    show.add_argument("--json", action="store_true", help=_JSON)
    show.add_argument(
        "--full-number",
        action="store_true",
        help="show the whole number; the audit has it, so it needs a reason",
    )
    add_user_action(
        "reset-limits",
        "Let a phone get one code at once: its cooldown and deliveries no longer count. Possible "
        "twice a day. Failed attempts in a row, and limits that many phones share, stay.",
    )
    send_code = add_user_action(
        "send-code",
        "Send a code to a phone, within all limits. Nobody but its owner sees the code.",
        _REASON_OPTION,
        f"--locale pt-BR {_REASON_OPTION}",
        f"--call {_REASON_OPTION}",
    )
    send_code.add_argument("--call", action="store_true", help="read the code out in a call")
    send_code.add_argument("--locale", metavar="LOCALE", help="the language, such as en or pt-BR")
    add_user_action("block", "Block a phone. It gets no codes, and its sessions are revoked.")
    add_user_action("unblock", "Allow a blocked phone to sign in.")
    add_user_action("sign-out", "Revoke all sessions. The user may sign in again.")
    delete = add_user_action(
        "delete",
        "Delete an account, as its owner would. Nobody can undo it.",
        _REASON_OPTION,
        f"--yes {_REASON_OPTION}",
    )
    delete.add_argument("--yes", action="store_true", help="do not ask")
    export = add_user_action(
        "export",
        "Write all data of a user to a ZIP file, with a page that explains it.",
        f"--output alice.zip {_REASON_OPTION}",
    )
    export.add_argument(
        "--output",
        metavar="FILE.zip",
        required=True,
        help="the file to create, with mode 0600; an existing one is never changed",
    )
    change_phone = add_user_action(
        "change-phone",
        "Give an account another number, for an owner who lost the former one. --reason is "
        "required. All sessions end, and an administrator becomes a member. The former number gets "
        "a message, and can undo it for seven days.",
        f"{_NEW_PHONE} --reason 'ticket 4711: passport'",
        f"{_NEW_PHONE} --no-undo --reason 'ticket 4712: police report of the theft'",
        is_reason_required=False,  # an error of its own says what to write
    )
    change_phone.add_argument("new_number", metavar="NEW_NUMBER", help="the number that it gets")
    change_phone.add_argument(
        "--no-undo",
        action="store_true",
        help="where phone and SIM were stolen: the former number cannot undo it",
    )
    add_user_action("promote", "Make a user an administrator, from the next login on.")
    add_user_action("demote", "Make an administrator a member, from the next request on.")
    add_user_action(
        "restore",
        "Give a phone back to the account that lost it, by the user id in the event "
        "identity_detached. The present account loses it.",
        example=_ID,
    )


def _add_library(add: AddCommand) -> None:
    library = add(
        "library",
        "Hide an item of the library, show it again, or delete it.",
        f"library hide {_ID} --reason 'report 815: shows a license plate'",
        f"library unhide {_ID} --reason 'report 815: it is her own'",
        f"library delete {_ID} --reason 'report 816'",
    )
    add_action = _actions_of(library, "dialtone library")
    for name, description in (
        (
            "hide",
            "Hide an item from everybody but administrators, also from its owner. Its file stays: "
            "a public URL of the media store opens it until the item is deleted.",
        ),
        ("unhide", "Show a hidden item again to those who saw it before."),
        ("delete", "Delete an item and its files, hidden or not. Nobody can undo it."),
    ):
        action = add_action(name, description, f"{name} {_ID} --reason 'report 815'")
        action.add_argument("item", metavar="ITEM", help="the id of the item")
        add_act_options(action)


def _add_events(add: AddCommand) -> None:
    events = add(
        "events",
        "List the events that a destination of DIALTONE_EVENTS has not accepted, or send them "
        "again.",
        "events list --failed",
        f"events list {_PHONE}",
        "events retry",
    )
    add_action = _actions_of(events, "dialtone events")
    listed = add_action(
        "list",
        "List the events that failed for three days and are kept, and those that wait.",
        "list",
        "list --failed --limit 200",
        f"list {_ID} --json",
    )
    listed.add_argument("user", metavar="USER", nargs="?", help=f"only those of this user: {_USER}")
    listed.add_argument(
        "--failed", action="store_true", help="only those that are kept after three days"
    )
    listed.add_argument(
        "--limit", metavar="N", type=_positive, default=50, help="how many events (default: 50)"
    )
    listed.add_argument("--json", action="store_true", help=_JSON)
    retry = add_action(
        "retry",
        "Let events be sent again, from now on for three days more. A running service sends them.",
        "retry",
        f"retry {_PHONE}",
    )
    which = retry.add_mutually_exclusive_group()
    which.add_argument("user", metavar="USER", nargs="?", help=f"only those of this user: {_USER}")
    which.add_argument("--all", action="store_true", help="those of all users (the default)")


def _add_admin_token(add: AddCommand) -> None:
    admin_token = add(
        "admin-token",
        "Create, list or revoke the service tokens of backends.",
        f"admin-token create --name helpdesk --scope users:read,users:support {_REASON_OPTION}",
        "admin-token list",
        f"admin-token revoke {_ID} {_REASON_OPTION}",
    )
    add_action = _actions_of(admin_token, "dialtone admin-token")
    create = add_action(
        "create",
        "Create a token, and print it once. It is valid below /admin/ only.",
        f"create --name helpdesk --scope users:read,users:support {_REASON_OPTION}",
        f"create --name billing --scope costs:read --expires 365d {_REASON_OPTION}",
    )
    create.add_argument("--name", metavar="NAME", required=True, help="the name of the backend")
    create.add_argument(
        "--scope",
        metavar="SCOPE[,SCOPE]",
        required=True,
        action="append",
        help="what it may do: users:read (masked numbers), users:phone (full numbers), "
        "users:support (send-code, reset-limits, sign-out, block), users:change-phone, "
        "users:delete, users:export, audit:read, costs:read, statistics:read",
    )
    create.add_argument(
        "--expires",
        metavar="DURATION",
        default="90d",
        help="for how long it is valid, up to 365d (default: 90d)",
    )
    add_act_options(create)
    listed = add_action("list", "List the tokens that have not expired.", "list", "list --json")
    listed.add_argument("--json", action="store_true", help=_JSON)
    revoke = add_action(
        "revoke", "Revoke a token. It is invalid at once.", f"revoke {_ID} {_REASON_OPTION}"
    )
    revoke.add_argument("id", metavar="ID", help="the id of the token, as `list` shows it")
    add_act_options(revoke)


def add_user_aliases(add: AddCommand) -> None:
    """Add the commands of earlier versions, for one release."""
    for name, action, argument, example in (
        ("promote", "promote", "USER", _PHONE),
        ("demote", "demote", "USER", _PHONE),
        ("block", "block", "PHONE", _PHONE),
        ("unblock", "unblock", "PHONE", _PHONE),
        ("sign-out", "sign-out", "PHONE", _PHONE),
        ("restore-identity", "restore", "USER_ID", _ID),
    ):
        alias = add(
            name,
            f"An alias of `dialtone user {action}`.",
            f"{name} {example} {_REASON_OPTION}",
        )
        alias.add_argument("user", metavar=argument, help=_USER)
        add_act_options(alias)
        alias.set_defaults(action=action)


def _actions_of(command: argparse.ArgumentParser, prog: str) -> AddCommand:
    actions = command.add_subparsers(
        prog=prog, dest="action", required=True, metavar="ACTION", title="actions"
    )
    return make_add_command(actions, prog)


def _positive(text: str) -> int:
    """Parse a number; argparse shows the error."""
    if text.isdecimal() and int(text) > 0:
        return int(text)
    raise argparse.ArgumentTypeError("a whole number above 0 is expected")
