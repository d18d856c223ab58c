"""One-time codes build themselves from their ports and their policy."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from application.costs.count_costs import CountCosts
from application.identities.feature import IdentitiesFeature
from application.limits.attempt_limiter import AttemptLimiter
from application.limits.delivery_limiter import DeliveryLimiter
from application.limits.limit_alerts import LimitAlerts
from application.limits.measure_limits import MeasureLimits
from application.otp.attest_delivery import AttestDelivery
from application.otp.check_otp import CheckOtp
from application.otp.codes import OtpCodes
from application.otp.deliver_otp import DeliverOtp, PlaceCodeCall
from application.otp.delivery_status import (
    GetDeliveryStatus,
    RecordMessageStatus,
    ReportDelivery,
    ReportTimingProfile,
)
from application.otp.delivery_timing import DeliveryTimingProfile
from application.otp.describe_verification import DescribeVerification
from application.otp.provider_pause import ProviderPause
from application.otp.recent_message import GetRecentMessage
from application.otp.request_otp import RequestOtp
from application.otp.reset_limits import ResetLimits
from application.otp.verify_otp import VerifyOtp
from application.ports.attestation import Attestation
from application.ports.keyed_hashes import KeyedHashes
from application.ports.keys import KeyRing
from application.ports.otp import MessageProviders, RecentMessages, SmsTemplates
from application.ports.repositories import Repositories
from application.ports.system import SystemPorts
from application.ports.voice import CallProvider, StatusCallbacks
from application.webhook_urls import WebhookUrls
from domain.otp.challenge import DEFAULT_OTP_LENGTH
from domain.otp.delivery_policy import DeliveryPolicy
from domain.otp.rate_limits import RateLimits
from domain.otp.review_otps import TestOtps
from domain.phone import DEFAULT_RULES, PhoneRules


@dataclass(frozen=True, slots=True, kw_only=True)
class OtpPorts:
    """What one-time codes need of the outside world, besides the database.

    `call_provider` is None where no calls are placed, `attestation` where no proofs are asked for,
    and `recent_messages` where no page shows them.
    """

    messenger: MessageProviders
    sms_templates: SmsTemplates
    peppers: KeyRing
    keyed_hashes: KeyedHashes
    call_provider: CallProvider | None = None
    attestation: Attestation | None = None
    recent_messages: RecentMessages | None = None
    status_callbacks: Mapping[str, StatusCallbacks] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class OtpPolicy:
    """What the operator decides about one-time codes.

    Attributes:
        countries: Where codes go to; None for all countries.
        phone_rules: The kinds of numbers that get codes.
        otp_length: The digits of a code.
        test_otps: Fixed codes of phones that get no messages.
        delivery_policy: When a code is delivered to one phone.
        rate_limits: The limits that many phones share.
        webhook_urls: What providers request; None where none sends requests.
        are_messages_reported: Whether a provider reports what became of a message.
        is_sent_reported: Whether it is known that each message is reported as sent.
        sms_provider: The name of the provider that is tried first for a message.
        voice_provider: That of the provider of calls.
    """

    countries: Collection[str] | None = None
    phone_rules: PhoneRules = DEFAULT_RULES
    otp_length: int = DEFAULT_OTP_LENGTH
    test_otps: TestOtps = TestOtps()
    delivery_policy: DeliveryPolicy = field(default_factory=DeliveryPolicy)
    rate_limits: RateLimits = field(default_factory=RateLimits)
    webhook_urls: WebhookUrls | None = None
    are_messages_reported: bool = True
    is_sent_reported: bool = True
    sms_provider: str = ""
    voice_provider: str = ""


class OtpFeature:
    """The use cases of one-time codes, and what the phone line needs of them."""

    def __init__(
        self,
        system: SystemPorts,
        repositories: Repositories,
        ports: OtpPorts,
        policy: OtpPolicy,
        identities: IdentitiesFeature,
        costs: CountCosts,
    ) -> None:
        clock, randomness, events = system.clock, system.randomness, system.events
        verifications, limit_store = repositories.phone_verifications, repositories.limit_store
        report_timing = ReportTimingProfile(randomness, is_sent_reported=policy.is_sent_reported)

        self.policy = policy
        self.messenger = ports.messenger
        self.codes = OtpCodes(ports.peppers, policy.test_otps, policy.otp_length)
        self.message_timing = DeliveryTimingProfile(randomness)
        self.measure_limits = MeasureLimits(
            limit_store, clock, policy.rate_limits, policy.countries
        )
        self.limit_alerts = LimitAlerts(limit_store, self.measure_limits, clock)
        self.delivery_limiter = DeliveryLimiter(
            limit_store,
            repositories.identities,
            self.codes,
            ports.keyed_hashes,
            policy.rate_limits,
            policy.delivery_policy,
            self.limit_alerts,
        )
        self.attempt_limiter = AttemptLimiter(
            verifications, repositories.unchallenged_attempts, limit_store, policy.rate_limits
        )
        self.place_code_call = None
        if ports.call_provider is not None and policy.webhook_urls is not None:
            self.place_code_call = PlaceCodeCall(
                repositories.calls,
                ports.call_provider,
                policy.webhook_urls,
                DeliveryTimingProfile(randomness, fallback=self.message_timing),
                ports.keyed_hashes,
                clock,
                ProviderPause(clock),
                policy.voice_provider,
            )
        self.report_delivery = ReportDelivery(
            repositories.delivery_reports, report_timing, events, clock
        )
        attest_delivery = None
        if ports.attestation is not None:
            attest_delivery = AttestDelivery(
                attestation=ports.attestation,
                used_attestations=repositories.used_attestations,
                delivery_limiter=self.delivery_limiter,
                keyed_hashes=ports.keyed_hashes,
                clock=clock,
                events=events,
            )

        self.request_otp = RequestOtp(
            phone_verifications=verifications,
            delivery_limiter=self.delivery_limiter,
            attempt_limiter=self.attempt_limiter,
            codes=self.codes,
            deliver_otp=DeliverOtp(
                codes=self.codes,
                templates=ports.sms_templates,
                messenger=ports.messenger,
                recent_messages=ports.recent_messages,
                timing=self.message_timing,
                delivery_reports=repositories.delivery_reports,
                report_timing=report_timing,
                place_code_call=self.place_code_call,
                webhook_urls=policy.webhook_urls if policy.are_messages_reported else None,
                keyed_hashes=ports.keyed_hashes,
                costs=costs,
                clock=clock,
                sms_provider=policy.sms_provider,
                voice_provider=policy.voice_provider,
            ),
            identities=repositories.identities,
            phone_holds=identities.phone_holds,
            attest_delivery=attest_delivery,
            keyed_hashes=ports.keyed_hashes,
            clock=clock,
            randomness=randomness,
            events=events,
            countries=policy.countries,
            phone_rules=policy.phone_rules,
        )
        self.check_otp = CheckOtp(
            phone_verifications=verifications,
            identities=repositories.identities,
            codes=self.codes,
            attempt_limiter=self.attempt_limiter,
            delivery_limiter=self.delivery_limiter,
            keyed_hashes=ports.keyed_hashes,
            clock=clock,
            randomness=randomness,
            events=events,
        )
        self.verify_otp = VerifyOtp(
            self.check_otp, identities.log_in, identities.phone_holds, events
        )
        self.describe_verification = DescribeVerification(
            verifications,
            self.delivery_limiter,
            self.codes,
            ports.keyed_hashes,
            clock,
            policy.countries,
            policy.phone_rules,
        )
        self.reset_limits = ResetLimits(verifications, clock, events)
        self.record_message_status = RecordMessageStatus(
            ports.status_callbacks, self.report_delivery
        )
        self.get_recent_message = GetRecentMessage(ports.recent_messages)
        self.get_delivery_status = GetDeliveryStatus(repositories.delivery_reports, clock)
