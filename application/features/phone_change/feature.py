"""Build the use cases of changes of phones from identities and one-time codes."""

from collections.abc import Collection
from dataclasses import dataclass

from application.features.phone_change.begin import BeginPhoneChange
from application.features.phone_change.change_phone import ChangePhone, RequestPhoneChangeOtp
from application.features.phone_change.change_phone_of_user import ChangePhoneOfUser
from application.features.phone_change.cleanup import CleanUpPhoneChanges
from application.features.phone_change.complete import CompletePhoneChange
from application.features.phone_change.disown_phone import DisownPhone
from application.features.phone_change.make_phone_change import MakePhoneChange
from application.features.phone_change.make_undo import MakeUndo
from application.features.phone_change.move_phone import MovePhone
from application.features.phone_change.notify_new_number import NotifyNewNumber
from application.features.phone_change.ports import PhoneAssignmentsRepository
from application.features.phone_change.undo_by_notice import UndoByNotice
from application.features.phone_change.undo_codes import UndoCodes
from application.features.phone_change.undo_phone_change import UndoPhoneChange
from application.otp.feature import LimitsFeature, OtpFeature
from application.otp.send_notice import SendNotice
from application.ports.keys import KeyRing
from application.use_cases import UseCases


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneChangePolicy:
    """What the operator decides: the countries of numbers, None for all."""

    countries: Collection[str] | None = None


class PhoneChangeRecordsFeature:
    """What the cleanup does with changes of phones.

    It needs no provider of messages: without `send_notice` they wait for the service.
    """

    def __init__(
        self,
        core: UseCases,
        assignments: PhoneAssignmentsRepository,
        undo_codes: UndoCodes,
        send_notice: SendNotice | None = None,
    ) -> None:
        clock, identities = core.system.clock, core.repositories.identities
        self.complete = CompletePhoneChange(
            identities=identities,
            phone_verifications=core.repositories.phone_verifications,
            holds=core.identities.phone_holds,
            phone_assignments=assignments,
            send_notice=send_notice,
            notify_new_number=NotifyNewNumber(
                phone_assignments=assignments,
                identities=identities,
                send_notice=send_notice,
                clock=clock,
            ),
            undo_codes=undo_codes,
            clock=clock,
            events=core.system.events,
            recycled_after=core.identities.policy.recycled_after,
        )
        cleanup = CleanUpPhoneChanges(
            identities=identities, phone_assignments=assignments, complete=self.complete
        )
        core.operations.cleanup.add_steps(cleanup.steps())
        core.operations.cleanup.on_purge(cleanup.forget_identity)


class PhoneChangeFeature:
    """The use cases of changes of phones."""

    def __init__(
        self,
        core: UseCases,
        assignments: PhoneAssignmentsRepository,
        peppers: KeyRing,
        policy: PhoneChangePolicy,
    ) -> None:
        clock, events, otp = core.system.clock, core.system.events, core.of(OtpFeature)
        limits, identities = core.of(LimitsFeature), core.identities
        stored = core.repositories.identities
        verifications = core.repositories.phone_verifications
        undo_codes = UndoCodes(peppers)
        records = PhoneChangeRecordsFeature(core, assignments, undo_codes, otp.send_notice)
        self.complete = records.complete
        test_otps = identities.policy.test_otps
        begin = BeginPhoneChange(
            identities=stored, complete=self.complete, test_otps=test_otps, clock=clock
        )
        make_change = MakePhoneChange(
            begin=begin, complete=self.complete, record_act=core.record_act
        )
        self.request_otp = RequestPhoneChangeOtp(begin=begin, request_otp=otp.request_otp)
        self.change_phone = ChangePhone(
            check_otp=otp.check_otp,
            begin=begin,
            complete=self.complete,
            make_change=make_change,
            clock=clock,
            events=events,
        )
        make_undo = MakeUndo(
            phone_verifications=verifications,
            holds=identities.phone_holds,
            complete=self.complete,
            make_change=make_change,
            clock=clock,
        )
        self.undo = UndoPhoneChange(
            check_otp=otp.check_otp, identities=stored, make_undo=make_undo, events=events
        )
        self.undo_by_notice = UndoByNotice(
            phone_verifications=verifications,
            identities=stored,
            attempt_limiter=limits.attempt_limiter,
            keyed_hashes=core.keyed_hashes,
            codes=undo_codes,
            make_undo=make_undo,
            clock=clock,
            events=events,
        )
        self.disown = DisownPhone(
            phone_assignments=assignments,
            phone_verifications=verifications,
            holds=identities.phone_holds,
            complete=self.complete,
            make_change=make_change,
            codes=undo_codes,
            clock=clock,
        )
        self.change_phone_of_user = ChangePhoneOfUser(
            act=core.administration.act_for_users,
            move_phone=MovePhone(
                identities=stored,
                begin=begin,
                complete=self.complete,
                clock=clock,
                countries=policy.countries,
            ),
            limits=core.actor_limits,
            phone_verifications=verifications,
            test_otps=test_otps,
            clock=clock,
        )
