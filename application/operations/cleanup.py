"""Delete what is over: by command, and on a schedule that all instances share."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from application.pacing import Pace, call_in_groups
from application.ports.repositories import Leases, Repositories
from application.ports.system import Clock
from application.ports.versioned import Expiring, Versioned
from application.update import change
from domain.identities.identity import USERNAME_RESERVATION, Identity
from domain.otp.phone_verification import PhoneVerification
from domain.otp.sliding_window import CLOCK_SKEW

BATCH_SIZE: Final = 200
PRUNED_AT_ONCE: Final = 50
"""The event loop is busy with each for up to a tenth of a millisecond."""
PURGED_AT_ONCE: Final = 20
"""Each identity may have much that a feature deletes."""
LEASE_NAME: Final = "cleanup"
REFUSED_DELETIONS: Final = "refused_deletions"
"""In the report: how many have files that could not be deleted. They are tried again."""


CleanupReport = Counter[str]
"""How many of each kind were cleaned up."""
ReportCleanup = Callable[[CleanupReport], None]
"""Is told of what was cleaned up so far, after each step."""
CleanupStep = Callable[[datetime], Awaitable[int]]
"""Cleans up a number of one kind, at most some hundred, and returns how many there were."""
FinalCleanup = Callable[[], Awaitable[Mapping[str, int]]]
"""Cleans up what is tried once in each cleanup, and returns how many of each kind there were."""
ForgetIdentity = Callable[[str], Awaitable[None]]
"""Deletes what a feature has of an identity that was deleted."""


def report_no_progress(_: CleanupReport) -> None:
    """Report no progress."""


class Cleanup:
    """Delete what nothing shows anymore. It is harmless at any time and however often it runs.

    - What features have of a deleted identity is deleted, and then its phone is detached. An
      interrupted cleanup is continued by the next.
    - An unverified identity is deleted 90 days after its last call.
    - A deleted identity forgets the challenges that it has used when they expire.
    - A username is released 30 days after its identity was deleted.
    - A phone verification is deleted when it no longer counts. So are the client IPs in one that
      is kept, and a delivery report after a day.
    - An audit entry is deleted after 400 days.
    - Each feature adds the steps for its own records.

    It is done in steps of up to 200 records. After each one there is a pause of the same length, so
    that requests do not wait. What a killed cleanup has not done, the next one does.
    """

    def __init__(self, repositories: Repositories, clock: Clock) -> None:
        self._repositories = repositories
        self._clock = clock
        self._steps: dict[str, CleanupStep] = {}
        self._final: list[FinalCleanup] = []
        self._forget_identity: list[ForgetIdentity] = []
        self._core_steps: Mapping[str, CleanupStep] = {
            "purged_identities": self._purge_identities,
            "released_usernames": self._release_usernames,
            "expired_identities": self._expire_identities,
            "expired_phone_verifications": expire(repositories.phone_verifications),
            "pruned_phone_verifications": self._prune_verifications,
            "expired_delivery_reports": expire(repositories.delivery_reports),
            "expired_audit_entries": expire(repositories.audit_log),
            # One whose clock is behind may be alive.
            "expired_instances": expire(repositories.instances, CLOCK_SKEW),
        }

    def add_steps(self, steps: Mapping[str, CleanupStep]) -> None:
        """Add steps, which are taken before those of the core."""
        self._steps.update(steps)

    def add_final(self, final: FinalCleanup) -> None:
        """Add what is done once, after all steps."""
        self._final.append(final)

    def on_purge(self, forget_identity: ForgetIdentity) -> None:
        """Add what is done for each deleted identity, before its phone is detached."""
        self._forget_identity.append(forget_identity)

    async def __call__(self, report_progress: ReportCleanup = report_no_progress) -> CleanupReport:
        """Clean up until there is nothing left to do."""
        # An unverified identity is purged by the next round.
        steps, pace = {**self._steps, **self._core_steps}, Pace()
        report = CleanupReport(dict.fromkeys(steps, 0))
        is_done = False
        while not is_done:
            due, is_done = steps, True
            while due:
                found: dict[str, CleanupStep] = {}
                for name, step in due.items():
                    if count := await step(self._clock.now()):
                        found[name] = step
                        report[name] += count
                        report_progress(report)
                        await pace.pause()
                due, is_done = found, is_done and not found
        for final in self._final:
            report.update(await final())
        return report

    async def _expire_identities(self, now: datetime) -> int:
        """Delete unverified identities, unless a call or a login is faster."""
        due = await self._repositories.identities.list_expired(now, BATCH_SIZE)

        async def expire_identity(loaded: Versioned[Identity]) -> bool:
            identity = loaded.value
            expired = identity.keep_remains(now) if identity.is_deleted else identity.delete(now)
            return await self._repositories.identities.replace(expired, loaded.version)

        return sum(await call_in_groups(expire_identity, due))

    async def _purge_identities(self, now: datetime) -> int:
        due = await self._repositories.identities.list_unpurged(PURGED_AT_ONCE)
        return sum([await self._purge(identity, now) for identity in due])

    async def _purge(self, deleted: Versioned[Identity], now: datetime) -> bool:
        identity = deleted.value
        for forget_identity in self._forget_identity:
            await forget_identity(identity.id)

        def detach(verification: PhoneVerification) -> tuple[PhoneVerification, None]:
            if verification.identity_id != identity.id:
                return verification, None
            return verification.change_owner(None), None

        for phone in identity.all_phones:
            await change(self._repositories.phone_verifications, phone, detach)
        return await self._repositories.identities.replace(identity.purge(now), deleted.version)

    async def _release_usernames(self, now: datetime) -> int:
        due = await self._repositories.identities.list_with_username(
            now - USERNAME_RESERVATION, BATCH_SIZE
        )

        async def release(loaded: Versioned[Identity]) -> bool:
            released = loaded.value.release_username()
            return await self._repositories.identities.replace(released, loaded.version)

        return sum(await call_in_groups(release, due))

    async def _prune_verifications(self, now: datetime) -> int:
        return await self._repositories.phone_verifications.prune(now, PRUNED_AT_ONCE)


def expire(expiring: Expiring, delay: timedelta = timedelta()) -> CleanupStep:
    """Return the step that deletes what expired, after a delay."""
    return lambda now: expiring.delete_expired(now - delay, BATCH_SIZE)


@dataclass(frozen=True, slots=True)
class ScheduledCleanup:
    """Run the cleanup once in each interval, in one of all instances on a database.

    The instance that acquires the lease runs the cleanup. The lease is not released but expires
    after the interval. So an instance that hangs or crashes delays the next cleanup by at most
    one interval, without an election of a leader.
    """

    cleanup: Cleanup
    leases: Leases
    clock: Clock

    async def __call__(self, interval: timedelta) -> CleanupReport | None:
        """Run the cleanup if it is due, and return None if it is not."""
        now = self.clock.now()
        if not await self.leases.acquire(LEASE_NAME, now, now + interval):
            return None
        return await self.cleanup()
