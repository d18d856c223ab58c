"""Delete what is over: by command, and on a schedule that all instances share."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from application.media.deletions import MarkForDeletion, RetryDeletions, delete_files
from application.media.quota import LibraryQuota
from application.operations.clean_up_calls import CleanUpCalls
from application.pacing import Pace, call_in_groups
from application.phone_change.complete import CompletePhoneChange
from application.phone_change.notify_new_number import RETRY_DELAY
from application.ports.errors import MediaStorageUnavailable
from application.ports.media import MediaFiles
from application.ports.repositories import Leases, Repositories
from application.ports.system import Clock
from application.ports.versioned import Versioned
from application.update import update_phone_verification
from domain.errors import PhoneInUse
from domain.identities.identity import USERNAME_HOLD_PERIOD, Identity
from domain.identities.phone_assignment import PhoneAssignments
from domain.media.item import FILE_DELETION_DELAY, MediaItem
from domain.otp.phone_verification import PhoneVerification
from domain.otp.sliding_window import CLOCK_SKEW
from domain.phone_change.errors import UndoNotPossible

BATCH_SIZE: Final = 200
PRUNED_AT_ONCE: Final = 50
"""The event loop is busy with each for up to a tenth of a millisecond."""
PURGED_AT_ONCE: Final = 20
"""Each identity may have many items."""
LEASE_NAME: Final = "cleanup"


CleanupReport = Counter[str]
"""How many of each kind were cleaned up."""
ReportProgress = Callable[[CleanupReport], None]
"""Is told of what was cleaned up so far, after each step."""
_Step = Callable[[datetime], Awaitable[int]]
"""Cleans up a number of one kind, and returns how many there were."""


def report_nothing(_: CleanupReport) -> None:
    """Report no progress."""


@dataclass(frozen=True, slots=True)
class Cleanup:
    """Delete what nothing shows anymore. It is harmless at any time and however often it runs.

    - An upload past its deadline is marked for deletion, never finished.
    - The file of a deleted item is deleted again after the longest possible upload, and then its
      record. A deletion that the store refused is retried.
    - What a user has in the library is counted anew where an upload or a deletion may have crashed.
    - The items of a deleted identity are marked for deletion, its name is removed from the call
      log, and then its phone is detached. An interrupted cleanup is continued by the next.
    - A change of a phone that was interrupted is completed, and its messages are sent.
    - An unverified identity is deleted 90 days after its last call.
    - A username is released 30 days after its identity was deleted.
    - A phone verification and a rate-limit entry are deleted when they no longer count. So are the
      client IPs in a phone verification that is kept, and a delivery report after a day. A proof
      that was used is deleted after two hours.
    - An audit entry is deleted after 400 days, and a service token or a session of the
      console when it has expired.
    - The costs of a day are deleted after 800 days, and the statistics of an hour after eight.
    - A call whose last status was lost ends.
    - Recordings and calls are deleted after their retention. The provider is tried once in each
      cleanup.

    It is done in steps of up to 200 records. After each one there is a pause of the same length, so
    that requests do not wait. What a killed cleanup has not done, the next one does.
    """

    repositories: Repositories
    media_files: MediaFiles
    mark_for_deletion: MarkForDeletion
    retry_deletions: RetryDeletions
    quota: LibraryQuota
    clean_up_calls: CleanUpCalls
    complete_phone_change: CompletePhoneChange
    clock: Clock

    async def __call__(self, report_progress: ReportProgress = report_nothing) -> CleanupReport:
        """Clean up until there is nothing left to do.

        Args:
            report_progress: Is called after each step that found something.

        Raises:
            StorageError
        """
        steps, pace = self._steps(), Pace()
        report = CleanupReport(dict.fromkeys(steps, 0))
        is_done = False
        while not is_done:
            due, is_done = steps, True
            while due:
                found: dict[str, _Step] = {}
                for name, step in due.items():
                    if count := await step(self.clock.now()):
                        found[name] = step
                        report[name] += count
                        report_progress(report)
                        await pace.pause()
                due, is_done = found, is_done and not found
        # The identities that were purged above may have recordings.
        report["deleted_recordings"] = await self.clean_up_calls.delete_recordings()
        ended_calls = await self.clean_up_calls.end_calls()
        report["deleted_calls"] = await self.clean_up_calls.delete_calls()
        report["ended_calls"] = ended_calls
        return report

    def _steps(self) -> Mapping[str, _Step]:
        """Return the steps in their order. An unverified identity is purged by the next round."""
        repositories = self.repositories
        return {
            "expired_uploads": self._mark_expired_uploads,
            "deleted_items": self._delete_items,
            "retried_deletions": lambda _: self.retry_deletions(),
            "completed_phone_changes": self._complete_phone_changes,
            "purged_identities": self._purge_identities,
            "released_usernames": self._release_usernames,
            "deleted_identities": self._delete_identities,
            "expired_phone_verifications": _expire(repositories.phone_verifications),
            "pruned_phone_verifications": lambda now: repositories.phone_verifications.prune(
                now, PRUNED_AT_ONCE
            ),
            # Another instance, whose clock is behind, still counts what expires now.
            "expired_rate_limits": _expire(repositories.limit_store, CLOCK_SKEW),
            "expired_attempts": _expire(repositories.unchallenged_attempts),
            "expired_attestations": _expire(repositories.used_attestations),
            "unfinished_files": self._delete_unfinished_files,
            "expired_delivery_reports": _expire(repositories.delivery_reports),
            "expired_idempotency_keys": _expire(repositories.idempotency_keys),
            "expired_phone_assignments": _expire(repositories.phone_assignments),
            "expired_audit_entries": _expire(repositories.audit_log),
            "expired_service_tokens": _expire(repositories.service_tokens),
            # One whose clock is behind may be alive.
            "expired_instances": _expire(repositories.instances, CLOCK_SKEW),
            "expired_costs": _expire(repositories.daily_costs),
            "expired_statistics": _expire(repositories.hourly_counts),
            "expired_console_sessions": _expire(repositories.console_sessions, CLOCK_SKEW),
            "corrected_usages": self._recount_due_usages,
        }

    async def _mark_expired_uploads(self, now: datetime) -> int:
        expired = await self.repositories.media_items.list_expired_uploads(now, BATCH_SIZE)
        return sum(await call_in_groups(self.mark_for_deletion, expired))

    async def _delete_items(self, now: datetime) -> int:
        requested_before = now - FILE_DELETION_DELAY
        items = await self.repositories.media_items.list_deleting(requested_before, BATCH_SIZE)
        # Whoever marked an item may have crashed before it was subtracted.
        await call_in_groups(self.quota.recount, [*{item.value.owner_id for item in items}])
        return sum(await call_in_groups(self._delete_item, items))

    async def _delete_item(self, item: Versioned[MediaItem]) -> bool:
        with suppress(MediaStorageUnavailable):
            await delete_files(self.media_files, item.value.storage_keys)
            return await self.repositories.media_items.delete(item.value.id, item.version)
        return False

    async def _recount_due_usages(self, _: datetime) -> int:
        due = await self.quota.list_due(BATCH_SIZE)
        return sum(await call_in_groups(self.quota.recount, due))

    async def _delete_identities(self, now: datetime) -> int:
        """Delete unverified identities, unless a call or a login is faster."""
        expired = await self.repositories.identities.list_expired(now, BATCH_SIZE)

        async def delete(loaded: Versioned[Identity]) -> bool:
            deleted = loaded.value.delete(now)
            return await self.repositories.identities.replace(deleted, loaded.version)

        return sum(await call_in_groups(delete, expired))

    async def _complete_phone_changes(self, now: datetime) -> int:
        identities = self.repositories.identities
        interrupted = await identities.list_phone_changes(now - RETRY_DELAY, BATCH_SIZE)

        async def complete(loaded: Versioned[Identity]) -> bool:
            with suppress(PhoneInUse, UndoNotPossible):
                await self.complete_phone_change(loaded.value.id)
            return True

        async def notify(assignments: Versioned[PhoneAssignments]) -> bool:
            await self.complete_phone_change.notify_new_number(assignments.value.id)
            return True

        completed = sum(await call_in_groups(complete, interrupted))
        due = await self.repositories.phone_assignments.list_due_notices(now, BATCH_SIZE)
        return completed + sum(await call_in_groups(notify, due))

    async def _purge_identities(self, now: datetime) -> int:
        deleted, pace = await self.repositories.identities.list_unpurged(PURGED_AT_ONCE), Pace()
        return sum([await self._purge(identity, now, pace) for identity in deleted])

    async def _purge(self, deleted: Versioned[Identity], now: datetime, pace: Pace) -> bool:
        identity = deleted.value
        while await self.mark_for_deletion.mark_some_of(identity.id):
            await pace.pause()  # it may have thousands of items
        await self.quota.forget(identity.id)
        await self.clean_up_calls.forget_identity(identity.id)

        def detach(verification: PhoneVerification) -> tuple[PhoneVerification, None]:
            if verification.identity_id != identity.id:
                return verification, None
            return verification.change_owner(None), None

        for phone in identity.all_phones:
            await update_phone_verification(self.repositories.phone_verifications, phone, detach)
        assignments = self.repositories.phone_assignments
        if (assigned := await assignments.load(identity.id)) is not None:
            await assignments.delete(identity.id, assigned.version)
        return await self.repositories.identities.replace(identity.purge(now), deleted.version)

    async def _release_usernames(self, now: datetime) -> int:
        due = await self.repositories.identities.list_with_username(
            now - USERNAME_HOLD_PERIOD, BATCH_SIZE
        )

        async def release(loaded: Versioned[Identity]) -> bool:
            released = loaded.value.release_username()
            return await self.repositories.identities.replace(released, loaded.version)

        return sum(await call_in_groups(release, due))

    async def _delete_unfinished_files(self, now: datetime) -> int:
        with suppress(MediaStorageUnavailable):
            return await self.media_files.delete_unfinished(now - FILE_DELETION_DELAY)
        return 0


class _Expiring(Protocol):
    async def delete_expired(self, now: datetime, limit: int) -> int: ...


def _expire(expiring: _Expiring, delay: timedelta = timedelta()) -> _Step:
    """Return the step that deletes what expired, after a delay."""
    return lambda now: expiring.delete_expired(now - delay, BATCH_SIZE)


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
