"""All use cases over fakes, and the steps that most tests begin with."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final

from adapters.databases.records.features.admin import make_admin_repositories
from adapters.databases.records.features.app_data import make_app_data
from adapters.databases.records.features.attestation import make_used_proofs
from adapters.databases.records.features.blocks import make_block_lists
from adapters.databases.records.features.export import make_export_repositories
from adapters.databases.records.features.media import make_media_repositories
from adapters.databases.records.features.passkeys import make_used_passkey_challenges
from adapters.databases.records.features.statistics import make_statistics_repositories
from adapters.databases.records.features.voice import make_voice_repositories
from adapters.databases.records.features.whatsapp import make_whatsapp_repositories
from adapters.security.webauthn import WebAuthnRelyingParty
from application.additions import Additions, merge
from application.core_ports import CorePorts
from application.features.admin import AdminFeature, clean_up_tokens
from application.features.app_data import open_app_data, show_app_data
from application.features.attestation import Attestation, ask_for_proofs
from application.features.blocks import KnownBlocks, open_blocks, show_blocks
from application.features.events.feature import (
    EventRecordsFeature,
    Events,
    EventsFeature,
    EventsPolicy,
    EventsPorts,
    show_events,
)
from application.features.events.send_events import EventDestination
from application.features.export import Exports, open_export
from application.features.imports.feature import ImportsFeature
from application.features.media.deletions import RetryDeletions
from application.features.media.feature import (
    Library,
    LibraryFeature,
    Media,
    MediaFeature,
    MediaPolicy,
    MediaPorts,
    clean_up_library,
    show_libraries,
)
from application.features.media.library import LibraryPage
from application.features.media.media_urls import LibraryItem
from application.features.media.ports import ImagePublisher
from application.features.media.upload_image import UploadImageCommand
from application.features.passkeys.check_answer import RelyingParty
from application.features.passkeys.feature import (
    AppPasskeysFeature,
    Passkeys,
    PasskeysFeature,
    StaffPasskeysFeature,
    clean_up_passkeys,
    needs_passkey,
)
from application.features.phone_change.feature import PhoneChangeFeature, open_phone_changes
from application.features.start import open_start
from application.features.statistics import open_statistics
from application.features.verifications import Verifications
from application.features.voice.call_log import CallsPolicy, open_calls, show_calls
from application.features.voice.call_urls import CallUrls
from application.features.voice.feature import Voice, VoiceFeature, VoicePolicy, call_with_codes
from application.features.voice.ports import VoicePorts
from application.features.whatsapp import WhatsAppRecords
from application.identities.session_factory import SESSION_ID_BYTES
from application.opened import Opened, make_nothing
from application.otp.deliver_code import SendNotice
from application.otp.failover import ProviderPause
from application.principal import Principal
from application.update import change
from application.use_cases import UseCases
from application.webhook_urls import PhoneLabels
from domain.errors import UserNotFound
from domain.features.media.item import ItemFilter, PageRequest
from domain.features.voice.call import CallStatus
from domain.identities.identity import Identity
from domain.identities.role import Role, Staff
from domain.phone import PhoneNumber
from entrypoints.features.voice.feature import VOICE
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
    asks_strangers: bool = False
    destinations: Mapping[str, EventDestination] = field(default_factory=dict)
    relying_party: RelyingParty = field(
        default_factory=lambda: WebAuthnRelyingParty("example.org", [PASSKEY_ORIGIN], "Dialtone")
    )

    needs_staff_passkeys: bool = False
    has_console: bool = True

    app_passkeys = Part("passkeys.passkeys", AppPasskeysFeature)
    library = Part("media.moderation", LibraryFeature)
    media = Part("media.media", MediaFeature)
    passkeys = Part("passkeys.shared", PasskeysFeature)
    phone_change = Part("phone_change", PhoneChangeFeature)
    staff_passkeys = Part("passkeys.staff", StaffPasskeysFeature)
    voice = Part("voice.voice", VoiceFeature)
    exports = Part("export", Exports)
    verifications = Part("verifications", Verifications)

    def __post_init__(self) -> None:
        self.files.faults = self.faults
        super().__post_init__()

    def _open_features(
        self, core_ports: CorePorts, send_notice: SendNotice
    ) -> dict[str, Opened[Any]]:
        media = self._make(make_media_repositories)
        voice = self._make(make_voice_repositories)
        app_data, block_lists = self._make_one(make_app_data), self._make_one(make_block_lists)
        passkeys = self._make_one(make_used_passkey_challenges)
        used_proofs = self._make_one(make_used_proofs)
        encryption = self.database.encryption
        admin = self._make(lambda database: make_admin_repositories(database, encryption))
        whatsapp = self._make(lambda database: make_whatsapp_repositories(database, encryption))
        library = Library(core_ports, media, self.policy.media, self.files)
        media_ports = MediaPorts(
            files=self.files,
            image_publisher=self.image_publisher,
            temporary_files=temporary_files(),
            upload_clock=time.monotonic,
            health=self.files,
        )
        retry = RetryDeletions(media.items, self.files, self.clock)
        events = EventsFeature(
            core_ports, EventsPorts(destinations=self.destinations), self.policy.events
        )
        statistics, counting = open_statistics(core_ports, self._make(make_statistics_repositories))
        calls = open_calls(core_ports, voice, self.call_provider, self.policy.calls)
        line = Additions()

        def make_voice(core: UseCases) -> Voice:
            line = None
            if self.policy.voice is not None:
                line = VoiceFeature(core, voice, ports, voice_policy)
            return Voice(calls.make(core), line)

        if self.policy.voice is not None:
            urls = self.policy.otp.webhook_urls
            voice_policy = replace(
                self.policy.voice, call_urls=CallUrls(urls.public_url) if urls else None
            )
            ports = self.voice_ports or VoicePorts(self.call_provider, _UNUSED, _UNUSED, _UNUSED)
            line = call_with_codes(
                core_ports, voice, ports, voice_policy, ProviderPause(self.clock)
            )

        def make_media(core: UseCases) -> Media:
            moderation = LibraryFeature(core, library)
            policy = self.policy.media
            return Media(moderation, MediaFeature(core, moderation, media_ports, policy, retry))

        def make_events(core: UseCases) -> Events:
            return Events(EventRecordsFeature(core, self.destinations), events)

        def make_passkeys(core: UseCases) -> Passkeys:
            shared = PasskeysFeature(core, passkeys)
            return Passkeys(
                shared,
                AppPasskeysFeature(core, shared, self.relying_party),
                StaffPasskeysFeature(
                    core,
                    shared,
                    self.relying_party,
                    f"{PASSKEY_ORIGIN}/console",
                    are_required=self.needs_staff_passkeys,
                ),
            )

        changes = open_phone_changes(core_ports, send_notice, self.policy.otp.countries)
        specs = self.policy.media.variant_specs
        return {
            "shown": Opened(
                make_nothing,
                merge(
                    [
                        show_libraries(media.usages, self.policy.media.quota),
                        show_calls(voice.calls, self.policy.calls.call_retention),
                        show_events(),
                        show_app_data(core_ports, app_data),
                        show_blocks(core_ports, block_lists),
                    ]
                ),
            ),
            "app_data": open_app_data(core_ports, app_data),
            "blocks": open_blocks(KnownBlocks(block_lists, self.clock)),
            "attestation": Opened(
                make_nothing,
                ask_for_proofs(
                    core_ports, used_proofs, self.attestation, asks_strangers=self.asks_strangers
                ),
            ),
            "phone_change": changes,
            "media": Opened(make_media, clean_up_library(library, media_ports, retry)),
            "voice": Opened(make_voice, merge([calls.additions, line])),
            "events": Opened(make_events),
            "statistics": Opened(lambda _: statistics, counting),
            "export": open_export(core_ports, self._make(make_export_repositories)),
            "imports": Opened(
                lambda core: ImportsFeature(
                    core, core.features["media"], specs, max_file_bytes=10**6
                )
            ),
            "admin": Opened(lambda core: AdminFeature(core, admin), clean_up_tokens(admin)),
            "verifications": Opened(Verifications),
            "passkeys": Opened(
                make_passkeys,
                replace(
                    clean_up_passkeys(passkeys),
                    needs_passkey=partial(needs_passkey, are_required=self.needs_staff_passkeys),
                    has_console=self.has_console,
                ),
            ),
            "start": open_start(None),
            "whatsapp": Opened(make_nothing, WhatsAppRecords(core_ports, whatsapp).additions),
        }

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
        call = await VOICE.of(self.use_cases).calls.calls.load(placed.url.rpartition("/")[2])
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
