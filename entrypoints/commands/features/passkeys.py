"""`dialtone user passkey-invite`, `passkeys` and `passkey-remove`."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

import click

from domain.identities.passkey import MAX_PASSKEYS, Passkey
from entrypoints.commands.feature_commands import FeatureCommands
from entrypoints.commands.shared.command import Command
from entrypoints.commands.shared.options import (
    PHONE,
    REASON,
    ActOptions,
    act_options,
    exactly_one,
    json_option,
    user_argument,
)
from entrypoints.texts.acts import format_time

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
    from application.features.passkeys.enrol import INVITE
    from application.features.passkeys.feature import PasskeysFeature
    from domain.features.passkeys import NotStaff, TooManyPasskeys
    from entrypoints.commands.shared.user_calls import call_for_user
    from entrypoints.features.passkeys import PASSKEYS
    from entrypoints.settings.startup_error import print_errors

    async def make(call: "UserCall") -> tuple[str, str]:
        passkeys = call.use_cases.of(PasskeysFeature)
        return call.user.subject, await passkeys.invite(call.operator, call.query, call.reason)

    not_staff = (
        "Only staff signs in with passkeys. This account has no role, is blocked, or its number is "
        "in DIALTONE_TEST_OTPS."
    )
    too_many = f"There are {MAX_PASSKEYS} passkeys: dialtone user passkey-remove."
    texts = {NotStaff: not_staff, TooManyPasskeys: too_many}
    subject, link = call_for_user(
        settings, user, options, make, [PASSKEYS], act=INVITE, texts=texts
    )
    print_errors(
        f"For {subject}, for 15 minutes and once. Whoever has the link gets into the console: "
        "check who asks, and hand it over in person or by a channel that you trust, not by SMS."
    )
    return [link]  # alone on stdout, so that a shell can take it


@click.command(cls=Command, examples=[PHONE, f"{PHONE} --json"])
@user_argument
@json_option
def passkeys(settings: "Settings", user: str, *, as_json: bool) -> Iterable[str]:
    """List the passkeys of somebody of the staff."""
    from entrypoints.commands.shared.user_calls import call_for_user

    async def find(call: "UserCall") -> "Sequence[Passkey]":
        return call.user.require_identity().staff.passkeys

    found = call_for_user(settings, user, ActOptions("", None), find, act=None)
    if as_json:
        from msgspec import json

        names = ("id", "name", "created_at", "last_used_at")
        shown = ({name: getattr(passkey, name) for name in names} for passkey in found)
        return [json.encode(each).decode() for each in shown]
    return map(describe_passkey, found) if found else ["There are no passkeys."]


@click.command(cls=Command, examples=[f"{PHONE} laptop {REASON}", f"{PHONE} --all {REASON}"])
@user_argument
@click.argument("name", metavar="NAME_OR_ID", required=False, help="The passkey.")
@click.option("--all", "is_all", is_flag=True, help="All passkeys of the user.")
@act_options
def passkey_remove(
    settings: "Settings", user: str, name: str | None, options: ActOptions, *, is_all: bool
) -> Iterable[str]:
    """Remove a passkey of somebody who lost it, or all of them.

    All sessions of the console end.
    """
    from application.features.passkeys.enrol import REMOVE
    from application.features.passkeys.feature import PasskeysFeature
    from domain.features.passkeys import PasskeyNotFound
    from entrypoints.commands.shared.user_calls import call_for_user
    from entrypoints.features.passkeys import PASSKEYS, PasskeySettings, StaffPasskeys

    exactly_one(NAME_OR_ID=name, all=is_all)

    async def remove(call: "UserCall") -> "tuple[str, Sequence[Passkey]]":
        passkeys = call.use_cases.of(PasskeysFeature)
        removed = await passkeys.remove(call.operator, call.query, name, call.reason)
        return call.user.subject, removed

    absent = "There is no such passkey: dialtone user passkeys lists them."
    subject, removed = call_for_user(
        settings, user, options, remove, [PASSKEYS], act=REMOVE, texts={PasskeyNotFound: absent}
    )
    names = ", ".join(passkey.name for passkey in removed)
    yield f"{subject} has lost {names}. All sessions of the console have ended."
    is_required = settings.of(PasskeySettings).staff_passkeys is StaffPasskeys.REQUIRED
    yield (
        "dialtone user passkey-invite makes a link to add another one."
        + ("" if is_required else " Without any passkey, a code by SMS signs in.")
    )


FEATURE_COMMANDS: Final = FeatureCommands(user_actions=[passkey_invite, passkeys, passkey_remove])


def describe_passkey(passkey: Passkey) -> str:
    """Return a line: name, id and times."""
    used = f"used {format_time(passkey.last_used_at)}" if passkey.last_used_at else "not used yet"
    return f"{passkey.name} ({passkey.id}), added {format_time(passkey.created_at)}, {used}"
