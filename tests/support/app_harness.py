"""All use cases over fakes, and the steps that most tests begin with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar

from adapters.records.database import Database
from adapters.records.features.admin import make_admin_repositories
from adapters.records.features.attestation import make_attestation_repositories
from adapters.records.features.console import make_console_repositories
from adapters.records.features.media import make_media_repositories
from adapters.records.features.phone_change import make_phone_change_repositories
from adapters.records.features.statistics import make_statistics_repositories
from adapters.records.features.voice import make_voice_repositories
from adapters.records.identities import IdentityMapping
from adapters.records.kinds import IDENTITIES
from application.admin.feature import AdminFeature
from application.administration.feature import AdministrationFeature
from application.attestation.feature import AttestationFeature
from application.console.feature import ConsoleFeature, add_console_cleanup
from application.costs.feature import CostsFeature
from application.events.details import add_event_details
from application.events.feature import EventRecordsFeature, EventsFeature, EventsPorts
from application.export.feature import ExportFeature
from application.identities.feature import IdentitiesFeature, IdentitiesPorts
from application.identities.login import LoggedIn
from application.imports.feature import ImportsFeature
from application.journal.feature import JournalFeature
from application.media.details import add_library_details
from application.media.feature import LibraryFeature, MediaFeature, MediaPorts
from application.media.item_acts import ReportItemActs
from application.media.library import LibraryPage
from application.media.media_urls import LibraryItem
from application.media.upload_image import UploadImageCommand
from application.operations.feature import OperationsFeature, OperationsPorts
from application.otp.codes import OtpCodes
from application.otp.feature import LimitsFeature, OtpFeature, OtpPorts
from application.otp.request_otp import RequestOtpCommand, RequestOtpResult
from application.otp.verify_otp import OtpRejected, VerifyOtpCommand
from application.phone_change.details import add_phone_change_details
from application.phone_change.feature import PhoneChangeFeature, PhoneChangePolicy
from application.phone_change.move_phone import MovePhone
from application.ports.attestation import Attestation
from application.ports.changes import ChangeObservers
from application.ports.events import EventDestination
from application.ports.keyed_hashes import KeyedHashes
from application.ports.media import ImagePublisher
from application.ports.system import Randomness, SystemPorts
from application.ports.voice import VoicePorts
from application.ports.webhooks import StatusCallbacks
from application.principal import Principal
from application.security_events import SecurityEventListeners
from application.start.feature import StartFeature
from application.statistics.feature import StatisticsFeature
from application.use_cases import UseCases
from application.voice.call_urls import CallUrls
from application.voice.callbacks import Callbacks
from application.voice.calls import CallsFeature
from application.voice.details import add_call_details
from application.voice.feature import VoiceFeature
from application.webhook_urls import PhoneLabels, WebhookUrls
from domain.identities.device_token import DeviceToken
from domain.identities.identity import Identity, Role
from domain.identities.username import Username, parse_username
from domain.media.page import ItemFilter, PageRequest
from domain.otp.challenge import Challenge, parse_otp_code
from domain.phone import PhoneNumber
from tests.support.builders import CLIENT_IP, NOW, a_phone, a_session, an_identity
from tests.support.fakes.call_provider import FakeCallProvider
from tests.support.fakes.clock import MovableClock
from tests.support.fakes.database import NATIVE_TYPES, InMemoryDatabase, Row
from tests.support.fakes.images import image_publisher
from tests.support.fakes.media_files import InMemoryFiles
from tests.support.fakes.messenger import FakeMessenger
from tests.support.fakes.phone_encryption import FakePhoneEncryption
from tests.support.fakes.randomness import SeededRandomness
from tests.support.fakes.security_events import FakeSecurityEvents
from tests.support.fakes.sms_templates import FakeSmsTemplates
from tests.support.fault_injector import FaultInjector
from tests.support.images import as_file, still_gif
from tests.support.keys import FakeKeyRing, access_tokens
from tests.support.policies import Policy, make_policy
from tests.support.repositories import OpenRepositories

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

R = TypeVar("R", bound="DataclassInstance")

WEBHOOK_URLS: Final = WebhookUrls("https://dialtone.example.org")
CALL_URLS: Final = CallUrls(WEBHOOK_URLS.public_url)
GIF: Final = still_gif()
_UNUSED: Final[Any] = object()
"""A port of webhooks, which only tests of HTTP use. They replace it."""
_ADMINISTRATOR: Final = Principal(
    an_identity(role=Role.ADMINISTRATOR), a_session(), has_recent_login=True
)


# pytest-asyncio calls repr() on fixtures, and that of a whole database takes long.
@dataclass(repr=False)
class AppHarness:
    """The use cases, and the fakes behind their ports.

    `repositories` replaces those of `database`. `faults` acts on database and files. The options
    of a step are those of its command.
    """

    faults: FaultInjector = field(default_factory=FaultInjector)
    database: InMemoryDatabase = field(default_factory=InMemoryDatabase)
    repositories: OpenRepositories | None = None
    files: InMemoryFiles = field(default_factory=InMemoryFiles)
    messenger: FakeMessenger = field(default_factory=FakeMessenger)
    call_provider: FakeCallProvider = field(default_factory=FakeCallProvider)
    peppers: FakeKeyRing = field(default_factory=FakeKeyRing)
    refresh_keys: FakeKeyRing = field(default_factory=FakeKeyRing)
    events: FakeSecurityEvents = field(default_factory=FakeSecurityEvents)
    clock: MovableClock = field(default_factory=MovableClock)
    policy: Policy = field(default_factory=make_policy)
    image_publisher: ImagePublisher = field(default_factory=image_publisher)
    randomness: Randomness = field(default_factory=SeededRandomness)
    keyed_hashes: KeyedHashes = field(default_factory=FakePhoneEncryption)
    status_callbacks: Mapping[str, StatusCallbacks] = field(default_factory=dict)
    voice_ports: VoicePorts | None = None
    attestation: Attestation | None = None
    destinations: Mapping[str, EventDestination] = field(default_factory=dict)
    use_cases: UseCases = field(init=False)

    def __post_init__(self) -> None:
        self.database.faults = self.files.faults = self.faults
        self.listeners = SecurityEventListeners(self.events)
        self.observers = ChangeObservers()
        core = self.use_cases = UseCases(
            SystemPorts(clock=self.clock, randomness=self.randomness, events=self.listeners),
            self.repositories or self.database.repositories(self.observers),
            self.keyed_hashes,
            IdentitiesPorts(tokens=access_tokens(), refresh_keys=self.refresh_keys),
            OperationsPorts(),
            self.policy.identities,
        )
        limits = self.stores.limits if self.stores else self.database.limit_store()
        core.add(LimitsFeature(core, limits, self.peppers, self.policy.otp))
        core.operations.check_readiness.add("messages", self.messenger)
        otp_ports = OtpPorts(
            messenger=self.messenger,
            sms_templates=FakeSmsTemplates(),
            status_callbacks=self.status_callbacks,
        )
        core.add(OtpFeature(core, self.limits, otp_ports, self.peppers, self.policy.otp))
        self._add_features(core)

    def _add_features(self, core: UseCases) -> None:
        media = self._make(
            lambda database: make_media_repositories(database, ReportItemActs(self.observers))
        )
        assignments = self._make(
            lambda database: make_phone_change_repositories(database, self.database.encryption)
        ).phone_assignments
        calls = self._make(make_voice_repositories).calls
        statistics = self._make(make_statistics_repositories)
        used_attestations = self._make(make_attestation_repositories).used_attestations
        add_library_details(core, media.usages, self.policy.media.quota)
        add_call_details(core, calls, self.policy.calls.call_retention)
        add_event_details(core)
        add_phone_change_details(core, self.clock)
        core.add(AttestationFeature(core, used_attestations, self.attestation))
        change_policy = PhoneChangePolicy(countries=self.policy.otp.countries)
        core.add(PhoneChangeFeature(core, assignments, self.peppers, change_policy))
        library = LibraryFeature(core, media, self.policy.media, self.files)
        core.add(library)
        media_ports = MediaPorts(
            files=self.files, image_publisher=self.image_publisher, health=self.files
        )
        core.add(MediaFeature(core, library, media_ports, self.policy.media))
        core.add(CallsFeature(core, calls, self.call_provider, self.policy.calls))
        if self.policy.voice is not None:
            urls, otp = self.policy.otp.webhook_urls, self.policy.otp
            voice_policy = replace(
                self.policy.voice,
                call_urls=CallUrls(urls.public_url) if urls else None,
                countries=otp.countries,
                phone_rules=otp.phone_rules,
                otp_length=otp.otp_length,
            )
            ports = self.voice_ports or VoicePorts(self.call_provider, _UNUSED, _UNUSED, _UNUSED)
            core.add(VoiceFeature(core, calls, ports, self.peppers, voice_policy))
        core.add(
            EventsFeature(core, EventsPorts(destinations=self.destinations), self.policy.events)
        )
        core.add(EventRecordsFeature(core, self.destinations))
        core.add(StatisticsFeature(core, statistics.hourly_counts, self.listeners))
        core.add(CostsFeature(core, statistics.daily_costs, self.policy.costs))
        core.add(ExportFeature(core))
        core.add(ImportsFeature(core, self.policy.media.variant_specs))
        core.add(JournalFeature(core, None))
        core.add(AdminFeature(core, self._make(make_admin_repositories).service_tokens))
        sessions = self._make(make_console_repositories).sessions
        add_console_cleanup(core, sessions)
        core.add(ConsoleFeature(core, sessions))
        core.add(StartFeature(core, None))

    @property
    def stores(self) -> Database | None:
        """The stores of `repositories`; None for those of `database`."""
        return self.repositories.stores if self.repositories else None

    def _make(self, make: Callable[[Database], R]) -> R:
        """Make the repositories of a feature. Calls of those in memory may fail."""
        if self.stores is not None:
            return make(self.stores)
        return self.database.fallible(make(self.database.stores))

    @property
    def identities(self) -> IdentitiesFeature:
        return self.use_cases.identities

    @property
    def media(self) -> MediaFeature:
        return self.use_cases.of(MediaFeature)

    @property
    def library(self) -> LibraryFeature:
        return self.use_cases.of(LibraryFeature)

    @property
    def limits(self) -> LimitsFeature:
        return self.use_cases.of(LimitsFeature)

    @property
    def otp(self) -> OtpFeature:
        return self.use_cases.of(OtpFeature)

    @property
    def phone_change(self) -> PhoneChangeFeature:
        return self.use_cases.of(PhoneChangeFeature)

    @property
    def move_phone(self) -> MovePhone:
        """Change the number of a user, without the rules of who may."""
        return self.phone_change.change_phone_of_user.move_phone

    @property
    def operations(self) -> OperationsFeature:
        return self.use_cases.operations

    @property
    def administration(self) -> AdministrationFeature:
        return self.use_cases.administration

    @property
    def voice(self) -> VoiceFeature:
        return self.use_cases.of(VoiceFeature)

    def advance(self, seconds: float = 0, **duration: float) -> None:
        self.clock.advance(timedelta(seconds=seconds, **duration))

    @property
    def last_code(self) -> str:
        return self.messenger.messages[-1].code

    async def request_otp(
        self, phone: PhoneNumber | None = None, client_ip: str = CLIENT_IP, **options: Any
    ) -> RequestOtpResult:
        return await self.otp.request_otp(
            RequestOtpCommand(phone or a_phone(), client_ip, **options)
        )

    def labels_of(self, phone: PhoneNumber) -> PhoneLabels:
        """Return what the URL of a report says of a phone today."""
        today = self.clock.now().date()
        return PhoneLabels(phone.country, self.keyed_hashes.hash_phone_of_day(phone, today))

    async def request_callback(self, phone: PhoneNumber | None = None) -> bool:
        """Request a callback, as a caller with this caller id who hangs up."""
        phone, callback_id = phone or a_phone(), self.randomness.bytes(12).hex()
        is_promised = await self.callbacks.request(phone, callback_id)
        return is_promised and await self.callbacks.place(phone, callback_id, None)

    @property
    def callbacks(self) -> Callbacks:
        return self.voice.callbacks

    async def code_of_last_call(self) -> str:
        """Return the code that the last placed call reads."""
        repositories = self.use_cases.repositories
        placed = list(self.call_provider.calls.values())[-1]
        call = await self.use_cases.of(CallsFeature).calls.load(placed.url.rpartition("/")[2])
        assert call is not None
        assert placed.phone == a_phone()
        verification = (await repositories.phone_verifications.load(a_phone())).value
        challenges = {challenge.id: challenge for challenge in verification.all_challenges}
        return self.code_of(challenges[call.value.challenge_id or ""])

    def code_of(self, challenge: Challenge) -> str:
        codes = OtpCodes(self.peppers, self.policy.otp.test_otps)
        return codes.derive(challenge, a_phone()).digits

    async def verify_otp(
        self,
        digits: str,
        phone: PhoneNumber | None = None,
        client_ip: str = CLIENT_IP,
        **options: Any,
    ) -> LoggedIn | OtpRejected:
        phone, otp = phone or a_phone(), parse_otp_code(digits)
        return await self.otp.verify_otp(
            VerifyOtpCommand(phone, otp, client_ip, with_device_token=True, **options)
        )

    async def log_in(self, phone: PhoneNumber | None = None) -> Principal:
        """Log in with a code, and authenticate with the access token."""
        return await self.identities.authenticate(await self.access_token(phone))

    async def access_token(self, phone: PhoneNumber | None = None) -> str:
        return (await self.open_session(phone)).tokens.access_token

    async def open_session(
        self,
        phone: PhoneNumber | None = None,
        device_token: DeviceToken | None = None,
        **options: Any,
    ) -> LoggedIn:
        """Log in twelve hours later, when no rate limit applies."""
        self.advance(hours=12)
        await self.request_otp(phone, device_token=device_token)
        result = await self.verify_otp(self.last_code, phone, device_token=device_token, **options)
        assert isinstance(result, LoggedIn)
        return result

    async def add_user(
        self, phone: PhoneNumber | None = None, username: str = "Rahul Sharma"
    ) -> Principal:
        principal = await self.log_in(phone)
        return replace(principal, identity=await self.create_user(principal, username))

    async def add_administrator(self, phone: PhoneNumber | None = None) -> Principal:
        """Log in, become an administrator, and log in again."""
        principal = await self.log_in(phone)
        await self.identities.operator_actions.change_role(
            principal.identity.id, Role.ADMINISTRATOR
        )
        return await self.log_in(phone)

    async def create_user(
        self, principal: Principal, username: str = "Rahul Sharma", phone: PhoneNumber | None = None
    ) -> Identity:
        """Create the user of the principal's phone, or of another."""
        own_phone = principal.identity.phone
        assert own_phone is not None
        return await self.identities.create_user(
            principal, parse_username(username), phone or own_phone
        )

    def store_username(self, identity_id: str, username: Username) -> Identity:
        """Store a name as an earlier version did: with its key, even if the rules reject it now."""
        stored = self.database.identities[identity_id]
        named = stored.value.set_username(username, NOW)
        record = IdentityMapping(IDENTITIES, self.database.encryption).to_record(named)
        row = Row(IDENTITIES.to_fields(record, NATIVE_TYPES), stored.version + 1)
        self.database.records.tables[IDENTITIES.name][identity_id] = row
        return named

    async def get_item(self, item_id: str) -> LibraryItem:
        """Get an item, as an administrator."""
        return await self.media.get_item(_ADMINISTRATOR, item_id)

    async def list_items(self, item_filter: ItemFilter, request: PageRequest) -> LibraryPage:
        """List items, as an administrator."""
        return await self.media.list_items(_ADMINISTRATOR, item_filter, request)

    async def upload_image(
        self,
        principal: Principal,
        content: bytes = GIF,
        owner_id: str | None = None,
        category: str | None = None,
        **options: Any,
    ) -> LibraryItem:
        owner_id = owner_id or principal.identity.id
        with as_file(content) as upload:
            command = UploadImageCommand(principal, owner_id, upload, category, **options)
            return await self.media.upload_image(command)


def wrong_code(code: str, number: int = 1) -> str:
    """Return another code, a different one for each number."""
    return f"{(int(code) + number) % 1_000_000:06d}"
