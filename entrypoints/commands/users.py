"""`dialtone user`: what operators do for a user, and the aliases of its actions."""

import json
import sys
from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from application.administration.act_for_users import SendCodeCommand
from application.administration.find_user import FoundUser
from application.otp.request_otp import RequestOtpResult
from application.otp.reset_limits import ResetResult
from domain.errors import PhoneInUse, UserNotFound
from domain.identities.identity import Role
from domain.identities.retention import RetainedData
from domain.otp.delivery import Channel
from domain.otp.message_preferences import MessagePreferences, locale_fallbacks
from entrypoints.bootstrap import Part
from entrypoints.commands.domain_errors import explain_errors
from entrypoints.commands.hidden_codes import hide_codes
from entrypoints.commands.media_folder import require_media_folder
from entrypoints.commands.use_case_calls import call_with_use_cases
from entrypoints.commands.user_calls import UserCall, call_for_user, name_user
from entrypoints.commands.user_details import show
from entrypoints.commands.user_export import export
from entrypoints.commands.user_phone import change_phone
from entrypoints.opening.startup_error import (
    CommandError,
    InvalidArgument,
    StartupError,
    print_errors,
)
from entrypoints.settings.settings import Settings
from entrypoints.words.user_words import describe_hold

CLIENT_IP: Final = "127.0.0.1"
"""The client IP of this command, for the limits of codes."""


def user(settings: Settings, arguments: Namespace) -> Iterable[str]:
    """Do what the action says."""
    return _ACTIONS[arguments.action](settings, arguments)


def user_alias(settings: Settings, arguments: Namespace) -> Iterable[str]:
    """Do the same for a command of an earlier version, and name the new one."""
    print_errors(
        f"`dialtone {arguments.command}` is an alias of `dialtone user {arguments.action}`, and "
        "goes with the next release."
    )
    return user(settings, arguments)


def _count(settings: Settings, arguments: Namespace) -> Iterable[str]:
    with explain_errors():
        counted = call_with_use_cases(
            settings, (), lambda use_cases: use_cases.identities.count_users()
        )
    if arguments.json:
        return [json.dumps({"users": counted.number, "is_estimate": counted.is_estimate})]
    if counted.is_estimate:
        return [f"about {counted.number:,} accounts, also those that are deleted or have no name"]
    return [str(counted.number)]


def _reset_limits(settings: Settings, arguments: Namespace) -> Iterable[str]:
    async def reset(call: UserCall) -> tuple[FoundUser, ResetResult]:
        return call.user, await call.act.reset_limits(call.caller, call.query, call.reason)

    user, result = call_for_user(settings, arguments, reset)
    attempts = "one attempt" if result.attempts == 1 else f"{result.attempts} attempts"
    yield (
        f"The limits of {name_user(user)} are reset: one message with {attempts} is possible now. "
        "Limits that many phones share stay."
    )
    yield f"Resets left today: {result.resets_left}"


def _send_code(settings: Settings, arguments: Namespace) -> Iterable[str]:
    channel, parts = Channel.SMS, [Part.LIMITS, Part.MESSAGES]
    if arguments.call:
        if not settings.has_voice_channel:
            raise InvalidArgument("--call: there is no provider of calls, see DIALTONE_VOICE.")
        channel = Channel.VOICE
        parts.append(Part.CALLS)
    if arguments.locale and not locale_fallbacks(arguments.locale):
        raise InvalidArgument("--locale: a language is written like en, pt-BR or zh-Hant.")
    preferences = MessagePreferences(locale=arguments.locale)
    command = SendCodeCommand(client_ip=CLIENT_IP, channel=channel, preferences=preferences)

    async def send(call: UserCall) -> tuple[FoundUser, RequestOtpResult]:
        sent = await call.act.send_code(call.caller, call.query, command, call.reason)
        return call.user, sent

    user, result = call_for_user(hide_codes(settings), arguments, send, parts)
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


def _block(settings: Settings, arguments: Namespace) -> Iterator[str]:
    user = call_for_user(
        settings, arguments, lambda call: call.act.block(call.caller, call.query, call.reason)
    )
    yield f"{name_user(user)} is blocked now."
    if user.hold is not None:
        yield f"It is held for {describe_hold(user.hold, is_blocked=True)}."


def _unblock(settings: Settings, arguments: Namespace) -> Iterable[str]:
    user = call_for_user(
        settings, arguments, lambda call: call.act.unblock(call.caller, call.query, call.reason)
    )
    return [f"{name_user(user)} is not blocked now."]


def _sign_out(settings: Settings, arguments: Namespace) -> Iterable[str]:
    async def sign_out(call: UserCall) -> tuple[FoundUser, int]:
        return call.user, await call.act.sign_out(call.caller, call.query, call.reason)

    user, revoked = call_for_user(settings, arguments, sign_out)
    return [f"{name_user(user)} is signed out; revoked sessions: {revoked}."]


def _delete(settings: Settings, arguments: Namespace) -> Iterable[str]:
    if not arguments.yes:
        _confirm_deletion(settings, arguments)

    async def delete(call: UserCall) -> tuple[FoundUser, Sequence[RetainedData]]:
        return call.user, await call.act.delete(call.caller, call.query, call.reason)

    try:
        require_media_folder(settings)
        user, retained = call_for_user(settings, arguments, delete, [Part.MEDIA])
    except StartupError as error:
        user, retained = call_for_user(settings, arguments, delete)
        print_errors(str(error), "The files of the library stay until the service deletes them.")
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

    user = call_for_user(settings, arguments, find)
    identity = user.require_identity()
    print_errors(
        f"The account {identity.id} will be deleted: its sessions, phone number, library and "
        "recordings. Nobody can undo this.",
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


def _promote(settings: Settings, arguments: Namespace) -> Iterable[str]:
    user_id = _change_role(settings, arguments, Role.ADMINISTRATOR)
    return [f"{user_id} is an administrator now. All sessions have ended: sign in again."]


def _demote(settings: Settings, arguments: Namespace) -> Iterable[str]:
    return [f"{_change_role(settings, arguments, Role.MEMBER)} is a member now."]


def _change_role(settings: Settings, arguments: Namespace, role: Role) -> str:
    user = call_for_user(
        settings,
        arguments,
        lambda call: call.act.change_role(call.caller, call.query, role, call.reason),
    )
    return user.subject


def _restore(settings: Settings, arguments: Namespace) -> Iterator[str]:
    async def restore(call: UserCall) -> FoundUser:
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
                "The number of this account is held: its latest owner changed to another number "
                "within the last seven days, and may undo that. dialtone user show of the number "
                "says until when. Try again then."
            ) from None

    user = call_for_user(settings, arguments, restore)
    yield f"{user.subject} has its phone again. Its owner signs in and chooses a username."


_ACTIONS: Final[Mapping[str, Callable[[Settings, Namespace], Iterable[str]]]] = {
    "count": _count,
    "show": show,
    "reset-limits": _reset_limits,
    "send-code": _send_code,
    "block": _block,
    "unblock": _unblock,
    "sign-out": _sign_out,
    "delete": _delete,
    "export": export,
    "change-phone": change_phone,
    "promote": _promote,
    "demote": _demote,
    "restore": _restore,
}
