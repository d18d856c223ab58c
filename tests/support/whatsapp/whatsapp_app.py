"""The core with codes by WhatsApp, over fakes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from adapters.databases.records.features.whatsapp import make_whatsapp_repositories
from application.core_ports import CorePorts
from application.features.whatsapp import (
    WhatsApp,
    WhatsAppPorts,
    WhatsAppRecords,
    WhatsAppRepositories,
    open_whatsapp_channel,
)
from application.opened import Opened
from application.otp.deliver_code import SendNotice
from application.ports.otp import DeliveryResult
from application.ports.webhooks import MessageStatus, SignedRequest
from domain.otp.delivery import Channel, Delivery, ReportedStatus
from domain.otp.delivery_policy import ChannelOrder
from domain.phone import PhoneNumber
from entrypoints.features.whatsapp import WHATSAPP
from tests.support.builders import a_phone
from tests.support.core_harness import WEBHOOK_URLS, CoreHarness, CorePolicy, make_core_policy
from tests.support.fakes.messenger import ACCEPTED, FakeMessenger

WHATSAPP_FIRST = ChannelOrder((Channel.WHATSAPP, Channel.SMS))
REQUEST = SignedRequest("", {})


class FakeWhatsApp(FakeMessenger):
    """Keeps every message, and reports `statuses` for each request."""

    def __init__(self, result: DeliveryResult = ACCEPTED) -> None:
        super().__init__(result)
        self.names = ("meta",)
        self.statuses: Sequence[MessageStatus] | None = ()

    def read_statuses(self, _: SignedRequest) -> Sequence[MessageStatus] | None:
        return self.statuses

    def answer_handshake(self, _: SignedRequest) -> str | None:
        return "1158201444"


def whatsapp_policy(channels: ChannelOrder = WHATSAPP_FIRST, **decisions: Any) -> CorePolicy:
    return make_core_policy(channels=channels, webhook_urls=WEBHOOK_URLS, **decisions)


# pytest-asyncio calls repr() on fixtures, and that of a whole database takes long.
@dataclass(repr=False)
class WhatsAppHarness(CoreHarness):
    """The use cases of the core with codes by WhatsApp, which come first."""

    policy: CorePolicy = field(default_factory=whatsapp_policy)
    whatsapp: FakeWhatsApp = field(default_factory=FakeWhatsApp)

    def _open_features(
        self, core_ports: CorePorts, send_notice: SendNotice
    ) -> dict[str, Opened[Any]]:
        self.records: WhatsAppRepositories = self._make(
            lambda database: make_whatsapp_repositories(database, self.database.encryption)
        )
        records = WhatsAppRecords(core_ports, self.records)
        self.numbers = records.numbers
        messengers = {"meta": self.whatsapp}
        return {
            "whatsapp": open_whatsapp_channel(
                core_ports,
                records,
                WhatsAppPorts(
                    messenger=self.whatsapp, status_callbacks=messengers, handshakes=messengers
                ),
                self.codes,
                self.policy.otp.webhook_urls,
            )
        }

    @property
    def feature(self) -> WhatsApp:
        whatsapp: WhatsApp = WHATSAPP.of(self.use_cases)
        return whatsapp

    async def request(
        self, phone: PhoneNumber | None = None, channel: Channel | None = None, **options: Any
    ) -> Any:
        """Request a code, and wait until everything is done that the response does not wait for."""
        result = await self.request_otp(phone, channel=channel, **options)
        await self.finish()
        return result

    async def finish(self) -> None:
        await self.feature.report_status.finish()

    async def report(
        self, status: ReportedStatus, *, message: int = -1, is_unreachable: bool = False
    ) -> bool:
        """Let the provider report a status of a message, the latest by default."""
        reported = MessageStatus(
            status,
            error_code="131026" if is_unreachable else "",
            reference=self.whatsapp.sent[message].reference,
            is_unreachable=is_unreachable,
        )
        self.whatsapp.statuses = (reported,)
        return await self.feature.record_message_status(REQUEST, {})

    async def delivery(self, phone: PhoneNumber | None = None) -> Delivery:
        """Load the latest delivery to a phone."""
        loaded = await self.use_cases.repositories.phone_verifications.load(phone or a_phone())
        return loaded.value.deliveries.all[-1]
