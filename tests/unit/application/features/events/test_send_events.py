"""Each act of or for a user makes its event, and events are sent at least once and in order."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

import pytest

from application.features.events import send_events as module
from application.features.events.feature import EventsFeature
from application.features.events.ports import Event, EventRejected
from application.features.events.send_events import LEASE_PERIOD, PARALLEL_USERS, SentEvents
from application.principal import Principal
from domain.identities.external_id import ExternalId
from domain.identities.role import Role
from domain.identities.user_events import EventType
from domain.identities.username import parse_username
from tests.support.app_harness import AppHarness, make_policy
from tests.support.at_each_operation import Act, Fault, at_each_operation
from tests.support.builders import a_phone
from tests.support.fakes.destination import FakeDestination
from tests.unit.application.features.phone_change.phone_changes import change_phone

BACKEND, OTHER = "backend", "other"
CREATED, UPDATED, DELETED = (
    EventType.USER_CREATED,
    EventType.USER_UPDATED,
    EventType.USER_DELETED,
)
BLOCKED, UNBLOCKED = EventType.USER_BLOCKED, EventType.USER_UNBLOCKED
AWAY: Final = EventRejected("status 503")

UserAct = Callable[[AppHarness, Principal], Awaitable[object]]


@pytest.fixture
def backend() -> FakeDestination:
    return FakeDestination()


@pytest.fixture
def other() -> FakeDestination:
    return FakeDestination()


@pytest.fixture
def app(backend: FakeDestination) -> AppHarness:
    return AppHarness(destinations={BACKEND: backend})


@pytest.fixture
def both(backend: FakeDestination, other: FakeDestination) -> AppHarness:
    return AppHarness(destinations={BACKEND: backend, OTHER: other})


async def send(app: AppHarness, name: str = BACKEND) -> SentEvents:
    return await app.use_cases.of(EventsFeature).send.send_due(name)


async def send_until_settled(app: AppHarness) -> None:
    while (await send(app)).accepted:
        pass


async def add_users(app: AppHarness, count: int) -> list[Principal]:
    return [await app.add_user(a_phone(n), f"user {n}") for n in range(1, count + 1)]


def restart(app: AppHarness, **options: object) -> AppHarness:
    """Return the same service as another process has it."""
    kept = {
        "faults": app.faults,
        "database": app.database,
        "messenger": app.messenger,
        "clock": app.clock,
        "randomness": app.randomness,
        "destinations": app.destinations,
    }
    return AppHarness(**{**kept, **options})  # type: ignore[arg-type]


async def rename(app: AppHarness, user: Principal) -> None:
    await app.identities.rename_user(user, parse_username("Another name"))


async def promote_twice(app: AppHarness, user: Principal) -> None:
    for _ in range(2):
        await app.identities.operator_actions.change_role(user.identity.id, Role.ADMINISTRATOR)
        await send_until_settled(app)


async def block(app: AppHarness, _: Principal) -> None:
    await app.identities.operator_actions.block(a_phone())


async def unblock(app: AppHarness, _: Principal) -> None:
    await app.identities.operator_actions.unblock(a_phone())


async def block_and_unblock(app: AppHarness, user: Principal) -> None:
    for act in (block, block, unblock, unblock):
        await act(app, user)


ACTS: Final[dict[str, tuple[UserAct, list[EventType]]]] = {
    "rename": (rename, [UPDATED]),
    "rename to the same": (
        lambda app, user: app.identities.rename_user(user, parse_username("Rahul Sharma")),
        [],
    ),
    "promote twice": (promote_twice, [UPDATED]),
    "set the external id": (
        lambda app, user: app.identities.operator_actions.set_external_id(
            user.identity.id, ExternalId("auth0|1")
        ),
        [UPDATED],
    ),
    "block and unblock, each twice": (block_and_unblock, [BLOCKED, UNBLOCKED]),
    "delete": (lambda app, user: app.identities.delete_user(user), [DELETED]),
    "change the number": (
        lambda app, user: change_phone(app, user, a_phone(2)),
        [EventType.PHONE_CHANGED],
    ),
}


@pytest.mark.parametrize(("act", "types"), ACTS.values(), ids=ACTS)
async def test_an_act_makes_its_event(
    app: AppHarness, backend: FakeDestination, act: UserAct, types: list[EventType]
) -> None:
    user = await app.add_user()
    await act(app, user)
    await send_until_settled(app)

    assert backend.types == [CREATED, *types]
    assert {event.user_id for event in backend.accepted} == {user.identity.id}
    assert backend.accepted[0].occurred_at <= app.clock.now()
    assert await send(app) == SentEvents()


async def test_the_phone_is_sent_only_if_the_operator_wants_it(
    app: AppHarness, backend: FakeDestination
) -> None:
    user = await app.add_user()
    await send(app)
    with_phone = restart(app, policy=make_policy(events_with_phone=True))
    await rename(with_phone, user)
    await send(with_phone)

    assert [event.phone for event in backend.accepted] == [None, a_phone().e164]


async def test_after_a_kill_at_any_step_every_event_is_sent_in_order() -> None:
    async def start() -> tuple[AppHarness, Act, FakeDestination, Principal]:
        backend = FakeDestination()
        app = AppHarness(destinations={BACKEND: backend})
        user = await app.add_user()
        await block(app, user)

        async def send_all() -> None:
            await send(app)
            await unblock(app, user)
            await send(app)

        return app, send_all, backend, user

    async for app, _, backend, user in at_each_operation(start, Fault.KILLED, Fault.LOST):
        survivor = restart(app)
        await unblock(survivor, user)
        await send_until_settled(survivor)

        distinct = {event.id: event.type for event in backend.accepted}
        assert [*distinct.values()] == [CREATED, BLOCKED, UNBLOCKED]


async def test_one_process_sends_and_another_takes_over_after_a_kill_or_a_stop(
    app: AppHarness, backend: FakeDestination
) -> None:
    send_now = app.use_cases.of(EventsFeature).send
    send_of_other = restart(app).use_cases.of(EventsFeature).send
    assert await send_now() == {BACKEND: SentEvents()}
    assert await send_of_other() is None
    assert await send_now() == {BACKEND: SentEvents()}  # it goes on without a break
    await app.add_user()
    app.advance(seconds=LEASE_PERIOD.total_seconds())
    assert await send_of_other() == {BACKEND: SentEvents(accepted=1)}
    await send_now.release()  # it has none
    assert await send_now() is None
    await send_of_other.release()
    assert await send_now() is not None
    assert backend.types == [CREATED]


async def test_a_destination_that_hangs_delays_no_other(
    both: AppHarness, backend: FakeDestination, other: FakeDestination
) -> None:
    await add_users(both, 12)
    backend.gate = asyncio.Event()
    loop = asyncio.get_running_loop()
    sending, started = asyncio.create_task(both.use_cases.of(EventsFeature).send()), loop.time()
    await asyncio.sleep(1)  # of the loop's time
    assert len(other.accepted) == 12
    user = await both.add_user(a_phone(13), "late")
    await asyncio.sleep(1)  # of the loop's time
    assert other.accepted[-1].user_id == user.identity.id

    sent = await sending
    assert sent is not None
    assert (sent[BACKEND].accepted, sent[BACKEND].reason) == (0, "no response in time")
    assert backend.most_at_once == module.PARALLEL_USERS
    assert loop.time() - started < LEASE_PERIOD.total_seconds()


async def test_a_destination_that_fails_is_paused_longer_each_time_and_tried_again(
    app: AppHarness, backend: FakeDestination
) -> None:
    await add_users(app, 12)
    backend.rejects = lambda _: AWAY
    assert (await send(app)).failed == PARALLEL_USERS
    assert (await send(app)).failed == 0
    attempts = []
    for seconds in (9, 1, 19, 1):
        app.advance(seconds=seconds)
        attempts.append((await send(app)).failed > 0)
    assert attempts == [False, True, False, True]
    app.advance(minutes=5)
    backend.rejects = lambda _: None
    for _ in range(5):
        app.advance(minutes=5)
        await send(app)
    assert len({event.user_id for event in backend.accepted}) == 12


async def test_the_deletion_of_a_user_is_sent_after_the_purge_too(
    app: AppHarness, backend: FakeDestination
) -> None:
    user = await app.add_user()
    await send(app)
    await app.identities.delete_user(user)
    assert (await app.operations.cleanup())["purged_identities"] == 1
    with_phone = restart(app, policy=make_policy(events_with_phone=True))
    await send(with_phone)

    assert (backend.types, backend.accepted[-1].phone) == ([CREATED, DELETED], None)


async def test_what_waits_is_counted_and_measured(
    app: AppHarness, backend: FakeDestination
) -> None:
    events = app.use_cases.of(EventsFeature).send
    assert await events.measure_delay() == timedelta()
    await add_users(app, 3)
    app.advance(seconds=7)
    assert await events.measure_delay() >= timedelta(seconds=7)
    backend.rejects = lambda _: AWAY
    await send(app)
    assert await events.measure_delay() == timedelta()
    assert await events.count_waiting_users(BACKEND, 9) == 3
    assert await events.count_waiting_users(BACKEND, 2) == 2


async def test_an_event_of_an_own_destination_may_fail_in_any_way(
    app: AppHarness, backend: FakeDestination, caplog: pytest.LogCaptureFixture
) -> None:
    await app.add_user()
    errors: list[BaseException] = [SystemExit(1), EventRejected(), TimeoutError()]

    def fail(_: Event) -> BaseException:
        return errors.pop(0)

    backend.rejects, reasons = fail, []
    while errors:
        reasons.append((await send(app)).reason)
        [kept] = app.database.identities.values()
        assert kept.value.events.progress_of(BACKEND).failure_reason == reasons[-1]
        app.advance(hours=1)

    assert reasons == ["failed with SystemExit", "it was rejected", "no response in time"]
    raised = [line for line in caplog.records if line.exc_info]
    assert [line.msg for line in raised] == [{"event": "event_destination_failed"}]
