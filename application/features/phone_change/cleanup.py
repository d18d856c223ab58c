"""What the cleanup does for changes of phones."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from application.features.phone_change.complete import RETRY_DELAY, CompletePhoneChange
from application.operations.cleanup import BATCH_SIZE
from application.pacing import call_in_groups
from application.ports.identities import Identities
from application.ports.versioned import Versioned
from domain.errors import PhoneInUse
from domain.identities.identity import Identity


@dataclass(frozen=True, slots=True, kw_only=True)
class CompletePhoneChanges:
    """Complete changes of phones that were interrupted, and send their messages."""

    identities: Identities
    complete: CompletePhoneChange

    async def __call__(self, now: datetime) -> int:
        interrupted = await self.identities.list_phone_changes(now - RETRY_DELAY, BATCH_SIZE)

        async def complete(loaded: Versioned[Identity]) -> bool:
            with suppress(PhoneInUse):
                await self.complete(loaded.value.id)
            return True

        return sum(await call_in_groups(complete, interrupted))
