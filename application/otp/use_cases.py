"""Build the use cases of one-time codes from their ports and their policy."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from application.code_derivation import CodeDerivation
from application.core_ports import CorePorts
from application.identities.additions import IdentityAdditions
from application.identities.use_cases import IdentityUseCases
from application.limits.additions import LimitAdditions
from application.limits.attempt_limiter import AttemptLimiter
from application.limits.delivery_limiter import DeliveryLimiter
from application.limits.limit_alerts import LimitAlerts
from application.limits.measure_limits import MeasureLimits
from application.operations.cleanup import CleanupStep, expire
from application.otp.additions import OtpAdditions
from application.otp.check_otp import CheckOtp
from application.otp.deliver_code import DeliverCode, SendNotice
from application.otp.delivery_status import (
    AnswerHandshake,
    GetDeliveryStatus,
    RecordMessageStatus,
    ReportDelivery,
)
from application.otp.log_in import LogIn, VerifyOtp
from application.otp.phone_limits import DescribeVerification
from application.otp.recent_rejections import RecentRejections
from application.otp.request_otp import RequestOtp
from application.ports.limits import LimitStore
from application.ports.otp import MessageProviders, SmsTemplates
from application.ports.webhooks import Handshakes, StatusCallbacks
from application.webhook_urls import WebhookUrls
from domain.otp.delivery_policy import ChannelOrder, DeliveryPolicy
from domain.otp.rate_limits import RateLimits
from domain.otp.sliding_window import CLOCK_SKEW
from domain.phone import DEFAULT_RULES, PhoneRules


@dataclass(frozen=True, slots=True, kw_only=True)
class OtpPorts:
    """What messages with codes need of the outside world, besides the database."""

    messenger: MessageProviders
    sms_templates: SmsTemplates
    status_callbacks: Mapping[str, StatusCallbacks] = field(default_factory=dict)
    handshakes: Mapping[str, Handshakes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class OtpPolicy:
    """What the operator decides about one-time codes.

    Attributes:
        countries: Where codes go to; None for all countries.
        webhook_urls: The URLs of reports; None where no provider reports what became of a message.
    """

    countries: Collection[str] | None = None
    phone_rules: PhoneRules = DEFAULT_RULES
    delivery_policy: DeliveryPolicy = field(default_factory=DeliveryPolicy)
    rate_limits: RateLimits = field(default_factory=RateLimits)
    webhook_urls: WebhookUrls | None = None
    channels: ChannelOrder = field(default_factory=ChannelOrder)


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitPorts:
    """What limits need of the outside world.

    What expires in `former_store`, if the limits are in another one now, is deleted: the ids of
    limits have hashes of client IPs.
    """

    store: LimitStore
    codes: CodeDerivation
    policy: OtpPolicy
    former_store: LimitStore | None = None


class LimitUseCases:
    """The limits of codes, and the use cases that only read them."""

    def __init__(self, core_ports: CorePorts, ports: LimitPorts, additions: LimitAdditions) -> None:
        clock, policy, limit_store = core_ports.system.clock, ports.policy, ports.store
        verifications, keyed_hashes = (
            core_ports.repositories.phone_verifications,
            core_ports.keyed_hashes,
        )
        self.codes = codes = ports.codes
        self.limit_store = limit_store
        limits = policy.rate_limits
        self.measure_limits = MeasureLimits(
            limit_store, clock, limits, policy.countries, additions.shared_limits
        )
        self.limit_alerts = LimitAlerts(limit_store, self.measure_limits, clock)
        self.delivery_limiter = DeliveryLimiter(
            limit_store,
            codes,
            keyed_hashes,
            limits,
            policy.delivery_policy,
            self.limit_alerts,
            additions,
        )
        self.attempt_limiter = AttemptLimiter(limit_store, limits, self.limit_alerts)
        self.describe_verification = DescribeVerification(
            verifications,
            self.delivery_limiter,
            codes,
            keyed_hashes,
            clock,
            policy.countries,
            policy.phone_rules,
        )
        # Another instance, whose clock is behind, still counts what expires now.
        stores = (limit_store, ports.former_store)
        steps = [expire(store, CLOCK_SKEW) for store in stores if store is not None]

        async def expire_limits(now: datetime) -> int:
            return sum([await step(now) for step in steps])

        self.cleanup_steps: Mapping[str, CleanupStep] = {"expired_rate_limits": expire_limits}


def make_send_notice(core_ports: CorePorts, limits: LimitPorts, otp: OtpPorts) -> SendNotice:
    """Make what features send messages with, before the core is built."""
    policy = limits.policy
    return SendNotice(
        phone_verifications=core_ports.repositories.phone_verifications,
        messenger=otp.messenger,
        templates=otp.sms_templates,
        codes=limits.codes,
        clock=core_ports.system.clock,
        events=core_ports.system.events,
        countries=policy.countries,
    )


@dataclass(frozen=True, kw_only=True)
class CodeAdditions(IdentityAdditions, OtpAdditions):
    """What features add to codes and to the logins by them."""


class OtpUseCases:
    """The use cases of one-time codes."""

    def __init__(
        self,
        core_ports: CorePorts,
        identities: IdentityUseCases,
        limits: LimitUseCases,
        limit_ports: LimitPorts,
        ports: OtpPorts,
        additions: CodeAdditions,
    ) -> None:
        system, policy = core_ports.system, limit_ports.policy
        clock, randomness, events = system.clock, system.randomness, system.events
        repositories, keyed_hashes = core_ports.repositories, core_ports.keyed_hashes
        verifications = repositories.phone_verifications
        codes = limit_ports.codes

        self.rejections = RecentRejections(verifications, clock, events)
        self.deliver_code = DeliverCode(
            channels=policy.channels,
            codes=codes,
            templates=ports.sms_templates,
            messenger=ports.messenger,
            additions=additions,
            phone_verifications=verifications,
            delivery_limiter=limits.delivery_limiter,
            webhook_urls=policy.webhook_urls,
            keyed_hashes=keyed_hashes,
            clock=clock,
            events=events,
        )
        self.send_notice = make_send_notice(core_ports, limit_ports, ports)
        self.report_delivery = ReportDelivery(repositories.delivery_reports, events, clock)
        self.request_otp = RequestOtp(
            phone_verifications=verifications,
            delivery_limiter=limits.delivery_limiter,
            codes=codes,
            deliver_code=self.deliver_code,
            identities=repositories.identities,
            rejections=self.rejections,
            additions=additions,
            keyed_hashes=keyed_hashes,
            clock=clock,
            randomness=randomness,
            events=events,
            countries=policy.countries,
            phone_rules=policy.phone_rules,
        )
        self.check_otp = CheckOtp(
            phone_verifications=verifications,
            identities=repositories.identities,
            additions=additions,
            codes=codes,
            attempt_limiter=limits.attempt_limiter,
            delivery_limiter=limits.delivery_limiter,
            keyed_hashes=keyed_hashes,
            clock=clock,
            randomness=randomness,
            events=events,
        )
        self.verify_otp = VerifyOtp(
            self.check_otp,
            LogIn(
                identities.assign_phone,
                repositories.identities,
                additions,
                identities.sessions,
                randomness,
                events,
                core_ports.policy.recycled_after,
            ),
            events,
        )
        self.record_message_status = RecordMessageStatus(
            ports.status_callbacks, self.report_delivery, keyed_hashes
        )
        self.answer_handshake = AnswerHandshake(ports.handshakes)
        self.get_delivery_status = GetDeliveryStatus(repositories.delivery_reports)
