"""Build the use cases of the phone line from its ports, its policy and one-time codes."""

from dataclasses import dataclass

from application.additions import Additions
from application.core_ports import CorePorts
from application.features.voice.answer_call import AnswerCall, FindCaller
from application.features.voice.call_limiter import CallLimiter
from application.features.voice.call_log import CallsFeature
from application.features.voice.call_reports import CallReports, CarryOutEffect
from application.features.voice.call_urls import CallUrls, ClaimWebhook
from application.features.voice.code_calls import AnswerCodeCall, PlaceCodeCall
from application.features.voice.ports import VoicePorts, VoiceRepositories
from application.otp.failover import ProviderPause
from application.ports.webhooks import coverage_of
from application.require import require
from application.use_cases import UseCases
from domain.features.voice.call_texts import CallTexts
from domain.features.voice.instructions import CallLimits
from domain.otp.delivery import Channel
from domain.phone import PhoneNumber


@dataclass(frozen=True, slots=True, kw_only=True)
class VoicePolicy:
    """What the operator decides about the phone line.

    Attributes:
        line_operator: Who talks to callers; None where nobody does.
        caller_id: The number that calls come from; empty if only the provider knows it.
        call_urls: What the provider requests; None where no code is read in a call.
    """

    provider: str
    call_texts: CallTexts
    call_limits: CallLimits = CallLimits()
    line_operator: PhoneNumber | None = None
    caller_id: str = ""
    call_urls: CallUrls | None = None


def call_with_codes(
    core_ports: CorePorts,
    repositories: VoiceRepositories,
    ports: VoicePorts,
    policy: VoicePolicy,
    pause: ProviderPause,
) -> Additions:
    """Return what places calls with codes, and the limits of the phone line."""
    shared_limits = policy.call_limits.shared_limits
    if policy.call_urls is None:
        return Additions(shared_limits=shared_limits)
    hashes = None if coverage_of(ports.signatures).url else core_ports.keyed_hashes
    return Additions(
        shared_limits=shared_limits,
        code_channels={
            Channel.VOICE: PlaceCodeCall(
                repositories.calls,
                ports.calls,
                CallUrls(policy.call_urls.public_url, hashes),
                core_ports.keyed_hashes,
                core_ports.system.clock,
                pause,
                policy.provider,
            )
        },
    )


@dataclass(frozen=True, slots=True)
class Voice:
    """The call log, and the phone line, where that is open."""

    calls: CallsFeature
    _voice: "VoiceFeature | None" = None

    @property
    def voice(self) -> "VoiceFeature":
        return require(self._voice, "the phone line is")


class VoiceFeature:
    """The use cases of the phone line, and the ports that its webhooks need."""

    def __init__(
        self,
        core: UseCases,
        repositories: VoiceRepositories,
        ports: VoicePorts,
        policy: VoicePolicy,
    ) -> None:
        clock, randomness, events = core.system.clock, core.system.randomness, core.system.events
        identities = core.repositories.identities
        verifications = core.repositories.phone_verifications
        otp, limits = core.otp, core.limits
        limit_store = limits.limit_store
        calls = repositories.calls
        codes = limits.codes
        is_url_signed = coverage_of(ports.signatures).url
        self._keyed_hashes = None if is_url_signed else core.keyed_hashes
        self.claim_webhook = (
            None
            if is_url_signed
            else ClaimWebhook(repositories.used_webhooks, core.keyed_hashes, clock)
        )
        self.ports = ports
        call_limiter = CallLimiter(
            limit_store=limit_store,
            codes=codes,
            clock=clock,
            events=events,
            alerts=limits.limit_alerts,
            limits=policy.call_limits,
            texts=policy.call_texts,
            has_line_operator=policy.line_operator is not None,
        )
        self.answer_call = AnswerCall(
            calls=calls,
            find_caller=FindCaller(verifications, identities),
            carry_out=CarryOutEffect(
                phone_verifications=verifications,
                assign_phone=core.identities.assign_phone,
                identities=identities,
                clock=clock,
                randomness=randomness,
                events=events,
            ),
            call_limiter=call_limiter,
            clock=clock,
            texts=policy.call_texts,
            line_operator=policy.line_operator,
            caller_id=policy.caller_id,
        )
        self.answer_code_call = AnswerCodeCall(
            calls, verifications, codes, clock, policy.call_texts
        )
        reports = CallReports(
            calls,
            call_limiter,
            otp.report_delivery,
            clock,
            policy.provider,
        )
        self.record_call_status = reports.record_status
        self.keep_recording = reports.keep_recording

    def urls_at(self, public_url: str) -> CallUrls:
        """Return the webhooks, which are signed where the provider does not sign their URLs."""
        return CallUrls(public_url, self._keyed_hashes)
