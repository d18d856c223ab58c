"""`dialtone user passkeys` and `passkey-remove`."""

from collections.abc import Iterable, Sequence
from typing import Final

import click
from msgspec import json

from application.features.passkeys.remove import REMOVE
from application.features.passkeys.staff_passkeys import INVITE
from domain.features.passkeys import NotStaff, PasskeyNotFound, TooManyPasskeys
from domain.identities.identity import Identity
from domain.identities.passkey import MAX_PASSKEYS, Passkey
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
from entrypoints.commands.shared.parsing import name_option
from entrypoints.commands.shared.user_calls import UserCall, call_for_user
from entrypoints.composition.otp import OTP
from entrypoints.features.console import ConsoleSettings
from entrypoints.features.passkeys import PASSKEYS
from entrypoints.settings.parsers import duration
from entrypoints.settings.settings import Settings
from entrypoints.settings.startup_error import CommandError, print_errors
from entrypoints.texts.acts import format_time

_NO_CONSOLE: Final = (
    "DIALTONE_WEB_CONSOLE is not set to yes, and passkeys of the staff open the console only."
)


@click.command(cls=Command, examples=[PHONE, f"{PHONE} --json"])
@user_argument
@json_option
def passkeys(settings: Settings, user: str, *, as_json: bool) -> Iterable[str]:
    """List the passkeys of a user."""

    async def find(call: UserCall) -> Identity:
        return call.user.require_identity()

    identity = call_for_user(settings, user, ActOptions("", None), find, act=None)
    lines = [
        _describe(passkey, is_of_console=passkey.is_staff, as_json=as_json)
        for passkey in identity.passkeys
    ]
    return lines if lines or as_json else ["There are no passkeys."]


@click.command(cls=Command, examples=[f"{PHONE} laptop {REASON}", f"{PHONE} --all {REASON}"])
@user_argument
@click.argument("name", metavar="NAME_OR_ID", required=False, help="The passkey.")
@click.option("--all", "is_all", is_flag=True, help="All passkeys of the user.")
@click.option(
    "--allow-codes",
    "allows_codes",
    is_flag=True,
    help="If no passkey for the console remains, the rights of the role count after a sign-in by "
    "code again, until there is one.",
)
@act_options
def passkey_remove(
    settings: Settings,
    user: str,
    name: str | None,
    options: ActOptions,
    *,
    is_all: bool,
    allows_codes: bool,
) -> Iterable[str]:
    """Remove a passkey of somebody who lost it, or all of them.

    The number gets a message. With one for the console, all sessions of the console end, and a
    link for a new one.
    """
    exactly_one(NAME_OR_ID=name, all=is_all)

    async def remove(call: UserCall) -> tuple[str, Sequence[Passkey]]:
        passkeys = PASSKEYS.of(call.use_cases).shared
        removed = await passkeys.remove_of_user(
            call.operator, call.query, name, call.reason, allows_codes=allows_codes
        )
        return call.user.subject, removed

    absent = "There is no such passkey: dialtone user passkeys lists them."
    # The message to the number needs a provider.
    openables = [OTP, PASSKEYS]
    subject, removed = call_for_user(
        settings, user, options, remove, openables, act=REMOVE, texts={PasskeyNotFound: absent}
    )
    names = ", ".join(passkey.name for passkey in removed)
    yield f"{subject} has lost {names}." if removed else f"{subject} has no passkey."
    if allows_codes:
        yield "Without a passkey for the console, the rights of a role count after a code again."


@click.command(cls=Command, examples=[f"{PHONE} {REASON}", f"{PHONE} --expires 24h {REASON}"])
@user_argument
@click.option(
    "--expires",
    metavar="DURATION",
    default="15m",
    help="How long the link is valid, from 1m to 24h (default: 15m).",
)
@act_options
def passkey_invite(
    settings: Settings, user: str, expires: str, options: ActOptions
) -> Iterable[str]:
    """Print a link with which somebody of the staff adds a passkey.

    It is valid once. Anybody with it gets into the console, so hand it over in person or by a
    channel that you trust. A new link ends the one before.
    """
    with name_option("--expires"):
        ttl = duration("1m", "24h")(expires)

    async def make(call: UserCall) -> tuple[str, str]:
        staff = PASSKEYS.of(call.use_cases).staff
        link = await staff.passkeys.invite(call.operator, call.query, call.reason, ttl)
        return call.user.subject, link

    if not settings.of(ConsoleSettings).has_console:
        raise CommandError(_NO_CONSOLE)
    texts = {
        NotStaff: "Only staff signs in to the console. This account has no role, is blocked, or "
        "its number is in DIALTONE_TEST_OTPS.",
        TooManyPasskeys: f"There are {MAX_PASSKEYS} passkeys: dialtone user passkey-remove.",
    }
    subject, link = call_for_user(
        settings, user, options, make, [PASSKEYS], act=INVITE, texts=texts
    )
    print_errors(
        f"For {subject}, once and for {expires}. Anybody with the link gets into the console: "
        "check who asks, and hand it over in person or by a channel that you trust, not by SMS."
    )
    return [link]  # alone on stdout, so that a shell can take it


def _describe(passkey: Passkey, *, is_of_console: bool, as_json: bool) -> str:
    """Return a line: name, id and times."""
    if as_json:
        names = ("id", "name", "created_at", "last_used_at")
        shown = {name: getattr(passkey, name) for name in names}
        return json.encode(shown | {"console": is_of_console}).decode()
    name = f"{passkey.name} ({passkey.id}){' for the console' if is_of_console else ''}"
    used = f"used {format_time(passkey.last_used_at)}" if passkey.last_used_at else "not used yet"
    return f"{name}, added {format_time(passkey.created_at)}, {used}"
