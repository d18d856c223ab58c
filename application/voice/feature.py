"""The phone line builds itself from its ports, its policy and one-time codes."""

from dataclasses import dataclass

from application.costs.feature import CostsFeature
from application.identities.assign_phone import AssignPhone
from application.identities.phone_holds import PhoneHolds
from application.otp.feature import OtpFeature
from application.ports.repositories import Repositories
from application.ports.system import SystemPorts
from application.ports.voice import VoicePorts
from application.voice.answer_call import AnswerCall, FindCaller
from application.voice.answer_code_call import AnswerCodeCall
from application.voice.call_back import CallBackCaller
from application.voice.call_limiter import CallLimiter
from application.voice.call_reports import CallReports
from application.voice.callbacks import Callbacks
from application.voice.effects import CarryOutEffect
from domain.phone import PhoneNumber
from domain.voice.call_limits import CallLimits
from domain.voice.flow import HANG_UP_FLOW, CallFlow


@dataclass(frozen=True, slots=True, kw_only=True)
class VoicePolicy:
    """What the operator decides about the phone line.

    `operator` is None where nobody answers calls. Calls come from `caller_id`.
    """

    call_flow: CallFlow = HANG_UP_FLOW
    call_limits: CallLimits = CallLimits()
    operator: PhoneNumber | None = None
    caller_id: str = ""


class VoiceFeature:
    """The use cases of the phone line, and the ports that its webhooks need."""

    def __init__(
        self,
        system: SystemPorts,
        repositories: Repositories,
        ports: VoicePorts,
        policy: VoicePolicy,
        otp: OtpFeature,
        costs: CostsFeature,
    ) -> None:
        clock, randomness, events = system.clock, system.randomness, system.events
        verifications, identities = repositories.phone_verifications, repositories.identities
        calls, limit_store = repositories.calls, repositories.limit_store

        self.ports = ports
        self.callbacks = Callbacks(
            phone_verifications=verifications,
            attempt_limiter=otp.attempt_limiter,
            delivery_limiter=otp.delivery_limiter,
            calls=calls,
            codes=otp.codes,
            place_code_call=otp.place_code_call,
            provider=otp.policy.voice_provider,
            clock=clock,
            randomness=randomness,
            events=events,
            countries=otp.policy.countries,
            phone_rules=otp.policy.phone_rules,
        )
        longest = policy.call_flow.max_operator_time
        otp.measure_limits.include(policy.call_limits.shared_limits(longest))
        call_back = CallBackCaller(self.callbacks)
        call_limiter = CallLimiter(
            limit_store=limit_store,
            codes=otp.codes,
            clock=clock,
            events=events,
            alerts=otp.limit_alerts,
            limits=policy.call_limits,
            flow=policy.call_flow,
            has_operator=policy.operator is not None,
        )
        self.answer_call = AnswerCall(
            calls=calls,
            find_caller=FindCaller(verifications, identities),
            carry_out=CarryOutEffect(
                phone_verifications=verifications,
                assign_phone=AssignPhone(
                    verifications, PhoneHolds(verifications, identities, clock)
                ),
                identities=identities,
                delivery_limiter=otp.delivery_limiter,
                codes=otp.codes,
                messenger=otp.messenger,
                costs=costs.count,
                timing=otp.message_timing,
                callbacks=self.callbacks,
                clock=clock,
                randomness=randomness,
                events=events,
                flow=policy.call_flow,
                countries=otp.policy.countries,
            ),
            call_limiter=call_limiter,
            call_back=call_back,
            clock=clock,
            flow=policy.call_flow,
            operator=policy.operator,
            caller_id=policy.caller_id,
            costs=costs.count,
            provider=otp.policy.voice_provider,
        )
        self.answer_code_call = AnswerCodeCall(
            calls, verifications, otp.codes, clock, policy.call_flow
        )
        reports = CallReports(
            calls,
            call_limiter,
            call_back,
            otp.report_delivery,
            clock,
            otp.policy.voice_provider,
            costs.count,
        )
        self.record_call_status = reports.record_status
        self.keep_recording = reports.keep_recording
