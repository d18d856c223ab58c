"""Arguments that several commands have, and the values of their examples."""

import argparse
from typing import Final

PHONE: Final = "+14155552671"
ID: Final = "68b1c0a5d2f04e7a9c3b1d20"
USER: Final = "a phone number, a username, a user id or external_id:ID"
REASON_OPTION: Final = "--reason 'ticket 4711'"
_REASON: Final = "why; the audit keeps it for 400 days, without the digits of phone numbers"


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
        "(default: that account)",
    )


def add_user_options(command: argparse.ArgumentParser, *, is_reason_required: bool = True) -> None:
    """Add the user of `dialtone user ACTION`, why something is done, and who does it."""
    command.add_argument("user", metavar="USER", help=USER)
    add_act_options(command, is_reason_required=is_reason_required)


def add_json_option(command: argparse.ArgumentParser) -> None:
    """Add that JSON is printed."""
    command.add_argument("--json", action="store_true", help="print JSON")


def positive(text: str) -> int:
    """Parse a number; argparse shows the error."""
    if text.isdecimal() and int(text) > 0:
        return int(text)
    raise argparse.ArgumentTypeError("a whole number above 0 is expected")
