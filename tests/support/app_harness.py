"""All use cases over fakes, and the steps that most tests begin with."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from adapters.databases.records.features.admin import make_admin_repositories
from adapters.databases.records.features.app_data import make_app_data_repositories
from adapters.databases.records.features.attestation import make_attestation_repositories
from adapters.databases.records.features.blocks import make_blocks_repositories
from adapters.databases.records.features.export import make_export_repositories
from adapters.databases.records.features.media import make_media_repositories
from adapters.databases.records.features.passkeys import make_passkeys_repositories
from adapters.databases.records.features.statistics import make_statistics_repositories
from adapters.databases.records.features.voice import make_voice_repositories
from adapters.databases.records.features.whatsapp import make_whatsapp_repositories
from adapters.security.webauthn import WebAuthnRelyingParty
from application.features.admin.feature import AdminFeature
from application.features.app_data.feature import AppDataFeature, add_app_data_details
from application.features.attestation.feature import AttestationFeature
from application.features.attestation.ports import Attestation
from application.features.blocks.feature import BlocksFeature, add_blocks_details
from application.features.events.feature import (
    EventRecordsFeature,
    EventsFeature,
    EventsPolicy,
    EventsPorts,
    add_event_details,
)
from application.features.events.ports import EventDestination
from application.features.export.feature import ExportFeature
from application.features.imports.feature import ImportsFeature
from application.features.media.feature import (
    LibraryFeature,
    MediaFeature,
    MediaPolicy,
    MediaPorts,
    add_library_details,
)
from application.features.media.library import LibraryPage
from application.features.media.media_urls import LibraryItem
from application.features.media.ports import ImagePublisher
from application.features.media.upload_image import UploadImageCommand
from application.features.passkeys.feature import AppPasskeysFeature, PasskeysFeature
from application.features.passkeys.ports import RelyingParty
from application.features.passkeys.staff_feature import StaffPasskeysFeature
from application.features.phone_change.feature import PhoneChangeFeature
from application.features.start import StartFeature
from application.features.statistics.feature import StatisticsFeature
from application.features.voice.call_log import CallsFeature, CallsPolicy, add_call_details
from application.features.voice.call_urls import CallUrls
from application.features.voice.feature import VoiceFeature, VoicePolicy
from application.features.voice.ports import VoicePorts
from application.features.whatsapp.feature import WhatsAppRecordsFeature
from application.identities.session_factory import SESSION_ID_BYTES
from application.otp.provider_pause import ProviderPause
from application.principal import Principal
from application.update import change
from application.use_cases import UseCases
from application.webhook_urls import PhoneLabels
from domain.errors import UserNotFound
from domain.features.media.item import ItemFilter, PageRequest
from domain.features.voice.call import CallStatus
from domain.identities.identity import Identity
from domain.identities.role import Role
from domain.identities.staff import Staff
from domain.phone import PhoneNumber
from tests.support.acts import BY_COMMAND, REASON
from tests.support.builders import a_phone, a_session, an_identity, change_parts
from tests.support.call_texts import CALL_TEXTS
from tests.support.core_harness import WEBHOOK_URLS, CoreHarness, CorePolicy, Part
from tests.support.fakes.call_provider import FakeCallProvider
from tests.support.fakes.images import image_publisher, temporary_files
from tests.support.fakes.media_files import InMemoryFiles
from tests.support.images import as_file, still_gif
from tests.support.voice.stored import stored_calls

CALL_URLS: Final = CallUrls(WEBHOOK_URLS.public_url)
PASSKEY_ORIGIN: Final = "https://example.org"
GIF: Final = still_gif()
CONSOLE_COOKIE_NAME: Final = "dialtone_console"
"""The name of the cookie of the console at a URL without TLS, as tests have it."""
CONSOLE_COOKIE: Final = "0c" * 32
_UNUSED: Final[Any] = object()
"""A port of webhooks, which only tests of HTTP use. They replace it."""
_ADMINISTRATOR: Final = Principal(
    an_identity(staff=Staff(Role.ADMINISTRATOR)), a_session(), has_recent_login=True
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy(CorePolicy):
    """What the operator decides, by feature."""

    media: MediaPolicy = field(default_factory=MediaPolicy)
    calls: CallsPolicy = field(default_factory=CallsPolicy)
    events: EventsPolicy = field(default_factory=EventsPolicy)
    voice: VoicePolicy | None = VoicePolicy(provider="line", call_texts=CALL_TEXTS)


def make_policy(**decisions: Any) -> Policy:
    """Return a policy with a phone line. Each decision goes to the features that have its name."""
    return change_parts(Policy(), decisions)


# pytest-asyncio calls repr() on fixtures, and that of a whole database takes long.
@dataclass(repr=False)
class AppHarness(CoreHarness):
    """The use cases of the core and of all features, and the fakes behind their ports.

    `faults` acts on database and files.
    """

    policy: Policy = field(default_factory=make_policy)
    files: InMemoryFiles = field(default_factory=InMemoryFiles)
    call_provider: FakeCallProvider = field(default_factory=FakeCallProvider)
    image_publisher: ImagePublisher = field(default_factory=image_publisher)
    voice_ports: VoicePorts | None = None
    attestation: Attestation | None = None
    destinations: Mapping[str, EventDestination] = field(default_factory=dict)
    relying_party: RelyingParty = field(
        default_factory=lambda: WebAuthnRelyingParty("example.org", [PASSKEY_ORIGIN], "Dialtone")
    )

    needs_staff_passkeys: bool = False

    app_passkeys = Part(AppPasskeysFeature)
    library = Part(LibraryFeature)
    media = Part(MediaFeature)
    passkeys = Part(PasskeysFeature)
    phone_change = Part(PhoneChangeFeature)
    staff_passkeys = Part(StaffPasskeysFeature)
    voice = Part(VoiceFeature)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.files.faults = self.faults
        self._add_features(self.use_cases)
        whatsapp = self._make(
            lambda database: make_whatsapp_repositories(database, self.database.encryption)
        )
        self.use_cases.add(WhatsAppRecordsFeature(self.use_cases, whatsapp))

    def _add_features(self, core: UseCases) -> None:
        media = self._make(make_media_repositories)
        voice = self._make(make_voice_repositories)
        statistics = self._make(make_statistics_repositories)
        used_proofs = self._make(make_attestation_repositories).used_proofs
        add_library_details(core, media.usages, self.policy.media.quota)
        add_call_details(core, voice.calls, self.policy.calls.call_retention)
        add_event_details(core)
        app_data = self._make(make_app_data_repositories)
        add_app_data_details(core, app_data)
        core.add(AppDataFeature(core, app_data))
        blocks = self._make(make_blocks_repositories)
        add_blocks_details(core, blocks)
        core.add(BlocksFeature(core, blocks))
        core.add(AttestationFeature(core, used_proofs, self.attestation, asks_strangers=False))
        core.add(PhoneChangeFeature(core, self.policy.otp.countries))
        library = LibraryFeature(core, media, self.policy.media, self.files)
        core.add(library)
        media_ports = MediaPorts(
            files=self.files,
            image_publisher=self.image_publisher,
            temporary_files=temporary_files(),
            upload_clock=time.monotonic,
            health=self.files,
        )
        core.add(MediaFeature(core, library, media_ports, self.policy.media))
        core.add(CallsFeature(core, voice, self.call_provider, self.policy.calls))
        if self.policy.voice is not None:
            urls, otp = self.policy.otp.webhook_urls, self.policy.otp
            voice_policy = replace(
                self.policy.voice,
                call_urls=CallUrls(urls.public_url) if urls else None,
                otp_length=otp.otp_length,
            )
            ports = self.voice_ports or VoicePorts(self.call_provider, _UNUSED, _UNUSED, _UNUSED)
            pause = ProviderPause(self.clock)
            core.add(VoiceFeature(core, voice, ports, self.peppers, voice_policy, pause))
        core.add(
            EventsFeature(core, EventsPorts(destinations=self.destinations), self.policy.events)
        )
        core.add(EventRecordsFeature(core, self.destinations))
        core.add(StatisticsFeature(core, statistics, self.listeners))
        core.add(ExportFeature(core, self._make(make_export_repositories)))
        core.add(ImportsFeature(core, self.policy.media.variant_specs, max_file_bytes=10**6))
        encryption = self.database.encryption
        admin = self._make(lambda database: make_admin_repositories(database, encryption))
        core.add(AdminFeature(core, admin))
        are_required = self.needs_staff_passkeys
        passkeys = self._make(make_passkeys_repositories)
        core.add(PasskeysFeature(core, passkeys, are_required=are_required))
        core.add(AppPasskeysFeature(core, self.relying_party))
        page = f"{PASSKEY_ORIGIN}/console"
        core.add(StaffPasskeysFeature(core, self.relying_party, page, are_required=are_required))
        core.add(StartFeature(core, None))

    async def open_console(self, identity_id: str) -> str:
        """Open a session of the console for somebody of the staff, and return its token.

        It is bound to `CONSOLE_COOKIE`.
        """
        sessions, now = self.identities.sessions, self.clock.now()
        session_id = self.use_cases.system.randomness.bytes(SESSION_ID_BYTES).hex()
        session = sessions.start_at_console(session_id, now, None, CONSOLE_COOKIE)

        def open_session(current: Identity) -> tuple[Identity, Identity]:
            changed = current.add_session(session)
            return changed, changed

        repository = self.use_cases.repositories.identities
        identity = await change(repository, identity_id, open_session, missing=UserNotFound)
        return sessions.issue_tokens(identity, session, now, None).access_token

    async def move_phone(self, user_id: str, phone: PhoneNumber) -> Identity:
        """Change the number of a user by a command."""
        change = self.phone_change.change_phone_of_user
        return (await change(BY_COMMAND, user_id, phone, REASON)).require_identity()

    async def report_call(
        self,
        call_id: str,
        status: CallStatus = CallStatus.COMPLETED,
    ) -> None:
        """Report the status of a call, as the provider does."""
        stored = stored_calls(self.database, call_id).get(call_id)
        await self.voice.record_call_status(
            call_id,
            status,
            provider_call_id=(stored and stored.value.provider_call_id) or "",
            labels=PhoneLabels("", ""),
        )

    async def code_of_last_call(self) -> str:
        """Return the code that the last placed call reads."""
        repositories = self.use_cases.repositories
        placed = list(self.call_provider.calls.values())[-1]
        call = await self.use_cases.of(CallsFeature).calls.load(placed.url.rpartition("/")[2])
        assert call is not None
        assert placed.phone == a_phone()
        verification = (await repositories.phone_verifications.load(a_phone())).value
        challenges = {challenge.id: challenge for challenge in verification.challenges.all}
        return self.code_of(challenges[call.value.challenge_id or ""])

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
