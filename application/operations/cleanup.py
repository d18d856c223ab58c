"""Delete what is over: by command, and on a schedule that all instances share."""

import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Generic, Protocol, TypeVar

from application.operations.check_readiness import CheckedPart
from application.pacing import PARALLEL_WRITES, Pace, call_in_groups
from application.ports.errors import ERRORS_OF_RECORDS, CorruptRecord, PortError
from application.ports.repositories import Leases, Repositories
from application.ports.system import Clock
from application.ports.versioned import Expiring, Versioned
from application.update import change
from domain.identities.identity import USERNAME_RESERVATION, Identity
from domain.otp.phone_verification import PhoneVerification
from domain.otp.sliding_window import CLOCK_SKEW


class _RecordWithId(Protocol):
    @property
    def id(self) -> str: ...


T = TypeVar("T", bound=_RecordWithId)

BATCH_SIZE: Final = 200
PRUNED_AT_ONCE: Final = 50
"""The event loop is busy with each for up to a tenth of a millisecond."""
PURGED_AT_ONCE: Final = 20
"""Each identity may have much that a feature deletes."""
LEASE_NAME: Final = "cleanup"
REFUSED_DELETIONS: Final = "refused_deletions"
"""In the report: items whose files could not be deleted. They are tried again."""


CleanupReport = Counter[str]
"""How many of each kind were cleaned up."""
ReportCleanup = Callable[[CleanupReport], None]
"""Is told of what was cleaned up so far, after each step."""
CleanupStep = Callable[[datetime], Awaitable[int]]
"""Cleans up a number of one kind, at most some hundred, and returns how many there were."""
FinalCleanup = Callable[[], Awaitable[int]]
"""Cleans up what is tried once in each cleanup, and returns how many there were."""
OnPurge = Callable[[str], Awaitable[None]]
"""Deletes what a feature has of an identity that was deleted."""


_log = logging.getLogger(__name__)


class CleanupIncomplete(PortError):
    """Steps of a cleanup failed. The next one tries them again.

    Attributes:
        report: What was cleaned up nevertheless.
    """

    def __init__(self, failed_steps: Sequence[str], report: CleanupReport) -> None:
        names = ", ".join(name.replace("_", " ") for name in failed_steps)
        super().__init__(
            f"these steps of the cleanup failed: {names}; cleanup_step_failed says why"
        )
        self.report = report


@dataclass(slots=True)
class EachDue(Generic[T]):
    """A step that does its work for each of a batch of records.

    A record is skipped if its work meets one that cannot be read, or that the database does not
    accept. The log has an event for it, once. If all of a batch are skipped, the step goes on
    behind them.

    Attributes:
        list_due: Returns the next batch at this time, after an offset.
        work: Returns False if another write was faster.
    """

    list_due: Callable[[datetime, int], Awaitable[Sequence[Versioned[T]]]]
    work: Callable[[Versioned[T], datetime], Awaitable[bool]]
    parallel: int = PARALLEL_WRITES
    _known: set[tuple[str, str]] = field(default_factory=set)

    async def __call__(self, now: datetime) -> int:
        async def try_work(due: Versioned[T]) -> bool:
            try:
                return await self.work(due, now)
            except ERRORS_OF_RECORDS as error:
                self._log(due.value.id, str(error))
                return False

        done = offset = 0
        while not done and (batch := await self.list_due(now, offset)):
            done = sum(await call_in_groups(try_work, batch, self.parallel))
            offset += len(batch)
        return done

    def _log(self, record_id: str, reason: str) -> None:
        if (record_id, reason) not in self._known:
            self._known.add((record_id, reason))
            _log.warning(
                {"event": "record_not_cleaned_up", "record_id": record_id, "reason": reason}
            )


def report_no_progress(_: CleanupReport) -> None:
    """Report no progress."""


@dataclass(frozen=True, kw_only=True)
class OperationsAdditions:
    """What features add to the cleanup and to the readiness.

    Attributes:
        cleanup_steps: They are taken before those of the core.
        final_cleanups: What is done once, after all steps, by its name in the log.
        on_purge: What is done for each deleted identity, before its phone is detached.
        checked_parts: What has to work, by its name in the answer.
    """

    cleanup_steps: Mapping[str, CleanupStep] = field(default_factory=dict)
    final_cleanups: Mapping[str, FinalCleanup] = field(default_factory=dict)
    on_purge: Sequence[OnPurge] = ()
    checked_parts: Mapping[str, CheckedPart] = field(default_factory=dict)


class Cleanup:
    """Delete what is no longer shown. It is harmless at any time and however often it runs.

    - What features have of a deleted identity is deleted, and then its phone is detached. An
      interrupted cleanup is continued by the next.
    - An unverified identity is deleted 90 days after its last call.
    - A deleted identity forgets the challenges that it has used when they expire.
    - A username is released 30 days after its identity was deleted.
    - A phone verification is deleted when it no longer counts, as are client IPs in one that is
      kept. A delivery report is deleted after a day.
    - An audit entry is deleted after 400 days.
    - Each feature adds the steps for its own records.

    It is done in steps of up to 200 records. After each one there is a pause of the same length, so
    that requests do not wait. If a cleanup is killed, the next one goes on. A record that
    cannot be read is skipped, and a step that fails does not stop the others.
    """

    def __init__(
        self, repositories: Repositories, clock: Clock, additions: OperationsAdditions
    ) -> None:
        self._repositories = repositories
        self._clock = clock
        self._additions = additions
        identities = repositories.identities
        self._steps: Mapping[str, CleanupStep] = {
            **additions.cleanup_steps,
            "purged_identities": EachDue(
                lambda _, offset: identities.list_unpurged(PURGED_AT_ONCE, offset),
                self._purge,
                parallel=1,
            ),
            "released_usernames": EachDue(
                lambda now, offset: identities.list_with_username(
                    now - USERNAME_RESERVATION, BATCH_SIZE, offset
                ),
                self._release_username,
            ),
            "expired_identities": EachDue(
                lambda now, offset: identities.list_expired(now, BATCH_SIZE, offset),
                self._expire,
            ),
            "expired_phone_verifications": expire(repositories.phone_verifications),
            "pruned_phone_verifications": self._prune_verifications,
            "expired_delivery_reports": expire(repositories.delivery_reports),
            "expired_audit_entries": expire(repositories.audit_log),
            # A worker whose clock is behind may still run.
            "expired_instances": expire(repositories.instances, CLOCK_SKEW),
        }

    async def __call__(self, report_progress: ReportCleanup = report_no_progress) -> CleanupReport:
        """Clean up until there is nothing left to do.

        Raises:
            CleanupIncomplete: Steps failed. All others are done.
        """
        # An unverified identity is purged by the next round.
        steps, pace = self._steps, Pace()
        report, failed = CleanupReport(dict.fromkeys(steps, 0)), list[str]()
        is_done = False
        while not is_done:
            due, is_done = steps, True
            while due:
                found: dict[str, CleanupStep] = {}
                for name, step in due.items():
                    try:
                        count = await step(self._clock.now())
                    except Exception as error:  # noqa: BLE001 -- others have to go on
                        _log_failure(name, error)
                        failed.append(name)
                        continue
                    if count:
                        found[name] = step
                        report[name] += count
                        report_progress(report)
                        await pace.pause()
                due, is_done = found, is_done and not found
            steps = {name: step for name, step in steps.items() if name not in failed}
        for name, final in self._additions.final_cleanups.items():
            try:
                report[name] += await final()
            except Exception as error:  # noqa: BLE001 -- others have to go on
                _log_failure(name, error)
                failed.append(name)
        if failed:
            raise CleanupIncomplete(failed, report)
        return report

    async def _expire(self, loaded: Versioned[Identity], now: datetime) -> bool:
        """Delete an unverified identity, unless a call or a login is faster."""
        identity = loaded.value
        expired = identity.erase_details(now) if identity.is_deleted else identity.delete(now)
        return await self._repositories.identities.replace(expired, loaded.version)

    async def _purge(self, deleted: Versioned[Identity], now: datetime) -> bool:
        """Delete what features have of an identity; then detach its phone.

        Raises:
            CorruptRecord, OperationRejected: Of one of its records. All else is deleted.
        """
        identity, failure = deleted.value, None
        for forget in self._additions.on_purge:
            try:
                await forget(identity.id)
            except ERRORS_OF_RECORDS as error:
                failure = error
        if failure is not None:
            raise failure

        def detach(verification: PhoneVerification) -> tuple[PhoneVerification, None]:
            if verification.identity_id != identity.id:
                return verification, None
            return verification.change_owner(None), None

        for phone in identity.all_phones:
            await change(self._repositories.phone_verifications, phone, detach)
        return await self._repositories.identities.replace(identity.purge(now), deleted.version)

    async def _release_username(self, loaded: Versioned[Identity], _: datetime) -> bool:
        released = loaded.value.release_username()
        return await self._repositories.identities.replace(released, loaded.version)

    async def _prune_verifications(self, now: datetime) -> int:
        return await self._repositories.phone_verifications.prune(now, PRUNED_AT_ONCE)


def _log_failure(step: str, error: Exception) -> None:
    """Log why a step failed: a warning for what is known, an error for a bug."""
    fields = {"event": "cleanup_step_failed", "step": step}
    if isinstance(error, PortError):
        _log.warning({**fields, "reason": str(error)})
    else:  # its text may have anything
        _log.error(fields, exc_info=error)


def expire(expiring: Expiring, delay: timedelta = timedelta()) -> CleanupStep:
    """Return the step that deletes what expired, after a delay."""
    return lambda now: expiring.delete_expired(now - delay, BATCH_SIZE)


@dataclass(frozen=True, slots=True)
class ScheduledCleanup:
    """Run the cleanup once in each interval, in one of all instances on a database.

    The instance that acquires the lease runs the cleanup. The lease is not released but expires
    after the interval. So an instance that hangs or crashes delays the next cleanup by at most
    one interval, without an election of a leader. While the lease cannot be read, each instance
    runs it, and its end says so.
    """

    cleanup: Cleanup
    leases: Leases
    clock: Clock

    async def __call__(self, interval: timedelta) -> CleanupReport | None:
        """Run the cleanup if it is due, and return None if it is not; raises CleanupIncomplete."""
        now = self.clock.now()
        try:
            if not await self.leases.acquire(LEASE_NAME, now, now + interval):
                return None
        except CorruptRecord as error:
            _log_failure("lease", error)
            raise CleanupIncomplete(["lease"], await self.cleanup()) from None
        return await self.cleanup()
