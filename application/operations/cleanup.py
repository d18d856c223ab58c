"""Delete what is over: by command, and on a schedule that all instances share."""

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from application.media.deletions import MarkForDeletion, RetryDeletions, delete_files
from application.media.quota import LibraryQuota
from application.operations.clean_up_calls import CleanUpCalls
from application.ports.errors import MediaStorageUnavailable
from application.ports.media import MediaFiles
from application.ports.repositories import Leases, Repositories
from application.ports.system import Clock
from application.ports.versioned import Versioned
from application.update import update_phone_verification
from domain.identities.identity import USERNAME_HOLD_PERIOD, Identity
from domain.media.item import FILE_DELETION_DELAY
from domain.otp.phone_verification import PhoneVerification
from domain.otp.sliding_window import CLOCK_SKEW

BATCH_SIZE: Final = 200
LEASE_NAME: Final = "cleanup"


CleanupReport = Counter[str]
"""How many of each kind were cleaned up."""


@dataclass(frozen=True, slots=True)
class Cleanup:
    """Delete what nothing shows anymore. It is harmless at any time and however often it runs.

    - An upload past its deadline is marked for deletion, never finished.
    - The file of a deleted item is deleted again after the longest possible upload, and then its
      record. A deletion that the store refused is retried.
    - What a user has in the library is counted anew where an upload or a deletion may have crashed.
    - The items of a deleted identity are marked for deletion, its name is removed from the call
      log, and then its phone is detached. An interrupted cleanup is continued by the next.
    - An unverified identity is deleted 90 days after its last call.
    - A username is released 30 days after its identity was deleted.
    - A phone verification and a rate-limit entry are deleted when they no longer count. So are the
      client IPs in a phone verification that is kept, and a delivery report after a day.
    - An audit entry is deleted after 400 days, and a service token when it has expired.
    - The costs of a day are deleted after 800 days.
    - A call whose last status was lost ends.
    - Recordings and calls are deleted after their retention. The provider is tried once in each
      cleanup.
    """

    repositories: Repositories
    media_files: MediaFiles
    mark_for_deletion: MarkForDeletion
    retry_deletions: RetryDeletions
    quota: LibraryQuota
    clean_up_calls: CleanUpCalls
    clock: Clock

    async def __call__(self) -> CleanupReport:
        """Clean up until there is nothing left to do.

        Raises:
            StorageError
        """
        report = CleanupReport()
        is_done = False
        while not is_done:
            batch = await self._clean_batch(self.clock.now())
            report.update(batch)
            is_done = not any(batch.values())
        # The identities that were purged above may have recordings.
        report["deleted_recordings"] = await self.clean_up_calls.delete_recordings()
        ended_calls = await self.clean_up_calls.end_calls()
        report["deleted_calls"] = await self.clean_up_calls.delete_calls()
        report["ended_calls"] = ended_calls
        return report

    async def _clean_batch(self, now: datetime) -> dict[str, int]:
        """Clean up a number of each kind. An unverified identity is purged by the next batch."""
        verifications = self.repositories.phone_verifications
        delivery_reports = self.repositories.delivery_reports
        idempotency_keys = self.repositories.idempotency_keys
        return {
            "expired_uploads": await self._mark_expired_uploads(now),
            "deleted_items": await self._delete_items(now),
            "retried_deletions": await self.retry_deletions(),
            "purged_identities": await self._purge_identities(now),
            "released_usernames": await self._release_usernames(now),
            "deleted_identities": await self._delete_identities(now),
            "expired_phone_verifications": await verifications.delete_expired(now, BATCH_SIZE),
            "pruned_phone_verifications": await verifications.prune(now, BATCH_SIZE),
            # Another instance, whose clock is behind, still counts what expires now.
            "expired_rate_limits": await self.repositories.limit_store.delete_expired(
                now - CLOCK_SKEW, BATCH_SIZE
            ),
            "expired_attempts": await self.repositories.unchallenged_attempts.delete_expired(
                now, BATCH_SIZE
            ),
            "unfinished_files": await self._delete_unfinished_files(now),
            "expired_delivery_reports": await delivery_reports.delete_expired(now, BATCH_SIZE),
            "expired_idempotency_keys": await idempotency_keys.delete_expired(now, BATCH_SIZE),
            "expired_audit_entries": await self.repositories.audit_log.delete_expired(
                now, BATCH_SIZE
            ),
            "expired_service_tokens": await self.repositories.service_tokens.delete_expired(
                now, BATCH_SIZE
            ),
            "expired_costs": await self.repositories.daily_costs.delete_expired(now, BATCH_SIZE),
            "corrected_usages": await self._recount_due_usages(),
        }

    async def _mark_expired_uploads(self, now: datetime) -> int:
        expired = await self.repositories.media_items.list_expired_uploads(now, BATCH_SIZE)
        return sum([await self.mark_for_deletion(item) for item in expired])

    async def _delete_items(self, now: datetime) -> int:
        deleted = 0
        requested_before = now - FILE_DELETION_DELAY
        items = await self.repositories.media_items.list_deleting(requested_before, BATCH_SIZE)
        # Whoever marked an item may have crashed before it was subtracted.
        for owner_id in {item.value.owner_id for item in items}:
            await self.quota.recount(owner_id)
        for item in items:
            with suppress(MediaStorageUnavailable):
                await delete_files(self.media_files, item.value.storage_keys)
                deleted += await self.repositories.media_items.delete(item.value.id, item.version)
        return deleted

    async def _recount_due_usages(self) -> int:
        due = await self.quota.list_due(BATCH_SIZE)
        return sum([await self.quota.recount(owner_id) for owner_id in due])

    async def _delete_identities(self, now: datetime) -> int:
        """Delete unverified identities, unless a call or a login is faster."""
        expired = await self.repositories.identities.list_expired(now, BATCH_SIZE)
        replace = self.repositories.identities.replace
        return sum([await replace(loaded.value.delete(now), loaded.version) for loaded in expired])

    async def _purge_identities(self, now: datetime) -> int:
        deleted = await self.repositories.identities.list_unpurged(BATCH_SIZE)
        return sum([await self._purge(identity, now) for identity in deleted])

    async def _purge(self, deleted: Versioned[Identity], now: datetime) -> bool:
        identity = deleted.value
        while await self.mark_for_deletion.mark_some_of(identity.id):
            pass
        await self.quota.forget(identity.id)
        await self.clean_up_calls.forget_identity(identity.id)
        if identity.phone is not None:

            def detach(verification: PhoneVerification) -> tuple[PhoneVerification, None]:
                if verification.identity_id != identity.id:
                    return verification, None
                return verification.change_owner(None), None

            await update_phone_verification(
                self.repositories.phone_verifications, identity.phone, detach
            )
        return await self.repositories.identities.replace(identity.purge(now), deleted.version)

    async def _release_usernames(self, now: datetime) -> int:
        due = await self.repositories.identities.list_with_username(
            now - USERNAME_HOLD_PERIOD, BATCH_SIZE
        )
        replace = self.repositories.identities.replace
        return sum(
            [await replace(loaded.value.release_username(), loaded.version) for loaded in due]
        )

    async def _delete_unfinished_files(self, now: datetime) -> int:
        with suppress(MediaStorageUnavailable):
            return await self.media_files.delete_unfinished(now - FILE_DELETION_DELAY)
        return 0


@dataclass(frozen=True, slots=True)
class ScheduledCleanup:
    """Run the cleanup once in each interval, in one of all instances on a database.

    The instance that acquires the lease runs the cleanup. The lease is not released but expires
    after the interval. So an instance that hangs or crashes delays the next cleanup by at most
    one interval.
    """

    cleanup: Cleanup
    leases: Leases
    clock: Clock

    async def __call__(self, interval: timedelta) -> CleanupReport | None:
        """Run the cleanup if it is due, and return None if it is not.

        Raises:
            StorageError
        """
        now = self.clock.now()
        if not await self.leases.acquire(LEASE_NAME, now, now + interval):
            return None
        return await self.cleanup()
