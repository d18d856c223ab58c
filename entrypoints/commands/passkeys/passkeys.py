"""`dialtone user passkey-invite`, `passkeys` and `passkey-remove`."""

from argparse import Namespace
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from application.passkeys.acts import INVITE, REMOVE
from application.passkeys.feature import PasskeysFeature
from domain.errors import DomainError
from domain.identities.passkey import MAX_PASSKEYS, Passkey
from domain.passkeys.errors import PasskeyNotFound, TooManyPasskeys
from entrypoints.commands.domain_errors import explain_errors
from entrypoints.commands.user_calls import UserCall, call_for_user
from entrypoints.features.passkeys import PASSKEYS, PasskeySettings, StaffPasskeys
from entrypoints.opening.startup_error import print_errors
from entrypoints.settings.settings import Settings
from entrypoints.words.passkey_words import describe_passkey

_ERRORS: Final[Mapping[type[DomainError], str]] = {
    TooManyPasskeys: f"There are {MAX_PASSKEYS} passkeys: dialtone user passkey-remove.",
    PasskeyNotFound: "There is no such passkey: dialtone user passkeys lists them.",
}


def invite(settings: Settings, arguments: Namespace) -> Iterable[str]:
    """Print a link. Only the link is on stdout, so that a shell can take it."""

    async def make(call: UserCall) -> tuple[str, str]:
        with explain_errors(_ERRORS):
            link = await call.use_cases.of(PasskeysFeature).invite(
                call.caller, call.query, call.reason
            )
        return call.user.subject, link

    subject, link = call_for_user(settings, arguments, make, [PASSKEYS], act=INVITE)
    print_errors(
        f"For {subject}, for 15 minutes and once. Whoever has the link gets into the console: "
        "check who asks, and hand it over in person or by a channel that you trust, not by SMS."
    )
    yield link


def list_passkeys(settings: Settings, arguments: Namespace) -> Iterable[str]:
    """List the passkeys of somebody."""

    async def find(call: UserCall) -> Sequence[Passkey]:
        return call.user.require_identity().staff.passkeys

    passkeys = call_for_user(settings, arguments, find, act=None)
    if arguments.json:
        return [_to_json(passkeys)]
    return map(describe_passkey, passkeys) if passkeys else ["There are no passkeys."]


def remove(settings: Settings, arguments: Namespace) -> Iterable[str]:
    """Remove a passkey, or all of them."""

    async def remove_named(call: UserCall) -> tuple[str, Sequence[Passkey]]:
        with explain_errors(_ERRORS):
            removed = await call.use_cases.of(PasskeysFeature).remove(
                call.caller, call.query, arguments.name, call.reason
            )
        return call.user.subject, removed

    subject, removed = call_for_user(settings, arguments, remove_named, [PASSKEYS], act=REMOVE)
    names = ", ".join(passkey.name for passkey in removed)
    yield f"{subject} has lost {names}. All sessions of the console have ended."
    is_required = settings.of(PasskeySettings).staff_passkeys is StaffPasskeys.REQUIRED
    yield (
        f"dialtone user {INVITE.name} makes a link to add another one."
        + ("" if is_required else " Without any passkey, a code by SMS signs in.")
    )


def _to_json(passkeys: Sequence[Passkey]) -> str:
    from msgspec import json

    described = [
        {
            "id": passkey.id,
            "name": passkey.name,
            "created_at": passkey.created_at,
            "last_used_at": passkey.last_used_at,
        }
        for passkey in passkeys
    ]
    return json.encode(described).decode()
