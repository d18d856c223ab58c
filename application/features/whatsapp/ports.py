"""The repositories of codes by WhatsApp."""

from dataclasses import dataclass

from application.ports.versioned import ExpiringRecords
from domain.features.whatsapp import UnreachableNumber, WhatsAppDelivery


@dataclass(frozen=True, slots=True)
class WhatsAppRepositories:
    """The repositories of codes by WhatsApp."""

    deliveries: ExpiringRecords[WhatsAppDelivery]
    unreachable_numbers: ExpiringRecords[UnreachableNumber]
