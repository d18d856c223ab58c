"""The repositories of codes by WhatsApp."""

from dataclasses import dataclass
from typing import Protocol

from application.ports.versioned import DeletableRecords, Expiring, Records
from domain.whatsapp.whatsapp_delivery import UnreachableNumber, WhatsAppDelivery


class WhatsAppDeliveries(Records[WhatsAppDelivery], Expiring, Protocol):
    """The messages by WhatsApp whose code is valid, by the id in their reports."""


class UnreachableNumbers(DeletableRecords[UnreachableNumber], Expiring, Protocol):
    """The numbers that WhatsApp did not reach within seven days, by their blind index."""


@dataclass(frozen=True, slots=True)
class WhatsAppRepositories:
    """The repositories of codes by WhatsApp."""

    deliveries: WhatsAppDeliveries
    unreachable_numbers: UnreachableNumbers
