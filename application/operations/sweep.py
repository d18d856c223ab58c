from contextlib import suppress
from dataclasses import dataclass, fields
from datetime import datetime

from application.media.doom import Doom
from application.ports.clock import Clock
from application.ports.errors import FilesUnavailable
from application.ports.media_files import MediaFiles
from application.ports.records import Records
from application.ports.versioned import Versioned
from application.swaps import decide_on_phone
from domain.identities.identity import USERNAME_HELD_FOR, Identity
from domain.media.item import SECOND_LOOK
from domain.sign_in.phone_record import PhoneRecord

BATCH = 200


@dataclass(frozen=True, slots=True)
class Swept:
    """How many of each were cleared away."""

    abandoned_uploads: int = 0
    removed_items: int = 0
    deleted_identities: int = 0
    freed_usernames: int = 0
    lapsed_phone_records: int = 0
    unfinished_files: int = 0

    def __add__(self, other: "Swept") -> "Swept":
        return Swept(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(Swept)))

    @property
    def total(self) -> int:
        """All of them together."""
        return sum(getattr(self, one.name) for one in fields(Swept))


@dataclass(frozen=True, slots=True)
class Sweep:
    """Clear away what nothing shows any more; harmless whenever and however often it runs.

    - An upload whose lease is over is doomed, never finished.
    - A doomed file is removed once more after the longest possible upload, then its record.
    - A deleted identity's items are doomed and its phone's record names it no more, in this
      order, so that whatever stops the sweep, the next one goes on.
    - A name is free 30 days after its identity was deleted.
    - A phone's record goes when nothing in it counts any more.
    """

    records: Records
    media_files: MediaFiles
    doom: Doom
    clock: Clock

    async def __call__(self) -> Swept:
        """Sweep until there is nothing left to do.

        Raises:
            StoreUnavailable
        """
        swept = Swept()
        while (batch := await self._batch(self.clock.now())).total:
            swept += batch
        return swept

    async def _batch(self, now: datetime) -> Swept:
        return Swept(
            abandoned_uploads=await self._doom_abandoned(now),
            removed_items=await self._remove_doomed(now),
            deleted_identities=await self._clear_identities(),
            freed_usernames=await self._free_usernames(now),
            lapsed_phone_records=await self.records.phone_records.drop_lapsed(now, BATCH),
            unfinished_files=await self._discard_unfinished(now),
        )

    async def _doom_abandoned(self, now: datetime) -> int:
        abandoned = await self.records.media_leftovers.abandoned(now, BATCH)
        return sum([await self.doom(item) for item in abandoned])

    async def _remove_doomed(self, now: datetime) -> int:
        removed = 0
        for item in await self.records.media_leftovers.doomed_before(now - SECOND_LOOK, BATCH):
            with suppress(FilesUnavailable):
                await self.media_files.delete(item.value.key)
                removed += await self.records.media_items.remove(item.value.id, item.version)
        return removed

    async def _clear_identities(self) -> int:
        tombstones = await self.records.tombstones.unswept(BATCH)
        return sum([await self._clear(tombstone) for tombstone in tombstones])

    async def _clear(self, tombstone: Versioned[Identity]) -> bool:
        identity = tombstone.value
        while await self.doom.some_of(identity.id):
            pass
        if identity.phone is not None:

            def decide(record: PhoneRecord) -> tuple[PhoneRecord, None]:
                if record.identity_id != identity.id:
                    return record, None
                return record.owned_by(None), None

            await decide_on_phone(self.records.phone_records, identity.phone, decide)
        return await self.records.identities.replace(identity.swept_clean(), tombstone.version)

    async def _free_usernames(self, now: datetime) -> int:
        due = await self.records.tombstones.named_before(now - USERNAME_HELD_FOR, BATCH)
        freed = [
            await self.records.identities.replace(one.value.without_username(), one.version)
            for one in due
        ]
        return sum(freed)

    async def _discard_unfinished(self, now: datetime) -> int:
        with suppress(FilesUnavailable):
            return await self.media_files.delete_unfinished(now - SECOND_LOOK)
        return 0
