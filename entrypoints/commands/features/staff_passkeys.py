"""`dialtone user passkey-invite`."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

import click

from domain.identities.passkey import MAX_PASSKEYS
from entrypoints.commands.feature_commands import FeatureCommands
from entrypoints.commands.shared.command import Command
from entrypoints.commands.shared.options import (
    PHONE,
    REASON,
    ActOptions,
    act_options,
    user_argument,
)

if TYPE_CHECKING:
    from entrypoints.commands.shared.user_calls import UserCall
    from entrypoints.settings.settings import Settings


@click.command(cls=Command, examples=[f"{PHONE} {REASON}"])
@user_argument
@act_options
def passkey_invite(settings: "Settings", user: str, options: ActOptions) -> Iterable[str]:
    """Print a link with which somebody of the staff adds a passkey.

    It is valid for 15 minutes, and once: whoever has it gets into the console, so hand it over in
    person or by a channel that you trust.
    """
    from application.features.staff_passkeys.enrol import INVITE
    from application.features.staff_passkeys.feature import StaffPasskeysFeature
    from domain.features.passkeys import TooManyPasskeys
    from domain.features.staff_passkeys import NotStaff
    from entrypoints.commands.shared.user_calls import call_for_user
    from entrypoints.features.passkeys import PASSKEYS
    from entrypoints.features.staff_passkeys import STAFF_PASSKEYS
    from entrypoints.settings.startup_error import print_errors

    async def make(call: "UserCall") -> tuple[str, str]:
        passkeys = call.use_cases.of(StaffPasskeysFeature)
        return call.user.subject, await passkeys.invite(call.operator, call.query, call.reason)

    not_staff = (
        "Only staff signs in to the console. This account has no role, is blocked, or its number "
        "is in DIALTONE_TEST_OTPS."
    )
    too_many = f"There are {MAX_PASSKEYS} passkeys: dialtone user passkey-remove."
    texts = {NotStaff: not_staff, TooManyPasskeys: too_many}
    pieces = [PASSKEYS, STAFF_PASSKEYS]
    subject, link = call_for_user(settings, user, options, make, pieces, act=INVITE, texts=texts)
    print_errors(
        f"For {subject}, for 15 minutes and once. Whoever has the link gets into the console: "
        "check who asks, and hand it over in person or by a channel that you trust, not by SMS."
    )
    return [link]  # alone on stdout, so that a shell can take it


FEATURE_COMMANDS: Final = FeatureCommands(user_actions=[passkey_invite])
