"""Changes of phones build themselves: from identities, one-time codes and their ports."""

from application.costs.count_costs import CountCosts
from application.identities.feature import IdentitiesFeature, IdentitiesPolicy
from application.otp.feature import OtpFeature, OtpPorts
from application.phone_change.begin import BeginPhoneChange
from application.phone_change.change_phone import ChangePhone, RequestPhoneChangeOtp
from application.phone_change.complete import CompletePhoneChange
from application.phone_change.disown_phone import DisownPhone
from application.phone_change.make_phone_change import MakePhoneChange
from application.phone_change.make_undo import MakeUndo
from application.phone_change.move_phone import MovePhone
from application.phone_change.notify import NotifyNumber
from application.phone_change.notify_new_number import NotifyNewNumber
from application.phone_change.undo_by_notice import UndoByNotice
from application.phone_change.undo_codes import UndoCodes
from application.phone_change.undo_phone_change import UndoPhoneChange
from application.ports.repositories import Repositories
from application.ports.system import SystemPorts
from application.record_act import RecordAct


class PhoneChangeFeature:
    """The use cases of changes of phones."""

    def __init__(
        self,
        system: SystemPorts,
        repositories: Repositories,
        ports: OtpPorts,
        policy: IdentitiesPolicy,
        identities: IdentitiesFeature,
        otp: OtpFeature,
        costs: CountCosts,
        record_act: RecordAct,
    ) -> None:
        clock, events = system.clock, system.events
        stored, verifications = repositories.identities, repositories.phone_verifications
        assignments = repositories.phone_assignments
        notify = NotifyNumber(
            phone_verifications=verifications,
            messenger=ports.messenger,
            templates=ports.sms_templates,
            codes=otp.codes,
            costs=costs,
            clock=clock,
            events=events,
            countries=otp.policy.countries,
            sms_provider=otp.policy.sms_provider,
        )
        undo_codes = UndoCodes(ports.peppers)
        self.complete = CompletePhoneChange(
            identities=stored,
            phone_verifications=verifications,
            holds=identities.phone_holds,
            phone_assignments=assignments,
            notify=notify,
            notify_new_number=NotifyNewNumber(
                phone_assignments=assignments, identities=stored, notify=notify, clock=clock
            ),
            undo_codes=undo_codes,
            clock=clock,
            events=events,
            recycled_after=policy.recycled_after,
        )
        begin = BeginPhoneChange(
            identities=stored, complete=self.complete, test_otps=policy.test_otps, clock=clock
        )
        make_change = MakePhoneChange(begin=begin, complete=self.complete, record_act=record_act)
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
            attempt_limiter=otp.attempt_limiter,
            keyed_hashes=ports.keyed_hashes,
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
            clock=clock,
        )
        self.move_phone = MovePhone(
            identities=stored,
            begin=begin,
            complete=self.complete,
            clock=clock,
            countries=otp.policy.countries,
        )
