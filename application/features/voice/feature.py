"""Build the use cases of the phone line from its ports, its policy and one-time codes."""

from collections.abc import Collection
from dataclasses import dataclass

from application.features.voice.answer_call import AnswerCall, FindCaller
from application.features.voice.answer_code_call import AnswerCodeCall
from application.features.voice.call_back import CallBackCaller
from application.features.voice.call_limiter import CallLimiter
from application.features.voice.call_reports import CallReports
from application.features.voice.call_urls import CallUrls
from application.features.voice.callbacks import Callbacks
from application.features.voice.claim_webhook import ClaimWebhook
from application.features.voice.effects import CarryOutEffect
from application.features.voice.place_code_call import DeliverByCall, PlaceCodeCall
from application.features.voice.ports import VoicePorts, VoiceRepositories
from application.otp.delivery_timing import DeliveryTimingProfile
from application.otp.feature import LimitsFeature, OtpFeature
from application.otp.provider_pause import ProviderPause
from application.otp_codes import OtpCodes
from application.ports.keys import KeyRing
from application.ports.webhooks import coverage_of
from application.use_cases import UseCases
from domain.features.voice.call_limits import CallLimits
from domain.features.voice.flow import HANG_UP_FLOW, CallFlow
from domain.otp.challenge import DEFAULT_OTP_LENGTH
from domain.phone import DEFAULT_RULES, PhoneNumber, PhoneRules


@dataclass(frozen=True, slots=True, kw_only=True)
class VoicePolicy:
    """What the operator decides about the phone line.

    Attributes:
        provider: The name of the provider.
        call_flow: What callers hear.
        call_limits: How many calls are answered.
        line_operator: Who talks to callers; None where nobody does.
        caller_id: The number that calls come from; empty if only the provider knows it.
        call_urls: What the provider requests; None where no code is read in a call.
        countries: Where calls go to; None for all countries.
        phone_rules: The kinds of numbers that are called.
        otp_length: The digits of a code.
    """

    provider: str
    call_flow: CallFlow = HANG_UP_FLOW
    call_limits: CallLimits = CallLimits()
    line_operator: PhoneNumber | None = None
    caller_id: str = ""
    call_urls: CallUrls | None = None
    countries: Collection[str] | None = None
    phone_rules: PhoneRules = DEFAULT_RULES
    otp_length: int = DEFAULT_OTP_LENGTH


class VoiceFeature:
    """The use cases of the phone line, and the ports that its webhooks need."""

    def __init__(
        self,
        core: UseCases,
        repositories: VoiceRepositories,
        ports: VoicePorts,
        peppers: KeyRing,
        policy: VoicePolicy,
    ) -> None:
        clock, randomness, events = core.system.clock, core.system.randomness, core.system.events
        identities = core.repositories.identities
        verifications = core.repositories.phone_verifications
        otp, limits = core.of(OtpFeature), core.of(LimitsFeature)
        limit_store = limits.limit_store
        calls = repositories.calls
        codes = OtpCodes(peppers, core.identities.policy.test_otps, policy.otp_length)
        is_url_signed = coverage_of(ports.signatures).url
        self._keyed_hashes = None if is_url_signed else core.keyed_hashes
        self.claim_webhook = (
            None
            if is_url_signed
            else ClaimWebhook(repositories.used_webhooks, core.keyed_hashes, clock)
        )
        place_code_call = None
        if policy.call_urls is not None:
            place_code_call = PlaceCodeCall(
                calls,
                ports.calls,
                self.urls_at(policy.call_urls.public_url),
                DeliveryTimingProfile(randomness, fallback=otp.deliver_code.timing.durations_of),
                core.keyed_hashes,
                clock,
                ProviderPause(clock),
                policy.provider,
            )
            otp.extensions.code_calls = DeliverByCall(place_code_call, clock)

        core.identities.extensions.call_provider = policy.provider
        self.ports = ports
        self.callbacks = Callbacks(
            phone_verifications=verifications,
            delivery_limiter=limits.delivery_limiter,
            calls=calls,
            codes=codes,
            place_code_call=place_code_call,
            provider=policy.provider,
            rejections=otp.rejections,
            extensions=otp.extensions,
            clock=clock,
            randomness=randomness,
            events=events,
            countries=policy.countries,
            phone_rules=policy.phone_rules,
        )
        longest = policy.call_flow.max_line_operator_time
        limits.measure_limits.include(policy.call_limits.shared_limits(longest))
        call_back = CallBackCaller(self.callbacks)
        call_limiter = CallLimiter(
            limit_store=limit_store,
            codes=codes,
            clock=clock,
            events=events,
            alerts=limits.limit_alerts,
            limits=policy.call_limits,
            flow=policy.call_flow,
            has_line_operator=policy.line_operator is not None,
        )
        self.answer_call = AnswerCall(
            calls=calls,
            find_caller=FindCaller(verifications, identities),
            carry_out=CarryOutEffect(
                phone_verifications=verifications,
                assign_phone=core.identities.assign_phone,
                identities=identities,
                delivery_limiter=limits.delivery_limiter,
                codes=codes,
                deliver_code=otp.deliver_code,
                callbacks=self.callbacks,
                clock=clock,
                randomness=randomness,
                events=events,
                flow=policy.call_flow,
                countries=policy.countries,
            ),
            call_limiter=call_limiter,
            call_back=call_back,
            clock=clock,
            flow=policy.call_flow,
            line_operator=policy.line_operator,
            caller_id=policy.caller_id,
        )
        self.answer_code_call = AnswerCodeCall(calls, verifications, codes, clock, policy.call_flow)
        reports = CallReports(
            calls,
            call_limiter,
            call_back,
            otp.report_delivery,
            clock,
            policy.provider,
        )
        self.record_call_status = reports.record_status
        self.keep_recording = reports.keep_recording

    def urls_at(self, public_url: str) -> CallUrls:
        """Return the webhooks, which are signed where the provider does not sign their URLs."""
        return CallUrls(public_url, self._keyed_hashes)
