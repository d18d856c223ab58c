"""Send a code by WhatsApp."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from application.features.whatsapp.known_numbers import KnownNumbers
from application.otp.deliver_code import DeliverCode
from application.otp.extensions import CodeDelivery
from application.ports.errors import StorageError
from application.ports.keyed_hashes import KeyedHashes
from application.ports.otp import (
    DeliveryResult,
    DeliveryStatus,
    MessageProviders,
    PausedProvider,
)
from application.ports.system import Clock
from application.ports.versioned import ExpiringRecords
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
        return self.messenger.names[0]

    def find_pause(self) -> PausedProvider | None:
        return self.messenger.find_pause()

    async def send(self, code: CodeDelivery, next_channels: Sequence[Channel]) -> DeliveryResult:
        phone = code.phone
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
        result = await self.messenger.send(phone, message)
        if result.status is DeliveryStatus.INVALID_NUMBER:
            await self.numbers.remember(phone)
        self.deliver_code.keep_message(code, result, message)
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
