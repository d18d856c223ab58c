"""Codes by WhatsApp."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

from application.additions import Additions
from application.code_derivation import CodeDerivation
from application.core_ports import CorePorts
from application.opened import Opened
from application.operations.cleanup import expire
from application.otp.additions import CodeDelivery, CodeMessages
from application.otp.deliver_code import MAYBE_SENT, DeliverCode
from application.otp.delivery_status import (
    AnswerHandshake,
    RecordMessageStatus,
    ReportDelivery,
    ReportedDelivery,
)
from application.ports.errors import CorruptRecord, StorageError
from application.ports.keyed_hashes import KeyedHashes
from application.ports.otp import (
    DeliveryResult,
    DeliveryStatus,
    MessageProviders,
    PausedProvider,
    PhoneVerifications,
)
from application.ports.system import Clock
from application.ports.versioned import ExpiringRecords
from application.ports.webhooks import Handshakes, StatusCallbacks
from application.tasks import start_task
from application.update import change
from application.use_cases import UseCases
from application.webhook_urls import WebhookUrls, name_message
from domain.features.whatsapp import UNREACHABLE_TTL, UnreachableNumber, WhatsAppDelivery
from domain.otp.delivery import Channel, ReportedStatus
from domain.otp.delivery_policy import Channels
from domain.otp.messages import APP_HASH_LENGTH, MAX_LOCALE_LENGTH, MessagePreferences
from domain.otp.phone_verification import PhoneVerification
from domain.phone import PhoneNumber


@dataclass(frozen=True, slots=True)
class WhatsAppRepositories:
    """The repositories of codes by WhatsApp."""

    deliveries: ExpiringRecords[WhatsAppDelivery]
    unreachable_numbers: ExpiringRecords[UnreachableNumber]


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownNumbers:
    """The numbers that WhatsApp did not reach, each for seven days.

    A failure of the database is no error: without the record, the next code tries WhatsApp.
    """

    unreachable_numbers: ExpiringRecords[UnreachableNumber]
    keyed_hashes: KeyedHashes
    clock: Clock

    async def is_unreachable(self, phone: PhoneNumber) -> bool:
        with suppress(StorageError, CorruptRecord):
            loaded = await self.unreachable_numbers.load(self.keyed_hashes.blind_index(phone))
            return loaded is not None and self.clock.now() < loaded.value.expires_at
        return False

    async def remember(self, phone: PhoneNumber) -> None:
        number = UnreachableNumber(
            self.keyed_hashes.blind_index(phone), self.clock.now() + UNREACHABLE_TTL
        )
        with suppress(StorageError, CorruptRecord):
            await change(self.unreachable_numbers, number.id, lambda _: (number, None))

    async def forget(self, phone: PhoneNumber) -> None:
        index = self.keyed_hashes.blind_index(phone)
        with suppress(StorageError, CorruptRecord):
            if (found := await self.unreachable_numbers.load(index)) is not None:
                await self.unreachable_numbers.delete(index, found.version)

    async def forget_after_login(self, phone: PhoneNumber, channel: Channel) -> None:
        if channel is Channel.WHATSAPP:
            await self.forget(phone)


STATUS_PATH: Final = "/whatsapp/status"
REMEMBERED: Final = DeliveryResult(
    DeliveryStatus.INVALID_NUMBER, "WhatsApp did not reach this number within the last seven days."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SendByWhatsApp:
    """The channel of codes by WhatsApp (`CodeChannel`).

    - A number that WhatsApp did not reach within seven days is not tried.
    - Before a message is sent, a record of it is kept: what the provider reports of it may arrive
      before its response. If it cannot be kept, nothing is reported.

    `webhook_urls` is None where the provider reports nothing.
    """

    messenger: MessageProviders
    deliveries: ExpiringRecords[WhatsAppDelivery]
    numbers: KnownNumbers
    keyed_hashes: KeyedHashes
    webhook_urls: WebhookUrls | None
    clock: Clock

    @property
    def provider(self) -> str:
        return self.messenger.names[0]

    def find_pause(self) -> PausedProvider | None:
        return self.messenger.find_pause()

    async def send(
        self, code: CodeDelivery, next_channels: Sequence[Channel], messages: CodeMessages
    ) -> DeliveryResult:
        phone = code.phone
        if await self.numbers.is_unreachable(phone):
            return REMEMBERED
        # The template of the provider, or a text for people: nothing reads it automatically.
        preferences = MessagePreferences(locale=code.preferences.locale)
        message = messages.render(replace(code, preferences=preferences))
        urls, record = self.webhook_urls, None
        if urls is not None and (record := await self._add_record(code, next_channels)):
            status_url = partial(urls.status_url, STATUS_PATH)
            today = self.clock.now().date()
            message = name_message(message, record.id, phone, today, self.keyed_hashes, status_url)
        result = await self.messenger.send(phone, message)
        if result.status is DeliveryStatus.INVALID_NUMBER:
            await self.numbers.remember(phone)
        messages.keep_message(code, result, message)
        return result

    async def _add_record(
        self, code: CodeDelivery, next_channels: Sequence[Channel]
    ) -> WhatsAppDelivery | None:
        record = WhatsAppDelivery(
            id=code.delivery.report_id,
            phone=code.phone,
            preferences=_shorten(code.preferences),
            next_channels=tuple(next_channels),
            expires_at=code.challenge.expires_at,
        )
        with suppress(StorageError):
            return record if await self.deliveries.add(record) else None
        return None


def _shorten(preferences: MessagePreferences) -> MessagePreferences:
    """Return preferences without what no template looks at: clients may send long texts."""
    locale, app_hash = preferences.locale, preferences.app_hash
    return replace(
        preferences,
        locale=locale[:MAX_LOCALE_LENGTH] if locale else None,
        app_hash=app_hash if app_hash and len(app_hash) == APP_HASH_LENGTH else None,
    )


_REPORTED: Final = "The provider reported that the message failed."


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportWhatsApp:
    """Record what the provider reports of a message, and fall back if it failed.

    - The next channel gets the same code once for a delivery, whatever is repeated, in all
      instances: the winner of the write of `DeliverCode.change_channel` sends it.
    - It does so only while the code is active and unused, and has a minute left, and never after
      the message arrived or was read. A number that gets no messages meanwhile, or is
      blocked, gets none.
    - Where the code was requested again, only the latest delivery falls back.
    - The delivery keeps its id, attempts and permits. Its status is that of the next message.
    - It goes on after the response to the provider, which would repeat its request.
    """

    deliveries: ExpiringRecords[WhatsAppDelivery]
    numbers: KnownNumbers
    report_delivery: ReportDelivery
    deliver_code: DeliverCode
    phone_verifications: PhoneVerifications
    codes: CodeDerivation
    clock: Clock
    _sending: set[asyncio.Task[None]] = field(default_factory=set)

    async def __call__(
        self,
        report_id: str,
        status: ReportedStatus,
        delivery: ReportedDelivery,
        error_code: str | None = None,
    ) -> None:
        loaded = await self.deliveries.load(report_id)
        record, code = loaded.value if loaded else None, None
        if record is not None and status is ReportedStatus.DELIVERED:
            # A failure of one device may have come before the arrival at another.
            await self.numbers.forget(record.phone)
        if record is not None and status.is_failure:
            code = await self._find_resendable(record, is_unreachable=delivery.is_unreachable)
        # Recorded first: nothing that is reported meanwhile is the end.
        has_next = code is not None
        await self.report_delivery(report_id, status, delivery, error_code, has_next=has_next)
        if record is not None and code is not None:
            await self._fall_back(code, record.next_channels, delivery, error_code or "")

    async def finish(self) -> None:
        """Wait until all messages that were begun have been sent."""
        while self._sending:
            await asyncio.wait([*self._sending])

    async def _find_resendable(
        self, record: WhatsAppDelivery, *, is_unreachable: bool
    ) -> CodeDelivery | None:
        """Return a failed delivery whose code the next channel gets, None where none does."""
        report = await self.report_delivery.delivery_reports.load(record.id)
        if report is not None and report.value.status.is_final:
            return None
        verification = (await self.phone_verifications.load(record.phone)).value
        code = _find_code(record, verification)
        if code is not None and code.challenge.used_at is not None:
            return None  # the code arrived nevertheless
        if is_unreachable:
            await self.numbers.remember(record.phone)
        if code is None or verification.gets_no_messages or not record.next_channels:
            return None
        now, blocks = self.clock.now(), self.deliver_code.delivery_limiter.additions
        if blocks.find_number_block(record.phone, now) is not None:
            return None
        if not code.challenge.is_resendable(now, self.codes.key_ids()):
            return None
        with_code = [
            delivery
            for delivery in verification.deliveries.all
            if delivery.challenge_id == code.challenge.id
        ]
        return code if code.delivery == with_code[-1] else None

    async def _fall_back(
        self, code: CodeDelivery, channels: Channels, reported: ReportedDelivery, error_code: str
    ) -> None:
        is_unreachable = reported.is_unreachable
        failed = DeliveryResult(
            DeliveryStatus.INVALID_NUMBER if is_unreachable else DeliveryStatus.REJECTED,
            _REPORTED,
            provider=reported.provider,
            error_code=error_code,
        )
        following = await self.deliver_code.change_channel(
            code, failed, channels[0], is_reported=True
        )
        if following is not None:
            sending = start_task("deliver_otp", self._deliver(following, channels[1:], reported))
            self._sending.add(sending)
            sending.add_done_callback(self._sending.discard)

    async def _deliver(
        self, code: CodeDelivery, next_channels: Channels, reported: ReportedDelivery
    ) -> None:
        """Send the code by the next channel. If it is not taken, the client's status says so."""
        result = await self.deliver_code.deliver(code, next_channels)
        if result.status not in MAYBE_SENT:
            failed = ReportedDelivery(
                labels=reported.labels,
                channel=code.delivery.channel,
                provider=result.provider,
                provider_message_id="",
                reason=result.reason,
            )
            report_id = code.delivery.report_id
            await self.report_delivery(
                report_id, ReportedStatus.FAILED, failed, result.error_code or None
            )


def _find_code(record: WhatsAppDelivery, verification: PhoneVerification) -> CodeDelivery | None:
    """Return the delivery with its code; None if another channel has it, or nothing is known."""
    for delivery in verification.deliveries.all:
        challenge = verification.challenges.find(delivery.challenge_id)
        is_by_whatsapp = delivery.channel is Channel.WHATSAPP
        if challenge and is_by_whatsapp and delivery.report_id == record.id:
            return CodeDelivery(record.phone, record.preferences, delivery, challenge)
    return None


class WhatsAppRecords:
    """What is kept of codes by WhatsApp, also where nothing sends them any more."""

    def __init__(self, core_ports: CorePorts, repositories: WhatsAppRepositories) -> None:
        self.repositories = repositories
        self.numbers = KnownNumbers(
            unreachable_numbers=repositories.unreachable_numbers,
            keyed_hashes=core_ports.keyed_hashes,
            clock=core_ports.system.clock,
        )
        self._identities = core_ports.repositories.identities
        self.additions = Additions(
            cleanup_steps={
                "expired_whatsapp_deliveries": expire(repositories.deliveries),
                "expired_unreachable_numbers": expire(repositories.unreachable_numbers),
            },
            on_purge=(self._forget_identity,),
        )

    async def _forget_identity(self, identity_id: str) -> None:
        """Forget the number of a deleted identity. What was sent to it expires with its code."""
        loaded = await self._identities.load(identity_id)
        if loaded is not None and loaded.value.phone is not None:
            await self.numbers.forget(loaded.value.phone)


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatsAppPorts:
    """What codes by WhatsApp need. Mappings are by the name of the provider."""

    messenger: MessageProviders
    status_callbacks: Mapping[str, StatusCallbacks]
    handshakes: Mapping[str, Handshakes]


def open_whatsapp_channel(
    core_ports: CorePorts,
    records: WhatsAppRecords,
    ports: WhatsAppPorts,
    codes: CodeDerivation,
    webhook_urls: WebhookUrls | None,
) -> Opened["WhatsApp"]:
    """Open the channel: codes go by it, and its numbers are forgotten after a login."""
    channel = SendByWhatsApp(
        messenger=ports.messenger,
        deliveries=records.repositories.deliveries,
        numbers=records.numbers,
        keyed_hashes=core_ports.keyed_hashes,
        webhook_urls=webhook_urls if ports.status_callbacks else None,
        clock=core_ports.system.clock,
    )
    return Opened(
        lambda core: WhatsApp(core, records, ports, codes),
        replace(
            records.additions,
            code_channels={Channel.WHATSAPP: channel},
            after_login=(records.numbers.forget_after_login,),
        ),
    )


class WhatsApp:
    """The use cases of codes by WhatsApp."""

    def __init__(
        self, core: UseCases, records: WhatsAppRecords, ports: WhatsAppPorts, codes: CodeDerivation
    ) -> None:
        clock, otp = core.system.clock, core.otp
        repositories = records.repositories
        self.report_status = ReportWhatsApp(
            deliveries=repositories.deliveries,
            numbers=records.numbers,
            report_delivery=otp.report_delivery,
            deliver_code=otp.deliver_code,
            phone_verifications=core.repositories.phone_verifications,
            codes=codes,
            clock=clock,
        )
        self.record_message_status = RecordMessageStatus(
            ports.status_callbacks, self.report_status, core.keyed_hashes, Channel.WHATSAPP
        )
        self.answer_handshake = AnswerHandshake(ports.handshakes)
