from dataclasses import dataclass
from datetime import datetime

from application.ports.clock import Clock
from application.ports.errors import StorageUnavailable
from application.ports.identities import Identities
from application.ports.phone_verifications import PhoneVerifications
from application.ports.security_events import SecurityEvent, SecurityEvents, SecurityEventType
from application.update import MAX_RETRIES, update_phone_verification
from domain.identities.identity import Identity
from domain.otp.phone_verification import PhoneVerification
from domain.phone import PhoneNumber


@dataclass(frozen=True, slots=True)
class BlockPhone:
    """Block a phone: nothing is sent to it, no code of it works, and its tokens stop.

    - The record comes first: no code is judged right after it.
    - The identity comes second: its sessions end, and a sign-in that was judged right before
      finds it blocked, also one that was yet to make it.
    - Repeated, it completes what was broken off.
    """

    phone_verifications: PhoneVerifications
    identities: Identities
    clock: Clock
    events: SecurityEvents

    async def __call__(self, phone: PhoneNumber) -> None:
        """Raises StorageUnavailable."""
        now = self.clock.now()

        def decide(record: PhoneVerification) -> tuple[PhoneVerification, str | None]:
            return record.block(now), record.identity_id

        identity_id = await update_phone_verification(self.phone_verifications, phone, decide)
        if identity_id is not None:
            await self._block(identity_id, phone, now)
        self.events.emit(
            SecurityEvent(type=SecurityEventType.PHONE_BLOCKED, phone=phone, user_id=identity_id)
        )

    async def _block(self, identity_id: str, phone: PhoneNumber, now: datetime) -> None:
        for _ in range(MAX_RETRIES):
            loaded = await self.identities.load(identity_id)
            if loaded is None:
                blocked = Identity(identity_id, phone, now).block(now)
                if await self.identities.add(blocked):
                    return
            elif loaded.value.is_deleted:
                return
            else:
                blocked = loaded.value.block(now)
                if blocked == loaded.value or await self.identities.replace(
                    blocked, loaded.version
                ):
                    return
        raise StorageUnavailable("too many requests at one identity")
