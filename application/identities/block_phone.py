from dataclasses import dataclass
from datetime import datetime

from application.ports.clock import Clock
from application.ports.errors import StoreUnavailable
from application.ports.identities import Identities
from application.ports.phone_records import PhoneRecords
from application.ports.security_events import SecurityEvent, SecurityEvents, SecurityEventType
from application.swaps import ROUNDS, decide_on_phone
from domain.identities.identity import Identity
from domain.phone import PhoneNumber
from domain.sign_in.phone_record import PhoneRecord


@dataclass(frozen=True, slots=True)
class BlockPhone:
    """Block a phone: nothing is sent to it, no code of it works, and its tokens stop.

    - The record comes first: no code is judged right after it.
    - The identity comes second: its sessions end, and a sign-in that was judged right before
      finds it blocked, also one that was yet to make it.
    - Repeated, it completes what was broken off.
    """

    phone_records: PhoneRecords
    identities: Identities
    clock: Clock
    events: SecurityEvents

    async def __call__(self, phone: PhoneNumber) -> None:
        """Raises StoreUnavailable."""
        now = self.clock.now()

        def decide(record: PhoneRecord) -> tuple[PhoneRecord, str | None]:
            return record.blocked_at(now), record.identity_id

        identity_id = await decide_on_phone(self.phone_records, phone, decide)
        if identity_id is not None:
            await self._block(identity_id, phone, now)
        self.events.emit(
            SecurityEvent(type=SecurityEventType.PHONE_BLOCKED, phone=phone, user_id=identity_id)
        )

    async def _block(self, identity_id: str, phone: PhoneNumber, now: datetime) -> None:
        for _ in range(ROUNDS):
            loaded = await self.identities.load(identity_id)
            if loaded is None:
                blocked = Identity(identity_id, phone, now).blocked_at(now)
                if await self.identities.add(blocked):
                    return
            elif not loaded.value.is_alive:
                return
            else:
                blocked = loaded.value.blocked_at(now)
                if blocked == loaded.value or await self.identities.replace(
                    blocked, loaded.version
                ):
                    return
        raise StoreUnavailable("too many requests at one identity")
