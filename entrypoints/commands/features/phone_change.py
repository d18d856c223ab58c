"""`dialtone user change-phone`."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import click

from application.administration.find_user import FoundUser
from application.features.phone_change.change_phone_of_user import CHANGE_PHONE
from application.ports.errors import ConcurrencyConflict
from domain.errors import ConflictingValue, CountryNotServed, PhoneInUse
from domain.identities.identity import Identity
from domain.phone import PhoneNumber, parse_phone
from entrypoints.commands.shared.command import Command
from entrypoints.commands.shared.hidden_numbers import hide_numbers
from entrypoints.commands.shared.options import (
    PHONE,
    ActOptions,
    optional_act_options,
    user_argument,
)
from entrypoints.commands.shared.parsing import name_option
from entrypoints.commands.shared.user_calls import UserCall, call_for_user
from entrypoints.composition.otp import OTP
from entrypoints.features.phone_change import PHONE_CHANGE
from entrypoints.settings.settings import Settings
from entrypoints.settings.startup_error import CommandError, InvalidArgument

_EXAMPLE: Final = f"{PHONE} +14155552672"


@click.command(
    cls=Command,
    examples=[f"{_EXAMPLE} --reason 'ticket 4711: passport'"],
)
@user_argument
@click.argument("new_number", help="The number that it gets.")
@optional_act_options  # an error of its own says what to write as the reason
def change_phone(
    settings: Settings, user: str, new_number: str, options: ActOptions
) -> Iterator[str]:
    """Give an account another number, for an owner who lost the former one.

    --reason is required. Ends all sessions, passkeys and the role. The former number gets a
    message, and is free. Also gives a number to a detached account.
    """
    with name_option("NEW_NUMBER"):  # codes can be sent to it
        phone = parse_phone(new_number, settings.default_region, settings.phone_rules)
    _, reason = options.parse(None)
    if not reason:
        raise InvalidArgument(
            "--reason: say how you made sure that this is the owner. Most stolen phone numbers "
            "were moved by a support that did not. The audit keeps the reason."
        )

    async def change(call: UserCall) -> tuple[FoundUser, FoundUser]:
        with _explain_errors(phone):
            changed = await PHONE_CHANGE.of(call.use_cases).change_phone_of_user(
                call.operator, call.query, phone, call.reason
            )
        return call.user, changed

    # The message to the former number needs a provider. Without one nothing is changed.
    openables = [OTP, PHONE_CHANGE]
    before, after = call_for_user(
        hide_numbers(settings), user, options, change, openables, act=CHANGE_PHONE
    )
    yield from _describe(before, after.require_identity())


@contextmanager
def _explain_errors(phone: PhoneNumber) -> Iterator[None]:

    try:
        yield
    except PhoneInUse:
        problem = f"{phone.masked} has an account, or is blocked: dialtone user show says which."
    except CountryNotServed:
        problem = (
            f"DIALTONE_COUNTRIES does not have {phone.country}, so {phone.masked} would get no "
            "codes."
        )
    except ConcurrencyConflict:
        problem = (
            "Another change of the account was faster. Look at it with dialtone user show, and try "
            "again."
        )
    except ConflictingValue as error:
        problem = error.message
    else:
        return
    raise CommandError(f"The number was not changed. {problem}")


def _describe(before: FoundUser, identity: Identity) -> Iterator[str]:
    former, new = _mask(before.phone), _mask(identity.phone)
    yield f"{identity.id} has the number {new} now. Before, it had {former}."
    if identity.is_blocked:
        yield (
            "All sessions have ended. The account is blocked: no sign-in works until dialtone user "
            f"unblock {identity.id}. While the former number is blocked too, it gets no message."
        )
    else:
        yield "All sessions have ended: the owner signs in with the new number."
    if identity.phone_change is not None:
        yield (
            "No provider took the message to the former number. The cleanup tries it again for a "
            "day."
        )
    if before.identity is not None and before.identity.is_staff:
        role = before.identity.staff.role
        yield (
            f"{identity.id} had the role {role}, and is a member now until dialtone user promote "
            f"{identity.id} --role {role}."
        )


def _mask(phone: PhoneNumber | None) -> str:
    return phone.masked if phone else "none"
