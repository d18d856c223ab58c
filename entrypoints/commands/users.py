"""The commands that change a user, such as `dialtone promote`."""

from argparse import Namespace
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from application.identities.operators import OperatorActions
from domain.errors import InvalidValue, UserNotFound
from domain.identifier import parse_identifier
from domain.identities.identity import Role
from entrypoints.commands.parsing import parse_phone, parse_user
from entrypoints.commands.use_case_calls import call_with_use_cases
from entrypoints.settings.settings import Settings
from entrypoints.startup_error import CommandError

T = TypeVar("T")


def promote(settings: Settings, arguments: Namespace) -> Iterable[str]:
    """Make a user an administrator."""
    user = parse_user(settings, arguments.user)
    try:
        identity = _act(settings, lambda actions: actions.change_role(user, Role.ADMINISTRATOR))
    except InvalidValue as error:
        raise CommandError(error.message) from None
    return [f"{identity.id} is an administrator now. All sessions have ended: sign in again."]


def demote(settings: Settings, arguments: Namespace) -> Iterable[str]:
    """Make an administrator a member."""
    user = parse_user(settings, arguments.user)
    identity = _act(settings, lambda actions: actions.change_role(user, Role.MEMBER))
    return [f"{identity.id} is a member now."]


def block(settings: Settings, arguments: Namespace) -> Iterable[str]:
    """Block a phone and revoke its sessions."""
    phone = parse_phone(settings, arguments.phone)
    _act(settings, lambda actions: actions.block(phone))
    return [f"{phone.masked} is blocked now."]


def unblock(settings: Settings, arguments: Namespace) -> Iterable[str]:
    """Allow a blocked phone to sign in."""
    phone = parse_phone(settings, arguments.phone)
    _act(settings, lambda actions: actions.unblock(phone))
    return [f"{phone.masked} is not blocked now."]


def sign_out(settings: Settings, arguments: Namespace) -> Iterable[str]:
    """Revoke all sessions of a phone."""
    phone = parse_phone(settings, arguments.phone)
    revoked = _act(settings, lambda actions: actions.revoke_sessions(phone))
    return [f"{phone.masked} is signed out; revoked sessions: {revoked}."]


def restore_identity(settings: Settings, arguments: Namespace) -> Iterable[str]:
    """Give a phone back to its detached identity."""
    user_id = parse_identifier(arguments.user_id)
    if user_id is None:
        raise CommandError("This is not a user id: use the one of the event identity_detached.")
    not_found = "There is no detached identity with this id."
    identity = _act(settings, lambda actions: actions.restore(user_id), not_found)
    return [f"{identity.id} has its phone again. Its owner signs in and chooses a username."]


def _act(
    settings: Settings,
    act: Callable[[OperatorActions], Awaitable[T]],
    not_found: str = "There is no such user: use a user id, or a phone that has signed in.",
) -> T:
    try:
        return call_with_use_cases(
            settings, (), lambda use_cases: act(use_cases.identities.operator_actions)
        )
    except UserNotFound:
        raise CommandError(not_found) from None
