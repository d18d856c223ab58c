"""Changes of phones: what the cleanup and operators do, and the use cases."""

from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, Final

from application.additions import Additions
from application.administration.user_acts import (
    ActCall,
    ActField,
    FieldRules,
    UserAct,
    has_account,
)
from application.core_ports import CorePorts
from application.features.phone_change.change_phone import ChangePhone, RequestPhoneChangeOtp
from application.features.phone_change.change_phone_of_user import CHANGE_PHONE, ChangePhoneOfUser
from application.features.phone_change.complete import (
    RETRY_DELAY,
    BeginPhoneChange,
    CompletePhoneChange,
)
from application.opened import Opened
from application.operations.cleanup import BATCH_SIZE, EachDue
from application.otp.deliver_code import SendNotice
from application.ports.versioned import Versioned
from application.use_cases import UseCases
from domain.errors import PhoneInUse
from domain.identities.identity import Identity
from domain.phone import PhoneNumber, parse_phone


def open_phone_changes(
    core_ports: CorePorts, send_notice: SendNotice | None, countries: Collection[str] | None
) -> Opened["PhoneChangeFeature | None"]:
    """Open changes of phones. Without `send_notice` they wait for the service."""
    complete = CompletePhoneChange(
        identities=core_ports.repositories.identities,
        phone_verifications=core_ports.repositories.phone_verifications,
        send_notice=send_notice,
        clock=core_ports.system.clock,
        events=core_ports.system.events,
        recycled_after=core_ports.policy.recycled_after,
    )
    identities = core_ports.repositories.identities

    async def complete_change(loaded: Versioned[Identity], _: datetime) -> bool:
        with suppress(PhoneInUse):
            await complete(loaded.value.id)
        return True

    complete_all = EachDue(
        lambda now, offset: identities.list_phone_changes(now - RETRY_DELAY, BATCH_SIZE, offset),
        complete_change,
    )
    return Opened(
        lambda core: PhoneChangeFeature(core, complete, countries) if core.has_otp else None,
        Additions(
            cleanup_steps={"completed_phone_changes": complete_all},
            user_acts=(CHANGE_USER_PHONE,) if send_notice else (),
        ),
    )


class PhoneChangeFeature:
    """The use cases of changes of phones. `countries` are those of the numbers; None for all."""

    def __init__(
        self, core: UseCases, complete: CompletePhoneChange, countries: Collection[str] | None
    ) -> None:
        clock, otp, self.complete = core.system.clock, core.otp, complete
        begin = BeginPhoneChange(
            identities=core.repositories.identities,
            complete=self.complete,
            fixed_codes=core.identities.policy.fixed_codes,
            clock=clock,
        )
        self.request_otp = RequestPhoneChangeOtp(
            begin=begin, request_otp=otp.request_otp, clock=clock
        )
        self.change_phone = ChangePhone(
            check_otp=otp.check_otp,
            begin=begin,
            complete=self.complete,
            record_act=core.record_act,
            clock=clock,
            events=core.system.events,
        )
        self.change_phone_of_user = ChangePhoneOfUser(
            act=core.administration.act_for_users,
            begin=begin,
            complete=self.complete,
            clock=clock,
            countries=countries,
        )


def _parse_phone(text: str, rules: FieldRules) -> PhoneNumber:
    return parse_phone(text, rules.default_region, rules.phone_rules)


async def _change_phone(call: ActCall) -> Mapping[str, Any]:
    changes: PhoneChangeFeature = call.feature
    user = await changes.change_phone_of_user(
        call.operator, call.query, call.values["new_phone"], call.reason
    )
    is_notified = user.require_identity().phone_change is None
    return {"subject": user.subject, "notice": "" if is_notified else _UNNOTICED}


_UNNOTICED: Final = (
    " No provider took the message to the former number: the service tries it again for a day."
)
CHANGE_USER_PHONE: Final = UserAct(
    act=CHANGE_PHONE,
    feature="phone_change",
    title="Change the number",
    explains="Give a user who lost the phone another number. First make sure that this is the"
    " owner, and say in the reason how: by a passport and a call back, for example. Most stolen"
    " numbers were moved by a support that did not. All sessions, passkeys and a role end:"
    " the owner signs in with the new number. The former number gets a message, and is free:"
    " the next sign-in with it opens another account. An account whose number belongs to somebody"
    " else now gets a number again. The number of an administrator is changed by a command only.",
    for_programs="No service token changes a number, whatever its scopes: a 403 `forbidden`. After"
    " a 503 that is not `audit_failed`, the change may have begun: then it is completed. Show the"
    " user before you repeat it.",
    done="Phone number changed. All sessions have ended.{notice}",
    run=_change_phone,
    is_offered=has_account,
    fields=[
        ActField(
            name="new_phone",
            label="New number",
            explains="With the country code, such as +49 1512 3456789; one without an account",
            example="+14155552672",
            parse=_parse_phone,
        )
    ],
)
