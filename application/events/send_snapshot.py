"""Send a snapshot: what is known of each user, to one destination."""

import asyncio
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Final, Protocol

from application.events.attempt import attempt
from application.events.send_events import PARALLEL_USERS, event_id
from application.pacing import Pace
from application.ports.events import Event, EventDestination, EventRejected
from application.ports.identities import Identities
from application.ports.system import Clock
from domain.errors import InvalidValue
from domain.identifier import NOBODY
from domain.identities.identity import Identity
from domain.identities.user_events import EventType

MAX_OUTAGE_SECONDS: Final = 300.0
"""A destination that accepts nothing for longer needs somebody: then the snapshot ends."""
_BATCH_SIZE: Final = 50
_FIRST_PAUSE: Final = 1.0
_MAX_PAUSE: Final = 60.0
_POSITION: Final = re.compile(r"([0-9]{13})-([0-9a-f]{24})")


@dataclass(frozen=True, slots=True)
class SnapshotPosition:
    """A snapshot, and how far it is. As a text, it is what continues the snapshot.

    Attributes:
        began_at: When the snapshot began, in milliseconds. It tells snapshots apart.
        user_id: The id of the last account that it has passed, in the order of ids.
    """

    began_at: int
    user_id: str = NOBODY

    def __str__(self) -> str:
        """Return the text that `parse_position` reads."""
        return f"{self.began_at}-{self.user_id}"


def parse_position(text: str) -> SnapshotPosition:
    """Parse the text of a position.

    Raises:
        InvalidValue
    """
    match = _POSITION.fullmatch(text)
    if match is None:
        raise InvalidValue("This is no position that a snapshot has printed.")
    return SnapshotPosition(int(match[1]), match[2])


@dataclass(frozen=True, slots=True)
class SnapshotProgress:
    """How far a snapshot is.

    Attributes:
        position: What continues it.
        accounts: How many accounts were read, also those that are no users.
        users: How many snapshots of users the destination has accepted, by this call.
        deleted: How many deletions of users it has accepted, by this call.
        is_complete: Whether it is done.
    """

    position: SnapshotPosition
    accounts: int = 0
    users: int = 0
    deleted: int = 0
    is_complete: bool = False


class SnapshotFailed(Exception):
    """The destination did not accept something for a long time, or asks for a longer pause.

    Attributes:
        user_id: Of which user.
        is_deletion: Whether it was the deletion, which no position leaves out.
        reason: What it responded last.
        retry_after: The seconds that it asks for; 0 if it does not say.
    """

    def __init__(self, event: Event, reason: str, retry_after: int) -> None:
        """Take what was not accepted, the last response and the pause."""
        super().__init__(reason)
        self.user_id = event.user_id
        self.is_deletion = event.type is EventType.USER_DELETED
        self.reason = reason
        self.retry_after = retry_after


class SnapshotObserver(Protocol):
    """Is told of a snapshot while it is sent."""

    def on_progress(self, progress: SnapshotProgress) -> None:
        """Show how far it is."""

    def on_failure(self, user_id: str, reason: str, pause: float) -> None:
        """Show that the destination did not accept something, and in how many seconds it is tried.

        Args:
            user_id: Of which user.
            reason: Why not.
            pause: The seconds.
        """


class _Stopped(Exception):
    pass


class _Rate:
    """Lets calls begin at a rate."""

    def __init__(self, per_second: int) -> None:
        self._interval = 1 / per_second
        self._next_at = 0.0

    async def wait(self) -> None:
        """Wait for the turn of a call."""
        now = asyncio.get_running_loop().time()
        turn_at = max(self._next_at, now)
        self._next_at = turn_at + self._interval
        await asyncio.sleep(turn_at - now)


@dataclass(frozen=True, slots=True, kw_only=True)
class SendSnapshot:
    """Send `user.snapshot` for each user to one destination, in the order of their ids.

    - It goes by the destination's port, not by the events that wait: these come meanwhile, and
      before or after the snapshot of a user. A snapshot has the id of the user's last event when it
      was read, so that a receiver can tell which is newer.
    - A user who was deleted since the snapshot began is sent as `user.deleted`, with the id that
      the event of the deletion has. After each group of snapshots their users are read again: who
      was deleted between the read and the request is sent so, in case that the event came first.
    - One that continues reads all accounts from the first on: those that it has passed are sent
      only if they were deleted since it began.
    - Users who are created meanwhile are sent, or have `user.created`, or both.
    - While the destination does not accept something, that is sent again, after a longer pause each
      time, at least as long as the destination says.

    Memory is bounded: a few accounts are read at a time. Nothing is written.
    """

    identities: Identities
    destination: EventDestination
    clock: Clock
    with_phone: bool = False

    def begin(self) -> SnapshotPosition:
        """Return the position of a new snapshot."""
        return SnapshotPosition(_to_number(self.clock.now()))

    async def __call__(
        self,
        begin: SnapshotPosition,
        per_second: int,
        observer: SnapshotObserver,
        stop: asyncio.Event,
    ) -> SnapshotProgress:
        """Send a snapshot from a position on, and return how far it came.

        Args:
            begin: The position.
            per_second: How many requests begin in a second, at most.
            observer: Is told of it.
            stop: Is set to end it after the requests that are under way.

        Raises:
            SnapshotFailed
            StorageError
            CorruptRecord: Many accounts cannot be read. A few are left out, and the log says so.
        """
        run = _Run(self, begin, _Rate(per_second), observer, stop)
        with suppress(_Stopped):
            await run.send_all(min(PARALLEL_USERS, per_second))
        return run.progress


class _Run:
    """A call that sends a snapshot."""

    def __init__(
        self,
        snapshot: SendSnapshot,
        begin: SnapshotPosition,
        rate: _Rate,
        observer: SnapshotObserver,
        stop: asyncio.Event,
    ) -> None:
        self._snapshot = snapshot
        self._begin = begin
        self._rate = rate
        self._observer = observer
        self._stop = stop
        self.progress = SnapshotProgress(begin)

    async def send_all(self, group_size: int) -> None:
        last_id, list_by_id = NOBODY, self._snapshot.identities.list_by_id
        while True:
            pace = Pace()
            if not (found := await list_by_id(last_id, _BATCH_SIZE)):
                break
            await pace.pause()
            accounts = [loaded.value for loaded in found]
            last_id = accounts[-1].id
            for start in range(0, len(accounts), group_size):
                await self._send_group(accounts[start : start + group_size])
        self.progress = replace(self.progress, is_complete=True)

    async def _send_group(self, accounts: Sequence[Identity]) -> None:
        """Send what is to be sent of some accounts; then they are passed."""
        if self._stop.is_set():
            raise _Stopped
        snapshots = [
            self._to_snapshot(account)
            for account in accounts
            if account.is_user and account.id > self._begin.user_id
        ]
        deleted = [account for account in accounts if self._was_deleted_since(account)]
        events = [*snapshots, *map(self._to_deletion, deleted)]
        await self._send(sorted(events, key=attrgetter("user_id")))
        load = self._snapshot.identities.load
        loaded = await asyncio.gather(*(load(event.user_id) for event in snapshots))
        deleted_now = [each.value for each in loaded if each and not each.value.is_user]
        await self._send([*map(self._to_deletion, deleted_now)])
        progress, last_id = self.progress, accounts[-1].id
        position = replace(self._begin, user_id=max(last_id, self._begin.user_id))
        self.progress = SnapshotProgress(
            position,
            progress.accounts + len(accounts),
            progress.users + len(snapshots),
            progress.deleted + len(deleted) + len(deleted_now),
        )
        self._observer.on_progress(self.progress)

    async def _send(self, events: Sequence[Event]) -> None:
        """Send events until all are accepted."""
        loop = asyncio.get_running_loop()
        waiting, failing_since, pause = list(events), None, 0.0
        while waiting:
            # If some failed, one is tried before the others.
            tried = waiting if failing_since is None else waiting[:1]
            is_failing = failing_since is not None
            errors = await asyncio.gather(*(self._attempt(event, is_failing) for event in tried))
            rejected = [(event, error) for event, error in zip(tried, errors, strict=True) if error]
            waiting = [*(event for event, _ in rejected), *waiting[len(tried) :]]
            if len(rejected) < len(tried):
                failing_since, pause = None, 0.0
            if not rejected:
                continue
            now = loop.time()
            failing_since = now if failing_since is None else failing_since
            pause = min(pause * 2 or _FIRST_PAUSE, _MAX_PAUSE)
            event, error = rejected[0]
            retry_after = max(each.retry_after or 0 for _, each in rejected)
            wait = max(pause, retry_after)
            if now + wait > failing_since + MAX_OUTAGE_SECONDS:
                raise SnapshotFailed(event, str(error), retry_after)
            self._observer.on_failure(event.user_id, str(error), wait)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), wait)
            if self._stop.is_set():
                raise _Stopped

    async def _attempt(self, event: Event, is_failing: bool) -> EventRejected | None:
        await self._rate.wait()
        return await attempt(self._snapshot.destination, event, is_failing=is_failing)

    def _to_snapshot(self, account: Identity) -> Event:
        number = account.events.last_number
        return Event(
            id=f"snp_{account.id}_{self._begin.began_at}",
            type=EventType.USER_SNAPSHOT,
            occurred_at=self._snapshot.clock.now(),
            user_id=account.id,
            phone=self._phone_of(account),
            last_event_id=event_id(account.id, number) if number else None,
            is_blocked=account.is_blocked,
        )

    def _to_deletion(self, account: Identity) -> Event:
        """Return the deletion of a user, as it was or would have been recorded."""
        number = _deletion_number(account)
        return Event(
            id=event_id(account.id, number),
            type=EventType.USER_DELETED,
            occurred_at=datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=number),
            user_id=account.id,
            phone=self._phone_of(account),
        )

    def _phone_of(self, account: Identity) -> str | None:
        return account.phone.e164 if account.phone and self._snapshot.with_phone else None

    def _was_deleted_since(self, account: Identity) -> bool:
        """Return whether a user was deleted since the snapshot began."""
        was_user = account.user is not None or account.events.last_number > 0
        is_deleted = was_user and not account.is_user
        return is_deleted and _deletion_number(account) >= self._begin.began_at


def _deletion_number(account: Identity) -> int:
    """Return the number of the event of a deletion.

    It is the last one. A process without destinations has not recorded it: then it is what it would
    have been.
    """
    ended_at = account.deleted_at or account.detached_at
    return max(account.events.last_number, _to_number(ended_at) if ended_at else 0)


def _to_number(time: datetime) -> int:
    return int(time.timestamp() * 1000)
