"""A snapshot has each user once, no receiver keeps a deleted one, and it can be continued."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Final

import pytest

from application.events import send_snapshot as module
from application.events.feature import EventsFeature
from application.events.send_snapshot import (
    SendSnapshot,
    SnapshotFailed,
    SnapshotPosition,
    SnapshotProgress,
    parse_position,
)
from application.ports.events import Event, EventRejected
from application.principal import Principal
from application.tasks import start_task
from domain.errors import InvalidValue
from domain.identities.user_events import EventType
from tests.support.app_harness import AppHarness
from tests.support.builders import a_phone, a_user, an_identity
from tests.support.fakes.destination import FakeDestination
from tests.support.waiting import wait_until

BACKEND: Final = "backend"
SNAPSHOT, DELETED = EventType.USER_SNAPSHOT, EventType.USER_DELETED
AWAY: Final = EventRejected("status 503")


class Observer:
    """Keeps what it is told, and stops the snapshot after so many reports of progress."""

    def __init__(self, reports: int | None = None) -> None:
        self.progress: list[SnapshotProgress] = []
        self.failures: list[tuple[str, float]] = []
        self.stop = asyncio.Event()
        self._reports = reports

    def on_progress(self, progress: SnapshotProgress) -> None:
        self.progress.append(progress)
        if len(self.progress) == self._reports:
            self.stop.set()

    def on_failure(self, _: str, reason: str, pause: float) -> None:
        self.failures.append((reason, pause))


@pytest.fixture
def backend() -> FakeDestination:
    return FakeDestination()


@pytest.fixture
def app(backend: FakeDestination) -> AppHarness:
    return AppHarness(destinations={BACKEND: backend})


def snapshot_of(app: AppHarness, *, with_phone: bool = False) -> SendSnapshot:
    return SendSnapshot(
        identities=app.database.repositories().identities,
        destination=app.destinations[BACKEND],
        clock=app.clock,
        with_phone=with_phone,
    )


async def send(
    app: AppHarness,
    observer: Observer | None = None,
    begin: SnapshotPosition | None = None,
    per_second: int = 50,
) -> SnapshotProgress:
    snapshot, observer = snapshot_of(app), observer or Observer()
    return await snapshot(begin or snapshot.begin(), per_second, observer, observer.stop)


async def add_users(app: AppHarness, count: int) -> list[Principal]:
    """Add users in the order of their ids, whose events are sent."""
    users = []
    for number in range(1, count + 1):
        users.append(await app.add_user(a_phone(number), f"user {number}"))
        app.advance(seconds=1)
    await app.use_cases.of(EventsFeature).send.send_due(BACKEND)
    destination = app.destinations[BACKEND]
    assert isinstance(destination, FakeDestination)
    destination.accepted.clear()
    destination.attempted.clear()
    return users


def last_event_id(app: AppHarness, user: Principal) -> str:
    identity = app.database.identities[user.identity.id].value
    return f"evt_{identity.id}_{identity.events.last_number}"


async def test_each_user_is_sent_with_the_last_event_and_others_are_not(
    app: AppHarness, backend: FakeDestination
) -> None:
    first, blocked, deleted = await add_users(app, 3)
    await app.identities.operator_actions.block(a_phone(2))
    await app.identities.delete_user(deleted)
    await app.log_in(a_phone(9))  # and makes no user
    imported = an_identity(id="f" * 24, phone=a_phone(10), user=a_user("Without an event"))
    await app.database.repositories().identities.add(imported)
    app.advance(seconds=1)
    snapshot, observer = snapshot_of(app, with_phone=True), Observer()
    begin = snapshot.begin()
    progress = await snapshot(begin, 50, observer, observer.stop)

    assert (progress.users, progress.deleted, progress.is_complete) == (3, 0, True)
    users = {first.identity.id: False, blocked.identity.id: True, imported.id: False}
    assert {event.user_id: event.is_blocked for event in backend.accepted} == users
    phones = [event.phone for event in backend.accepted]
    assert phones == [a_phone(number).e164 for number in (1, 2, 10)]
    last = [last_event_id(app, user) for user in (first, blocked)]
    assert [event.last_event_id for event in backend.accepted] == [*last, None]
    ids = [f"snp_{user_id}_{begin.began_at}" for user_id in users]
    assert [event.id for event in backend.accepted] == ids
    assert {event.type for event in backend.accepted} == {SNAPSHOT}


async def test_a_user_who_is_deleted_after_the_read_is_sent_as_deleted_too(
    app: AppHarness, backend: FakeDestination
) -> None:
    user, other = await add_users(app, 2)
    backend.gate = asyncio.Event()
    sending = start_task("send_snapshot", send(app))
    await wait_until(lambda: len(backend.attempted) == 2)
    await app.identities.delete_user(user)
    backend.gate.set()
    assert (await sending).deleted == 1

    assert {event.user_id for event in backend.accepted[:2]} == {
        user.identity.id,
        other.identity.id,
    }
    [deletion] = backend.accepted[2:]
    stored = app.database.identities[user.identity.id].value
    assert (deletion.id, deletion.type) == (last_event_id(app, user), DELETED)
    assert deletion.occurred_at == stored.deleted_at


async def test_a_snapshot_is_continued_and_has_who_was_deleted_since_it_began(
    app: AppHarness, backend: FakeDestination, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_BATCH_SIZE", 3)
    users = await add_users(app, 8)
    stopped = await send(app, Observer(reports=2), per_second=2)
    sent = [event.user_id for event in backend.accepted]
    assert (len(sent), stopped.is_complete) == (3, False)
    app.advance(seconds=1)
    gone = (users[0], users[6])
    await app.identities.delete_user(gone[0])
    await app.use_cases.of(EventsFeature).send.send_due(BACKEND)
    # Its process has recorded no event.
    silent = app.database.identities[gone[1].identity.id].value
    await app.identities.delete_user(gone[1])
    stored = app.database.identities[silent.id].value
    identities = app.database.repositories().identities
    loaded = await identities.load(silent.id)
    assert loaded is not None
    await identities.replace(replace(stored, events=silent.events), loaded.version)
    backend.accepted.clear()
    position = parse_position(str(stopped.position))
    assert position == stopped.position
    progress = await send(app, begin=position)

    of_type = {
        kind: [event.user_id for event in backend.accepted if event.type is kind]
        for kind in (SNAPSHOT, DELETED)
    }
    assert of_type[DELETED] == [user.identity.id for user in gone]
    assert sent + of_type[SNAPSHOT] == [user.identity.id for user in users if user not in gone[1:]]
    assert (progress.users, progress.deleted, progress.is_complete) == (4, 2, True)
    deletion = next(event for event in backend.accepted if event.user_id == silent.id)
    assert int(deletion.id.rpartition("_")[2]) > silent.events.last_number
    repeated = await send(app, begin=position)
    assert repeated.users == 4
    assert len({event.id for event in backend.accepted}) == 6


@pytest.mark.parametrize("text", ["", "1777627800000", "x-6561a2b0c3d4e5f60718293a", "1-1"])
def test_another_text_is_no_position(text: str) -> None:
    with pytest.raises(InvalidValue):
        parse_position(text)


async def test_requests_begin_at_the_rate(app: AppHarness, backend: FakeDestination) -> None:
    await add_users(app, 21)
    loop = asyncio.get_running_loop()
    began_at = loop.time()
    await send(app, per_second=5)
    assert 4 <= loop.time() - began_at < 6
    assert backend.most_at_once <= 5


async def test_a_destination_that_fails_gets_one_event_after_longer_pauses(
    app: AppHarness, backend: FakeDestination
) -> None:
    await add_users(app, 12)
    observer, attempts = Observer(), 0

    def fail(_: Event) -> EventRejected | None:
        nonlocal attempts
        attempts += 1
        if attempts > 14:
            return None
        return EventRejected("status 429", retry_after=90) if attempts == 13 else AWAY

    backend.rejects = fail
    progress = await send(app, observer)

    assert (progress.users, progress.is_complete) == (12, True)
    reasons = ["status 503"] * 3 + ["status 429", "status 503"]
    assert observer.failures == [*zip(reasons, [1, 2, 4, 90, 16], strict=True)]


@pytest.mark.parametrize(
    ("retry_after", "failures"), [(None, 9), (3600, 0)], ids=["of its own", "as it asks"]
)
async def test_a_snapshot_ends_if_nothing_is_accepted_for_minutes_and_can_be_continued(
    app: AppHarness, backend: FakeDestination, retry_after: int | None, failures: int
) -> None:
    users = await add_users(app, 12)
    rejected = users[10].identity.id
    error = EventRejected("status 503", retry_after=retry_after)
    backend.rejects = lambda event: error if event.user_id == rejected else None
    observer = Observer()
    with pytest.raises(SnapshotFailed) as failed:
        await send(app, observer)
    assert (failed.value.user_id, failed.value.reason) == (rejected, "status 503")
    assert failed.value.retry_after == (retry_after or 0)
    assert len(observer.failures) == failures

    backend.rejects = lambda _: None
    position = observer.progress[-1].position
    assert (await send(app, begin=position)).users == 2
    assert {event.user_id for event in backend.accepted} == {user.identity.id for user in users}
    # Without that user.
    assert (await send(app, begin=SnapshotPosition(position.began_at, rejected))).users == 1


async def test_it_stops_during_a_pause_and_between_the_accounts(
    app: AppHarness, backend: FakeDestination
) -> None:
    await add_users(app, 2)
    backend.rejects = lambda _: AWAY
    observer = Observer()
    loop = asyncio.get_running_loop()
    loop.call_later(20, observer.stop.set)
    progress = await send(app, observer)
    assert (progress.users, progress.is_complete) == (0, False)
    backend.rejects = lambda _: None
    assert not (await send(app, observer)).is_complete


async def test_who_is_a_user_again_is_no_deleted_one(
    app: AppHarness, backend: FakeDestination
) -> None:
    [user] = await add_users(app, 1)
    begin = snapshot_of(app).begin()
    identities = app.database.repositories().identities
    loaded = await identities.load(user.identity.id)
    assert loaded is not None
    detached = loaded.value.detach(app.clock.now() + timedelta(seconds=1))
    restored = detached.restore(app.clock.now())
    await identities.replace(restored, loaded.version)

    assert (await send(app, begin=begin)).deleted == 1
    assert backend.types == [DELETED]
