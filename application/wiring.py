"""From ports to use cases; whoever has the ports, adapters or fakes, wires them here."""

from collections.abc import Collection
from dataclasses import dataclass, field

from application.identities.add_session import AddSession
from application.identities.authenticate import Authenticate
from application.identities.block_phone import BlockPhone
from application.identities.create_user import CreateUser
from application.identities.delete_user import DeleteUser
from application.identities.demote_user import DemoteUser
from application.identities.get_user import GetUser
from application.identities.list_sessions import ListSessions
from application.identities.logout import Logout
from application.identities.promote_user import PromoteUser
from application.identities.refresh_session import RefreshSession
from application.identities.rename_user import RenameUser
from application.identities.revoke_phone_sessions import RevokePhoneSessions
from application.identities.revoke_session import RevokeSession
from application.identities.session_factory import SessionFactory, TokenLifetimes
from application.identities.unblock_phone import UnblockPhone
from application.media.categorize_item import CategorizeItem
from application.media.delete_item import DeleteItem
from application.media.find_item import FindItem
from application.media.get_item import GetItem
from application.media.list_items import ListItems
from application.media.mark_for_deletion import MarkForDeletion
from application.media.open_file import OpenFile
from application.media.upload_image import UploadImage
from application.operations.check_readiness import CheckReadiness
from application.operations.cleanup import Cleanup
from application.operations.get_jwks import GetJwks
from application.otp.check_otp import CheckOtp
from application.otp.deliver_otp import DeliverOtp
from application.otp.delivery_timing import DeliveryTimingProfile
from application.otp.request_otp import RequestOtp
from application.otp.reserve_delivery import ReserveDelivery
from application.otp.verify_otp import VerifyOtp
from application.ports.access_tokens import AccessTokens
from application.ports.clock import Clock
from application.ports.health_check import HealthCheck
from application.ports.images import ImagePublisher
from application.ports.media_files import MediaFiles
from application.ports.messenger import Messenger
from application.ports.otp_keys import OtpKeys
from application.ports.public_keys import PublicKeys
from application.ports.randomness import Randomness
from application.ports.refresh_keys import RefreshKeys
from application.ports.repositories import Repositories
from application.ports.security_events import SecurityEvents
from application.ports.sms_templates import SmsTemplates
from application.use_cases import UseCases
from domain.otp.delivery_policy import DeliveryPolicy
from domain.otp.rate_limits import RateLimits
from domain.otp.test_otps import TestOtps


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Everything outside that the use cases reach; the probes tell of files and messenger."""

    repositories: Repositories
    media_files: MediaFiles
    media_health: HealthCheck
    messenger: Messenger
    messenger_health: HealthCheck
    sms_templates: SmsTemplates
    image_publisher: ImagePublisher
    tokens: AccessTokens
    public_keys: PublicKeys
    refresh_keys: RefreshKeys
    otp_keys: OtpKeys
    events: SecurityEvents
    clock: Clock
    randomness: Randomness


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What the operator decides; `countries` is None when codes go anywhere."""

    countries: Collection[str] | None = None
    lifetimes: TokenLifetimes = field(default_factory=TokenLifetimes)
    delivery_policy: DeliveryPolicy = field(default_factory=DeliveryPolicy)
    rate_limits: RateLimits = field(default_factory=RateLimits)
    test_otps: TestOtps = TestOtps()


def build_use_cases(ports: Ports, rules: Policy) -> UseCases:
    """Give every use case its ports."""
    records, files, clock = ports.repositories, ports.media_files, ports.clock
    phones, identities, items = records.phone_verifications, records.identities, records.media_items
    mark_for_deletion = MarkForDeletion(items, records.media_cleanup, files, clock)
    sessions = SessionFactory(ports.tokens, ports.refresh_keys, ports.randomness, rules.lifetimes)
    find_item = FindItem(items, records.deleted_identities)
    return UseCases(
        request_otp=RequestOtp(
            reserve_delivery=ReserveDelivery(phones, records.rate_limiter, ports.otp_keys),
            deliver_otp=DeliverOtp(
                ports.otp_keys,
                ports.sms_templates,
                ports.messenger,
                DeliveryTimingProfile(ports.randomness),
            ),
            otp_keys=ports.otp_keys,
            clock=clock,
            randomness=ports.randomness,
            events=ports.events,
            countries=rules.countries,
            limits=rules.delivery_policy,
            rate_limits=rules.rate_limits,
            test_otps=rules.test_otps,
        ),
        verify_otp=VerifyOtp(
            check_otp=CheckOtp(
                phone_verifications=phones,
                rate_limiter=records.rate_limiter,
                identities=identities,
                otp_keys=ports.otp_keys,
                randomness=ports.randomness,
                events=ports.events,
                rate_limits=rules.rate_limits,
                test_otps=rules.test_otps,
            ),
            add_session=AddSession(phones, identities, ports.randomness),
            rate_limiter=records.rate_limiter,
            sessions=sessions,
            clock=clock,
            events=ports.events,
            rate_limits=rules.rate_limits,
            test_otps=rules.test_otps,
        ),
        authenticate=Authenticate(ports.tokens, identities, clock),
        refresh_session=RefreshSession(identities, sessions, clock, ports.events),
        list_sessions=ListSessions(clock),
        revoke_session=RevokeSession(identities, clock, ports.events),
        logout=Logout(identities, sessions, clock, ports.events),
        create_user=CreateUser(identities, phones, clock, ports.randomness),
        get_user=GetUser(identities),
        rename_user=RenameUser(identities, clock),
        delete_user=DeleteUser(identities, mark_for_deletion, clock, ports.events),
        promote_user=PromoteUser(identities, phones, ports.events),
        demote_user=DemoteUser(identities, phones, ports.events),
        block_phone=BlockPhone(phones, identities, clock, ports.events),
        unblock_phone=UnblockPhone(phones, identities, ports.events),
        revoke_phone_sessions=RevokePhoneSessions(identities, phones, clock, ports.events),
        upload_image=UploadImage(
            identities=identities,
            media_items=items,
            media_files=files,
            image_publisher=ports.image_publisher,
            mark_for_deletion=mark_for_deletion,
            clock=clock,
            randomness=ports.randomness,
        ),
        list_items=ListItems(records.media_pages, records.deleted_identities, files),
        get_item=GetItem(find_item, files),
        categorize_item=CategorizeItem(find_item, items, files),
        delete_item=DeleteItem(find_item, mark_for_deletion),
        open_file=OpenFile(items, records.deleted_identities, files),
        check_readiness=CheckReadiness(records.health, ports.media_health, ports.messenger_health),
        get_jwks=GetJwks(ports.public_keys),
        cleanup=Cleanup(records, files, mark_for_deletion, clock),
    )
