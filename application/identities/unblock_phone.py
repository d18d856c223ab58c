from contextlib import suppress
from dataclasses import dataclass

from application.ports.identities import Identities
from application.ports.phone_records import PhoneRecords
from application.ports.security_events import SecurityEvent, SecurityEvents, SecurityEventType
from application.swaps import change_identity, decide_on_phone
from domain.errors import Unauthenticated
from domain.identities.identity import Identity
from domain.phone import PhoneNumber
from domain.sign_in.phone_record import PhoneRecord


@dataclass(frozen=True, slots=True)
class UnblockPhone:
    """Let a phone that was blocked sign in again; tokens that stopped stay stopped.

    - The identity comes first, the record second: until that is written no code is right, so
      none is spent on an identity that would still turn it away.
    - Repeated, it completes what was broken off.
    """

    phone_records: PhoneRecords
    identities: Identities
    events: SecurityEvents

    async def __call__(self, phone: PhoneNumber) -> None:
        """Raises StoreUnavailable."""
        identity_id = (await self.phone_records.load(phone)).value.identity_id
        if identity_id is not None:
            with suppress(Unauthenticated):  # it is deleted, or was never made
                await change_identity(self.identities, identity_id, Identity.unblocked)

        def decide(record: PhoneRecord) -> tuple[PhoneRecord, None]:
            return record.unblocked(), None

        await decide_on_phone(self.phone_records, phone, decide)
        self.events.emit(
            SecurityEvent(type=SecurityEventType.PHONE_UNBLOCKED, phone=phone, user_id=identity_id)
        )
