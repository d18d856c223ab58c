from contextlib import suppress
from dataclasses import dataclass

from application.ports.identities import Identities
from application.ports.phone_verifications import PhoneVerifications
from application.ports.security_events import SecurityEvent, SecurityEvents, SecurityEventType
from application.update import update_identity, update_phone_verification
from domain.errors import Unauthenticated
from domain.identities.identity import Identity
from domain.otp.phone_verification import PhoneVerification
from domain.phone import PhoneNumber


@dataclass(frozen=True, slots=True)
class UnblockPhone:
    """Let a phone that was blocked sign in again; tokens that stopped stay stopped.

    - The identity comes first, the record second: until that is written no code is right, so
      none is spent on an identity that would still turn it away.
    - Repeated, it completes what was broken off.
    """

    phone_verifications: PhoneVerifications
    identities: Identities
    events: SecurityEvents

    async def __call__(self, phone: PhoneNumber) -> None:
        """Raises StorageUnavailable."""
        identity_id = (await self.phone_verifications.load(phone)).value.identity_id
        if identity_id is not None:
            with suppress(Unauthenticated):  # it is deleted, or was never made
                await update_identity(self.identities, identity_id, Identity.unblock)

        def decide(record: PhoneVerification) -> tuple[PhoneVerification, None]:
            return record.unblock(), None

        await update_phone_verification(self.phone_verifications, phone, decide)
        self.events.emit(
            SecurityEvent(type=SecurityEventType.PHONE_UNBLOCKED, phone=phone, user_id=identity_id)
        )
