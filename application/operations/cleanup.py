from contextlib import suppress
from dataclasses import dataclass, fields
from datetime import datetime

from application.media.mark_for_deletion import MarkForDeletion
from application.ports.clock import Clock
from application.ports.errors import MediaStorageUnavailable
from application.ports.media_files import MediaFiles
from application.ports.repositories import Repositories
from application.ports.versioned import Versioned
from application.update import update_phone_verification
from domain.identities.identity import USERNAME_HOLD_PERIOD, Identity
from domain.media.item import FILE_DELETION_DELAY
from domain.otp.phone_verification import PhoneVerification

BATCH = 200


@dataclass(frozen=True, slots=True)
class CleanupReport:
    """How many of each were cleared away."""

    abandoned_uploads: int = 0
    removed_items: int = 0
    deleted_identities: int = 0
    freed_usernames: int = 0
    lapsed_phone_records: int = 0
    unfinished_files: int = 0

    def __add__(self, other: "CleanupReport") -> "CleanupReport":
        return CleanupReport(
            *(getattr(self, one.name) + getattr(other, one.name) for one in fields(CleanupReport))
        )

    @property
    def total(self) -> int:
        """All of them together."""
        return sum(getattr(self, one.name) for one in fields(CleanupReport))


@dataclass(frozen=True, slots=True)
class Cleanup:
    """Clear away what nothing shows any more; harmless whenever and however often it runs.

    - An upload whose lease is over is doomed, never finished.
    - A doomed file is removed once more after the longest possible upload, then its record.
    - A deleted identity's items are doomed and its phone's record names it no more, in this
      order, so that whatever stops the sweep, the next one goes on.
    - A name is free 30 days after its identity was deleted.
    - A phone's record goes when nothing in it counts any more.
    """

    records: Repositories
    media_files: MediaFiles
    mark_for_deletion: MarkForDeletion
    clock: Clock

    async def __call__(self) -> CleanupReport:
        """Sweep until there is nothing left to do.

        Raises:
            StorageUnavailable
        """
        swept = CleanupReport()
        while (batch := await self._batch(self.clock.now())).total:
            swept += batch
        return swept

    async def _batch(self, now: datetime) -> CleanupReport:
        return CleanupReport(
            abandoned_uploads=await self._doom_abandoned(now),
            removed_items=await self._remove_doomed(now),
            deleted_identities=await self._clear_identities(),
            freed_usernames=await self._free_usernames(now),
            lapsed_phone_records=await self.records.phone_verifications.delete_expired(now, BATCH),
            unfinished_files=await self._discard_unfinished(now),
        )

    async def _doom_abandoned(self, now: datetime) -> int:
        abandoned = await self.records.media_cleanup.list_expired_uploads(now, BATCH)
        return sum([await self.mark_for_deletion(item) for item in abandoned])

    async def _remove_doomed(self, now: datetime) -> int:
        removed = 0
        for item in await self.records.media_cleanup.list_deleting(
            now - FILE_DELETION_DELAY, BATCH
        ):
            with suppress(MediaStorageUnavailable):
                await self.media_files.delete(item.value.storage_key)
                removed += await self.records.media_items.delete(item.value.id, item.version)
        return removed

    async def _clear_identities(self) -> int:
        deleted_identities = await self.records.deleted_identities.list_unpurged(BATCH)
        return sum([await self._clear(tombstone) for tombstone in deleted_identities])

    async def _clear(self, tombstone: Versioned[Identity]) -> bool:
        identity = tombstone.value
        while await self.mark_for_deletion.mark_some_of(identity.id):
            pass
        if identity.phone is not None:

            def decide(record: PhoneVerification) -> tuple[PhoneVerification, None]:
                if record.identity_id != identity.id:
                    return record, None
                return record.assign_identity(None), None

            await update_phone_verification(
                self.records.phone_verifications, identity.phone, decide
            )
        return await self.records.identities.replace(
            identity.purge(self.clock.now()), tombstone.version
        )

    async def _free_usernames(self, now: datetime) -> int:
        due = await self.records.deleted_identities.list_with_username(
            now - USERNAME_HOLD_PERIOD, BATCH
        )
        freed = [
            await self.records.identities.replace(one.value.release_username(), one.version)
            for one in due
        ]
        return sum(freed)

    async def _discard_unfinished(self, now: datetime) -> int:
        with suppress(MediaStorageUnavailable):
            return await self.media_files.delete_unfinished(now - FILE_DELETION_DELAY)
        return 0
