"""Send a code by WhatsApp."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from application.features.whatsapp.known_numbers import KnownNumbers
from application.otp.deliver_code import TAKEN, DeliverCode
from application.otp.extensions import CodeDelivery
from application.ports.errors import CorruptRecord, StorageError
from application.ports.keyed_hashes import KeyedHashes
from application.ports.otp import (
    DeliveryResult,
    DeliveryStatus,
    MessageProviders,
    PausedProvider,
)
from application.ports.system import Clock
from application.ports.versioned import ExpiringRecords
from application.update import change
from application.webhook_urls import WebhookUrls, name_message
from domain.features.whatsapp.whatsapp_delivery import WhatsAppDelivery
from domain.otp.delivery import Channel
from domain.otp.message_preferences import APP_HASH_LENGTH, MAX_LOCALE_LENGTH, MessagePreferences

STATUS_PATH: Final = "/whatsapp/status"
REMEMBERED: Final = DeliveryResult(
    DeliveryStatus.INVALID_NUMBER, "WhatsApp did not reach this number within the last seven days."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SendByWhatsApp:
    """The channel of codes by WhatsApp (`MessageChannel`).

    - A number that WhatsApp did not reach within seven days is not tried.
    - Before a message is sent, a record of it is kept: what the provider reports of it may arrive
      before its response. Where it cannot be kept, nothing is reported.
    - Who wins the write of `fall_back` decides about the next channel: the response, or a report.

    `webhook_urls` is None where the provider reports nothing.
    """

    messenger: MessageProviders
    deliver_code: DeliverCode
    deliveries: ExpiringRecords[WhatsAppDelivery]
    numbers: KnownNumbers
    keyed_hashes: KeyedHashes
    webhook_urls: WebhookUrls | None
    clock: Clock

    @property
    def provider(self) -> str:
        """The name of the provider."""
        return self.messenger.names[0]

    def find_pause(self) -> PausedProvider | None:
        return self.messenger.find_pause()

    async def send(
        self, code: CodeDelivery, next_channels: Sequence[Channel]
    ) -> DeliveryResult | None:
        phone, delivery = code.phone, code.delivery
        if await self.numbers.is_unreachable(phone):
            return REMEMBERED
        # The template of the provider, or a text for people: nothing reads it automatically.
        preferences = MessagePreferences(locale=code.preferences.locale)
        message = self.deliver_code.render(replace(code, preferences=preferences))
        urls, record = self.webhook_urls, None
        if urls is not None and (record := await self._add_record(code, next_channels)):
            status_url = partial(urls.status_url, STATUS_PATH)
            today = self.clock.now().date()
            message = name_message(message, record.id, phone, today, self.keyed_hashes, status_url)
        result, extensions = await self.messenger.send(phone, message), self.deliver_code.extensions
        if result.status in TAKEN:
            if extensions.recent_messages is not None:
                extensions.recent_messages.add(delivery.public_id, message.text)
            return result
        if result.status is DeliveryStatus.INVALID_NUMBER:
            await self.numbers.remember(phone)
        if record is None or await self._claim(record):
            return result
        return None

    async def _add_record(
        self, code: CodeDelivery, next_channels: Sequence[Channel]
    ) -> WhatsAppDelivery | None:
        record = WhatsAppDelivery(
            id=code.delivery.report_id_by(Channel.WHATSAPP),
            phone=code.phone,
            preferences=_shorten(code.preferences),
            next_channels=tuple(next_channels),
            expires_at=code.challenge.expires_at,
        )
        with suppress(StorageError):
            return record if await self.deliveries.add(record) else None
        return None

    async def _claim(self, record: WhatsAppDelivery) -> bool:
        """Return whether this response decides that the next channel is tried."""
        try:
            return await claim_fallback(self.deliveries, record.id, self.clock)
        except (StorageError, CorruptRecord):
            # Nobody knows whether a report has. One message too few, not one too many.
            return False


async def claim_fallback(
    deliveries: ExpiringRecords[WhatsAppDelivery], delivery_id: str, clock: Clock
) -> bool:
    """Return whether the caller, and nobody else, may try the next channel of a delivery.

    Raises:
        StorageError
        CorruptRecord
    """

    def fall_back(
        found: WhatsAppDelivery | None,
    ) -> tuple[WhatsAppDelivery | None, bool]:
        if found is None or not found.can_fall_back:
            return found, False
        return found.fall_back(clock.now()), True

    return await change(deliveries, delivery_id, fall_back)


def _shorten(preferences: MessagePreferences) -> MessagePreferences:
    """Return preferences without what no template looks at: clients may send long texts."""
    locale, app_hash = preferences.locale, preferences.app_hash
    return replace(
        preferences,
        locale=locale[:MAX_LOCALE_LENGTH] if locale else None,
        app_hash=app_hash if app_hash and len(app_hash) == APP_HASH_LENGTH else None,
    )
