"""All use cases, and how they are built from ports: adapters in production, fakes in tests."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from application.identities.authenticate import Authenticate
from application.identities.login import AddSession
from application.identities.operators import OperatorActions
from application.identities.session_factory import SessionFactory
from application.identities.sessions import ListSessions, Logout, RefreshSession, RevokeSession
from application.identities.users import CreateUser, DeleteUser, GetUser, RenameUser
from application.media.check_media import CheckMedia
from application.media.deletions import MarkForDeletion, RetryDeletions
from application.media.idempotency import IdempotentUploads
from application.media.library import CategorizeItem, DeleteItem, FindItem, GetItem, ListItems
from application.media.media_urls import MediaAccess, MediaUrls
from application.media.open_file import OpenFile
from application.media.quota import LibraryQuota
from application.media.rebuild_variants import RebuildVariants
from application.media.upload_image import UploadImage
from application.operations.check_readiness import CheckReadiness
from application.operations.cleanup import Cleanup, ScheduledCleanup
from application.otp.attempt_limiter import AttemptLimiter
from application.otp.callbacks import Callbacks
from application.otp.codes import OtpCodes
from application.otp.deliver_otp import DeliverOtp, PlaceCodeCall
from application.otp.delivery_limiter import DeliveryLimiter
from application.otp.delivery_status import (
    GetDeliveryStatus,
    RecordMessageStatus,
    ReportDelivery,
    ReportTimingProfile,
)
from application.otp.delivery_timing import DeliveryTimingProfile
from application.otp.request_otp import RequestOtp
from application.otp.verify_otp import VerifyOtp
from application.ports.keyed_hashes import KeyedHashes
from application.ports.keys import AccessTokens, KeyRing, OtpKeys
from application.ports.media import ImagePublisher, MediaFiles
from application.ports.otp import Messenger, SmsTemplates
from application.ports.repositories import Repositories
from application.ports.system import Clock, HealthCheck, Randomness, SecurityEvents
from application.ports.voice import CallProvider, StatusCallbacks
from application.voice.answer_call import AnswerCall, FindCaller
from application.voice.answer_code_call import AnswerCodeCall
from application.voice.call_back import CallBackCaller
from application.voice.call_limiter import CallLimiter
from application.voice.call_reports import CallReports
from application.voice.calls import ListCalls, OpenRecording
from application.voice.clean_up_calls import (
    DEFAULT_CALL_RETENTION,
    DEFAULT_RECORDING_RETENTION,
    CleanUpCalls,
)
from application.voice.effects import CarryOutEffect
from application.webhook_urls import WebhookUrls
from domain.access import LibraryVisibility
from domain.identities.session import SessionLimits
from domain.media.image import VariantSpec
from domain.media.usage import Quota
from domain.otp.challenge import DEFAULT_OTP_LENGTH
from domain.otp.delivery_policy import DeliveryPolicy
from domain.otp.rate_limits import RateLimits
from domain.otp.review_otps import TestOtps
from domain.phone import DEFAULT_RULES, PhoneNumber, PhoneRules
from domain.voice.call_limits import CallLimits
from domain.voice.flow import HANG_UP_FLOW, CallFlow


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """All ports of the use cases. `…_health` are for readiness.

    `call_provider` is None where no calls are placed, `limit_store_health` where the database keeps
    the limits.
    """

    repositories: Repositories
    media_files: MediaFiles
    media_health: HealthCheck
    messenger: Messenger
    messenger_health: HealthCheck
    sms_templates: SmsTemplates
    image_publisher: ImagePublisher
    tokens: AccessTokens
    refresh_keys: KeyRing
    otp_keys: OtpKeys
    keyed_hashes: KeyedHashes
    events: SecurityEvents
    clock: Clock
    randomness: Randomness
    call_provider: CallProvider | None = None
    status_callbacks: Sequence[StatusCallbacks] = ()
    limit_store_health: HealthCheck | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What the operator decides.

    `countries` is None where codes go to all countries, `recycled_after` where no phone counts as
    recycled, `operator` where nobody answers calls, `webhook_urls` where no provider sends requests
    about calls and messages. `are_messages_reported` says that it sends them about messages too.
    Calls come from `caller_id`. `media_service_url` is the URL below which the service serves media
    files, `media_public_url` one in front of the media store, or None. `sms_provider` names the
    provider that is tried first for a message, `voice_provider` that for a call.
    """

    countries: Collection[str] | None = None
    session_limits: SessionLimits = field(default_factory=SessionLimits)
    delivery_policy: DeliveryPolicy = field(default_factory=DeliveryPolicy)
    rate_limits: RateLimits = field(default_factory=RateLimits)
    call_limits: CallLimits = CallLimits()
    test_otps: TestOtps = TestOtps()
    otp_length: int = DEFAULT_OTP_LENGTH
    phone_rules: PhoneRules = DEFAULT_RULES
    recycled_after: timedelta | None = None
    call_flow: CallFlow = HANG_UP_FLOW
    operator: PhoneNumber | None = None
    caller_id: str = ""
    call_retention: timedelta = DEFAULT_CALL_RETENTION
    recording_retention: timedelta = DEFAULT_RECORDING_RETENTION
    webhook_urls: WebhookUrls | None = None
    are_messages_reported: bool = True
    sms_provider: str = ""
    voice_provider: str = ""
    quota: Quota = Quota()
    media_access: MediaAccess = MediaAccess.PUBLIC
    media_service_url: str = ""
    media_public_url: str | None = None
    media_url_variant: str | None = None
    variant_specs: Sequence[VariantSpec] = ()
    library_visibility: LibraryVisibility = LibraryVisibility.ALL


class UseCases:
    """Every use case with its ports."""

    def __init__(self, ports: Ports, policy: Policy) -> None:
        repositories, files = ports.repositories, ports.media_files
        clock, randomness, events = ports.clock, ports.randomness, ports.events
        verifications, identities = repositories.phone_verifications, repositories.identities
        items, calls = repositories.media_items, repositories.calls
        limit_store = repositories.limit_store
        codes = OtpCodes(ports.otp_keys, policy.test_otps, policy.otp_length)
        sessions = SessionFactory(
            ports.tokens, ports.refresh_keys, randomness, policy.session_limits
        )
        quota = LibraryQuota(repositories.media_usages, items, identities, clock, policy.quota)
        mark_for_deletion = MarkForDeletion(items, files, quota, clock)
        find_item = FindItem(items, identities, policy.library_visibility)
        message_timing = DeliveryTimingProfile(randomness)
        delivery_limiter = DeliveryLimiter(
            limit_store,
            identities,
            codes,
            ports.keyed_hashes,
            policy.rate_limits,
            policy.delivery_policy,
        )
        report_timing = ReportTimingProfile(randomness)
        place_code_call = None
        if ports.call_provider is not None and policy.webhook_urls is not None:
            place_code_call = PlaceCodeCall(
                calls,
                ports.call_provider,
                policy.webhook_urls,
                DeliveryTimingProfile(randomness, fallback=message_timing),
                clock,
            )
        callbacks = Callbacks(
            phone_verifications=verifications,
            limit_store=limit_store,
            delivery_limiter=delivery_limiter,
            calls=calls,
            codes=codes,
            place_code_call=place_code_call,
            clock=clock,
            randomness=randomness,
            events=events,
            countries=policy.countries,
            rate_limits=policy.rate_limits,
            phone_rules=policy.phone_rules,
        )
        call_back = CallBackCaller(callbacks)
        call_limiter = CallLimiter(
            limit_store=limit_store,
            codes=codes,
            clock=clock,
            events=events,
            limits=policy.call_limits,
            flow=policy.call_flow,
            has_operator=policy.operator is not None,
        )
        report_delivery = ReportDelivery(repositories.delivery_reports, report_timing, clock)

        self.request_otp = RequestOtp(
            phone_verifications=verifications,
            delivery_limiter=delivery_limiter,
            limit_store=limit_store,
            codes=codes,
            deliver_otp=DeliverOtp(
                codes=codes,
                templates=ports.sms_templates,
                messenger=ports.messenger,
                timing=message_timing,
                delivery_reports=repositories.delivery_reports,
                report_timing=report_timing,
                place_code_call=place_code_call,
                webhook_urls=policy.webhook_urls if policy.are_messages_reported else None,
                clock=clock,
                sms_provider=policy.sms_provider,
                voice_provider=policy.voice_provider,
            ),
            identities=identities,
            keyed_hashes=ports.keyed_hashes,
            clock=clock,
            randomness=randomness,
            events=events,
            countries=policy.countries,
            rate_limits=policy.rate_limits,
            phone_rules=policy.phone_rules,
        )
        self.verify_otp = VerifyOtp(
            phone_verifications=verifications,
            identities=identities,
            calls=calls,
            codes=codes,
            attempt_limiter=AttemptLimiter(
                verifications,
                repositories.unchallenged_attempts,
                limit_store,
                delivery_limiter,
                policy.rate_limits,
            ),
            add_session=AddSession(
                verifications, identities, randomness, events, policy.recycled_after
            ),
            sessions=sessions,
            delivery_limiter=delivery_limiter,
            keyed_hashes=ports.keyed_hashes,
            clock=clock,
            randomness=randomness,
            events=events,
        )

        self.record_message_status = RecordMessageStatus(ports.status_callbacks, report_delivery)
        self.get_delivery_status = GetDeliveryStatus(repositories.delivery_reports, clock)

        self.authenticate = Authenticate(
            ports.tokens, identities, clock, policy.session_limits, policy.test_otps
        )
        self.refresh_session = RefreshSession(identities, sessions, clock, events)
        self.list_sessions = ListSessions(clock)
        self.revoke_session = RevokeSession(identities, clock, events)
        self.logout = Logout(identities, sessions, clock, events)

        self.create_user = CreateUser(identities, verifications, clock, randomness)
        self.get_user = GetUser(identities)
        self.rename_user = RenameUser(identities, clock)
        self.delete_user = DeleteUser(identities, mark_for_deletion, clock, events)

        self.operator_actions = OperatorActions(
            identities, verifications, clock, events, policy.test_otps
        )

        self.media_urls = MediaUrls(
            files,
            ports.keyed_hashes,
            clock,
            policy.media_access,
            policy.media_service_url,
            policy.media_public_url,
            policy.media_url_variant,
        )
        self.upload_image = UploadImage(
            identities=identities,
            media_items=items,
            media_files=files,
            media_urls=self.media_urls,
            image_publisher=ports.image_publisher,
            mark_for_deletion=mark_for_deletion,
            quota=quota,
            idempotent_uploads=IdempotentUploads(repositories.idempotency_keys, items, clock),
            clock=clock,
            randomness=randomness,
            variant_specs=policy.variant_specs,
        )

        self.list_items = ListItems(items, identities, self.media_urls, policy.library_visibility)
        self.get_item = GetItem(find_item, self.media_urls)
        self.categorize_item = CategorizeItem(find_item, items, self.media_urls)
        self.delete_item = DeleteItem(find_item, mark_for_deletion)
        self.open_file = OpenFile(find_item, files)
        self.rebuild_variants = RebuildVariants(
            items, files, ports.image_publisher, randomness, policy.variant_specs
        )

        self.answer_call = AnswerCall(
            calls=calls,
            find_caller=FindCaller(verifications, identities),
            carry_out=CarryOutEffect(
                phone_verifications=verifications,
                identities=identities,
                limit_store=limit_store,
                codes=codes,
                messenger=ports.messenger,
                timing=message_timing,
                callbacks=callbacks,
                clock=clock,
                randomness=randomness,
                events=events,
                rate_limits=policy.rate_limits,
                flow=policy.call_flow,
                countries=policy.countries,
            ),
            call_limiter=call_limiter,
            call_back=call_back,
            clock=clock,
            events=events,
            flow=policy.call_flow,
            operator=policy.operator,
            caller_id=policy.caller_id,
        )
        self.answer_code_call = AnswerCodeCall(calls, verifications, codes, clock, policy.call_flow)
        call_reports = CallReports(calls, call_limiter, call_back, report_delivery, clock)
        self.record_call_status = call_reports.record_status
        self.keep_recording = call_reports.keep_recording
        self.list_calls = ListCalls(calls)
        self.open_recording = OpenRecording(calls, ports.call_provider)

        self.check_readiness = CheckReadiness(
            repositories.health,
            ports.media_health,
            ports.messenger_health,
            ports.limit_store_health,
        )
        self.list_public_keys = ports.tokens.list_published
        self.check_media = CheckMedia(items, files, mark_for_deletion, quota)
        self.retry_deletions = RetryDeletions(items, files, clock)
        clean_up_calls = CleanUpCalls(
            calls, ports.call_provider, clock, policy.call_retention, policy.recording_retention
        )
        self.cleanup = Cleanup(
            repositories,
            files,
            mark_for_deletion,
            self.retry_deletions,
            quota,
            clean_up_calls,
            clock,
        )
        self.scheduled_cleanup = ScheduledCleanup(self.cleanup, repositories.leases, clock)
