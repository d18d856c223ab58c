"""The actions of `dialtone user` that belong to the core: what operators do for a user."""

import json
import sys
from argparse import Namespace
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from application.administration import acts
from application.administration.find_user import FoundUser
from application.otp.feature import OtpFeature
from application.otp.request_otp import RequestOtpResult
from application.otp.reset_limits import ResetResult
from application.otp.send_code import SendCodeCommand
from domain.errors import PhoneInUse, UserNotFound
from domain.identities.retained_data import RetainedData
from domain.identities.role import Role
from domain.otp.delivery import Channel
from domain.otp.message_preferences import MessagePreferences, locale_fallbacks
from entrypoints.commands.domain_errors import explain_errors
from entrypoints.commands.hidden_codes import hide_codes
from entrypoints.commands.use_case_calls import call_with_use_cases
from entrypoints.commands.user_calls import UserCall, call_for_user, name_user
from entrypoints.core.details import DETAILS
from entrypoints.core.limits import LIMITS
from entrypoints.core.otp import OTP
from entrypoints.features import FEATURES
from entrypoints.features.feature import Feature
from entrypoints.opening.startup_error import (
    CommandError,
    InvalidArgument,
    StartupError,
    print_errors,
)
from entrypoints.settings.settings import Settings
from entrypoints.words.act_words import NUMBER_HELD
from entrypoints.words.user_words import describe_hold

_NO_ADMINISTRATOR: Final = (
    "This was the last administrator: now only commands do what administrators do. dialtone user "
    "promote makes somebody one."
)
CLIENT_IP: Final = "127.0.0.1"
"""The client IP of this command, for the limits of codes."""


def count_users(settings: Settings, arguments: Namespace) -> Iterable[str]:
    """Print the number of users."""
    with explain_errors():
        counted = call_with_use_cases(
            settings, lambda use_cases: use_cases.identities.count_users()
        )
    if arguments.json:
        return [json.dumps({"users": counted.number, "is_estimate": counted.is_estimate})]
    if counted.is_estimate:
        return [f"about {counted.number:,} accounts, also those that are deleted or have no name"]
    return [str(counted.number)]


def reset_limits(settings: Settings, arguments: Namespace) -> Iterable[str]:
    """Let a phone get one code at once."""

    async def reset(call: UserCall) -> tuple[FoundUser, ResetResult]:
        return call.user, await call.act.reset_limits(call.caller, call.query, call.reason)

    user, result = call_for_user(settings, arguments, reset, act=acts.RESET_LIMITS)
    attempts = "one attempt" if result.attempts == 1 else f"{result.attempts} attempts"
    yield (
        f"The limits of {name_user(user)} are reset: one message with {attempts} is possible now. "
        "Limits that many phones share stay."
    )
    yield f"Resets left today: {result.resets_left}"


def send_code(settings: Settings, arguments: Namespace) -> Iterable[str]:
    """Send a code to a phone."""
    channel = Channel(arguments.channel) if arguments.channel else None
    if channel is Channel.VOICE and not settings.has_voice_channel:
        raise InvalidArgument("--call: there is no provider of calls, see DIALTONE_VOICE.")
    if channel is not None and channel not in settings.channel_order.all:
        raise InvalidArgument(
            f"No country has the channel {channel}: see DIALTONE_CHANNELS, and its provider in "
            f"DIALTONE_{channel.upper()}."
        )
    # After a message, another one may be tried; a call is only asked for.
    needed = {channel} if channel is Channel.VOICE else settings.channel_order.all - {Channel.VOICE}
    features: list[Feature] = [LIMITS, OTP]
    features += [feature for feature in FEATURES if feature.adds_channel in needed]
    if arguments.locale and not locale_fallbacks(arguments.locale):
        raise InvalidArgument("--locale: a language is written like en, pt-BR or zh-Hant.")
    preferences = MessagePreferences(locale=arguments.locale)
    command = SendCodeCommand(client_ip=CLIENT_IP, channel=channel, preferences=preferences)

    async def send(call: UserCall) -> tuple[FoundUser, RequestOtpResult]:
        sent = await call.use_cases.of(OtpFeature).send_code(
            call.caller, call.query, command, call.reason
        )
        return call.user, sent

    user, result = call_for_user(
        hide_codes(settings), arguments, send, features, act=acts.SEND_CODE
    )
    now = datetime.now(UTC)
    next_at = f"{now + timedelta(seconds=result.resend_in):%H:%M:%S} UTC"
    if not result.sent:
        raise CommandError(
            f"Nothing was sent: {name_user(user)} got a code a moment ago. The next one is "
            f"possible at {next_at}."
        )
    expires_at = f"{now + timedelta(seconds=result.expires_in):%H:%M:%S} UTC"
    if result.is_confirmed:
        yield f"A code is on its way to {name_user(user)}. It expires at {expires_at}."
    else:
        yield (
            f"The provider did not confirm the message to {name_user(user)} in time: it may have "
            f"arrived, or not. Its code expires at {expires_at}."
        )
    yield "It has attempts of its own: the user types it in the app that requested a code."
    yield f"The next one is possible at {next_at}."


def block(settings: Settings, arguments: Namespace) -> Iterator[str]:
    """Block a phone."""
    user = call_for_user(
        settings,
        arguments,
        lambda call: call.act.block(call.caller, call.query, call.reason),
        act=acts.BLOCK,
    )
    yield f"{name_user(user)} is blocked now."
    if user.hold is not None:
        yield f"It is held for {describe_hold(user.hold, is_blocked=True)}."


def unblock(settings: Settings, arguments: Namespace) -> Iterable[str]:
    """Allow a blocked phone to sign in."""
    if arguments.user is None:
        raise InvalidArgument("Name the USER, or whose blocks end: --by KIND:ID --since TIME.")
    if arguments.since is not None or arguments.dry_run:
        raise InvalidArgument("--since and --dry-run go with --by KIND:ID.")
    user = call_for_user(
        settings,
        arguments,
        lambda call: call.act.unblock(call.caller, call.query, call.reason),
        act=acts.UNBLOCK,
    )
    return [f"{name_user(user)} is not blocked now."]


def sign_out(settings: Settings, arguments: Namespace) -> Iterable[str]:
    """Revoke all sessions."""

    async def revoke(call: UserCall) -> tuple[FoundUser, int]:
        return call.user, await call.act.sign_out(call.caller, call.query, call.reason)

    user, revoked = call_for_user(settings, arguments, revoke, act=acts.SIGN_OUT)
    return [f"{name_user(user)} is signed out; revoked sessions: {revoked}."]


def delete_user(settings: Settings, arguments: Namespace) -> Iterable[str]:
    """Delete an account, after a question on a terminal."""
    if not arguments.yes:
        _confirm_deletion(settings, arguments)

    async def delete_user(call: UserCall) -> tuple[FoundUser, Sequence[RetainedData]]:
        return call.user, await call.act.delete(call.caller, call.query, call.reason)

    features = [feature for feature in FEATURES if feature.left_by_deletion]
    try:
        for feature in features:
            feature.check_created(settings)
        opened = [DETAILS, *features]
        user, retained = call_for_user(settings, arguments, delete_user, opened, act=acts.DELETE)
    except StartupError as error:
        user, retained = call_for_user(settings, arguments, delete_user, [DETAILS], act=acts.DELETE)
        print_errors(str(error), *(feature.left_by_deletion for feature in features))
    yield f"{user.subject} is deleted. What remains:"
    yield from map(_describe_retained, retained)


def _confirm_deletion(settings: Settings, arguments: Namespace) -> None:
    """Ask on a terminal.

    The database is closed meanwhile: a question may wait for long, and Ctrl-C ends it.

    Raises:
        InvalidArgument: there is no terminal.
        CommandError: the answer is not yes, or nobody was found.
    """
    if sys.stdin is None or not sys.stdin.isatty():
        raise InvalidArgument("Nobody can be asked here: add --yes to delete the account.")

    async def find(call: UserCall) -> FoundUser:
        call.user.require_identity()
        return call.user

    user = call_for_user(settings, arguments, find, act=acts.DELETE)
    identity = user.require_identity()
    data = ["sessions", "phone number", *(each for feature in FEATURES for each in feature.data)]
    print_errors(
        f"The account {identity.id} will be deleted: its {', '.join(data[:-1])} and {data[-1]}. "
        "Nobody can undo this.",
        f"phone: {user.phone.masked if user.phone else 'none'}",
        f"username: {identity.username.text if identity.username else 'none'}",
        "Delete it? Type yes:",
    )
    # Whoever takes the name or the phone meanwhile is not meant.
    arguments.user = identity.id
    if sys.stdin.readline().strip().lower() != "yes":
        raise CommandError("Nothing was deleted.")


def _describe_retained(retained: RetainedData) -> str:
    until = f"until {retained.until:%Y-%m-%d %H:%M} UTC: " if retained.until else ""
    return f"- {until}{retained.data} ({retained.reason})"


def promote(settings: Settings, arguments: Namespace) -> Iterator[str]:
    """Give a user a role."""
    role = Role(arguments.role)
    user_id, is_without = _change_role(settings, arguments, role)
    yield f"{user_id} has the role {role} now. All sessions have ended: sign in again."
    if is_without:
        yield _NO_ADMINISTRATOR


def demote(settings: Settings, arguments: Namespace) -> Iterator[str]:
    """Make somebody of the staff a member."""
    user_id, is_without = _change_role(settings, arguments, Role.MEMBER)
    yield f"{user_id} is a member now."
    if is_without:
        yield _NO_ADMINISTRATOR


def _change_role(settings: Settings, arguments: Namespace, role: Role) -> tuple[str, bool]:
    """Change the role, and return the id with whether the last administrator lost it."""

    async def change_role(call: UserCall) -> tuple[str, bool]:
        former = call.user.identity
        user = await call.act.change_role(call.caller, call.query, role, call.reason)
        if former is None or not former.is_administrator:
            return user.subject, False
        identities = call.use_cases.repositories.identities
        return user.subject, not await identities.list_administrators(limit=1)

    act = acts.PROMOTE if role.is_staff else acts.DEMOTE
    return call_for_user(settings, arguments, change_role, act=act)


def restore_user(settings: Settings, arguments: Namespace) -> Iterator[str]:
    """Give a phone back to the account that lost it."""

    async def restore_user(call: UserCall) -> FoundUser:
        try:
            return await call.act.restore(call.caller, call.query, call.reason)
        except UserNotFound:
            call.user.require_identity()
            raise CommandError(
                "This account has not lost its phone number. Use the user id of the event "
                "identity_detached."
            ) from None
        except PhoneInUse:
            raise CommandError(
                f"{NUMBER_HELD} dialtone user show of the number says until when. Try again then."
            ) from None

    user = call_for_user(settings, arguments, restore_user, act=acts.RESTORE)
    yield f"{user.subject} has its phone again. Its owner signs in and chooses a username."
