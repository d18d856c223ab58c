"""What the cleanup does for changes of phones."""

from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from application.features.phone_change.change_phone import ChangePhone, RequestPhoneChangeOtp
from application.features.phone_change.change_phone_of_user import ChangePhoneOfUser
from application.features.phone_change.complete import (
    RETRY_DELAY,
    BeginPhoneChange,
    CompletePhoneChange,
)
from application.operations.cleanup import BATCH_SIZE
from application.otp.send_notice import SendNotice
from application.otp.use_cases import OtpUseCases
from application.pacing import call_in_groups
from application.ports.identities import Identities
from application.ports.versioned import Versioned
from application.use_cases import UseCases
from domain.errors import PhoneInUse
from domain.identities.identity import Identity


@dataclass(frozen=True, slots=True, kw_only=True)
class CompletePhoneChanges:
    """Complete changes of phones that were interrupted, and send their messages."""

    identities: Identities
    complete: CompletePhoneChange

    async def __call__(self, now: datetime) -> int:
        interrupted = await self.identities.list_phone_changes(now - RETRY_DELAY, BATCH_SIZE)

        async def complete(loaded: Versioned[Identity]) -> bool:
            with suppress(PhoneInUse):
                await self.complete(loaded.value.id)
            return True

        return sum(await call_in_groups(complete, interrupted))


class PhoneChangeRecordsFeature:
    """What the cleanup does with changes of phones.

    It needs no provider of messages: without `send_notice` they wait for the service.
    """

    def __init__(self, core: UseCases, send_notice: SendNotice | None = None) -> None:
        identities = core.repositories.identities
        self.complete = CompletePhoneChange(
            identities=identities,
            phone_verifications=core.repositories.phone_verifications,
            send_notice=send_notice,
            clock=core.system.clock,
            events=core.system.events,
            recycled_after=core.identities.policy.recycled_after,
        )
        complete_all = CompletePhoneChanges(identities=identities, complete=self.complete)
        core.operations.cleanup.add_steps({"completed_phone_changes": complete_all})


class PhoneChangeFeature:
    """The use cases of changes of phones. `countries` are those of the numbers; None for all."""

    def __init__(self, core: UseCases, countries: Collection[str] | None) -> None:
        clock, otp = core.system.clock, core.of(OtpUseCases)
        self.complete = PhoneChangeRecordsFeature(core, otp.send_notice).complete
        begin = BeginPhoneChange(
            identities=core.repositories.identities,
            complete=self.complete,
            test_otps=core.identities.policy.test_otps,
            clock=clock,
        )
        self.request_otp = RequestPhoneChangeOtp(begin=begin, request_otp=otp.request_otp)
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
