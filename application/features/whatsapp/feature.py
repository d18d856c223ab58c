"""Build the use cases of codes by WhatsApp."""

from collections.abc import Mapping
from dataclasses import dataclass

from application.features.whatsapp.known_numbers import KnownNumbers
from application.features.whatsapp.ports import WhatsAppRepositories
from application.features.whatsapp.report_status import ReportWhatsApp
from application.features.whatsapp.send_code import SendByWhatsApp
from application.operations.cleanup import expire
from application.otp.feature import OtpUseCases
from application.otp.message_callbacks import AnswerHandshake, RecordMessageStatus
from application.otp_codes import OtpCodes
from application.ports.otp import MessageProviders
from application.ports.webhooks import Handshakes, StatusCallbacks
from application.use_cases import UseCases
from application.webhook_urls import WebhookUrls
from domain.otp.delivery import Channel


class WhatsAppRecordsFeature:
    """What is kept of codes by WhatsApp, also where nothing sends them any more."""

    def __init__(self, core: UseCases, repositories: WhatsAppRepositories) -> None:
        self.repositories = repositories
        self.numbers = KnownNumbers(
            unreachable_numbers=repositories.unreachable_numbers,
            keyed_hashes=core.keyed_hashes,
            clock=core.system.clock,
        )
        self._identities = core.repositories.identities
        core.operations.cleanup.add_steps(
            {
                "expired_whatsapp_deliveries": expire(repositories.deliveries),
                "expired_unreachable_numbers": expire(repositories.unreachable_numbers),
            }
        )
        core.operations.cleanup.on_purge(self._forget_identity)

    async def _forget_identity(self, identity_id: str) -> None:
        """Forget the number of a deleted identity. What was sent to it expires with its code."""
        found = await self._identities.load(identity_id)
        if found is not None and found.value.phone is not None:
            await self.numbers.forget(found.value.phone)


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatsAppPorts:
    """What codes by WhatsApp need. Mappings are by the name of the provider."""

    messenger: MessageProviders
    status_callbacks: Mapping[str, StatusCallbacks]
    handshakes: Mapping[str, Handshakes]


class WhatsAppFeature:
    """The use cases of codes by WhatsApp, which is a channel from now on."""

    def __init__(
        self,
        core: UseCases,
        records: WhatsAppRecordsFeature,
        ports: WhatsAppPorts,
        codes: OtpCodes,
        webhook_urls: WebhookUrls | None,
    ) -> None:
        clock, otp = core.system.clock, core.of(OtpUseCases)
        repositories = records.repositories
        otp.extensions.message_channels[Channel.WHATSAPP] = SendByWhatsApp(
            messenger=ports.messenger,
            deliver_code=otp.deliver_code,
            deliveries=repositories.deliveries,
            numbers=records.numbers,
            keyed_hashes=core.keyed_hashes,
            webhook_urls=webhook_urls if ports.status_callbacks else None,
            clock=clock,
        )
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
        core.identities.extensions.after_login.append(records.numbers.forget_after_login)
