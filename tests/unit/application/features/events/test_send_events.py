"""Each act of or for a user makes its event, and events are sent at least once and in order."""

import asyncio
from dataclasses import replace
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


async def send_to_both(app: AppHarness) -> None:
    for name in (OTHER, BACKEND):
        await send(app, name)


async def send_until_settled(app: AppHarness) -> None:
    while (await send(app)).accepted:
        pass


async def add_users(app: AppHarness, count: int) -> list[Principal]:
    return [await app.add_user(a_phone(n), f"user {n}") for n in range(1, count + 1)]


async def block(app: AppHarness) -> None:
    await app.identities.operator_actions.block(a_phone())


async def test_each_act_makes_its_event_once(app: AppHarness, backend: FakeDestination) -> None:
    user = await app.add_user()
    act, by_owner = app.identities.operator_actions, app.identities
    await app.create_user(user)
    for name in ("Rahul Sharma", "Another name"):
        await by_owner.rename_user(user, parse_username(name))
    await send_until_settled(app)
    for _ in range(2):
        await act.change_role(user.identity.id, Role.ADMINISTRATOR)
        await send_until_settled(app)
    await act.set_external_id(user.identity.id, ExternalId("auth0|1"))
    for do in (act.block, act.block, act.unblock, act.unblock, act.revoke_sessions):
        await do(a_phone())
    signed_in = await app.log_in()
    await change_phone(app, signed_in, a_phone(2))
    await by_owner.delete_user(signed_in)
    await send_until_settled(app)

    assert backend.types == [
        CREATED, UPDATED, UPDATED, UPDATED, BLOCKED, UNBLOCKED, EventType.PHONE_CHANGED, DELETED
    ]  # fmt: skip
    assert {event.user_id for event in backend.accepted} == {user.identity.id}
    assert backend.accepted[0].occurred_at <= app.clock.now()
    assert await send(app) == SentEvents()


async def test_the_phone_is_sent_only_if_the_operator_wants_it_and_the_purge_comes_first(
    app: AppHarness, backend: FakeDestination
) -> None:
    user = await app.add_user()
    await send(app)
    with_phone = replace(app, policy=make_policy(events_with_phone=True))
    await block(with_phone)
    await send(with_phone)
    await app.identities.operator_actions.unblock(a_phone())
    await app.identities.delete_user.by_id(user.identity.id)
    assert (await app.operations.cleanup())["purged_identities"] == 1
    await send(with_phone)

    assert [event.phone for event in backend.accepted] == [None, a_phone().e164, None, None]
    assert backend.types == [CREATED, BLOCKED, UNBLOCKED, DELETED]


async def test_after_a_kill_at_any_step_every_event_is_sent_in_order() -> None:
    async def start() -> tuple[AppHarness, Act, FakeDestination]:
        backend = FakeDestination()
        app = AppHarness(destinations={BACKEND: backend})
        await app.add_user()
        await block(app)

        async def send_all() -> None:
            await send(app)
            await app.identities.operator_actions.unblock(a_phone())
            await send(app)

        return app, send_all, backend

    async for app, _, backend in at_each_operation(start, Fault.KILLED, Fault.LOST):
        survivor = replace(app)
        await survivor.identities.operator_actions.unblock(a_phone())
        await send_until_settled(survivor)

        distinct = {event.id: event.type for event in backend.accepted}
        assert [*distinct.values()] == [CREATED, BLOCKED, UNBLOCKED]


async def test_one_process_sends_and_another_takes_over_after_a_kill_or_a_stop(
    app: AppHarness, backend: FakeDestination
) -> None:
    send_now = app.use_cases.of(EventsFeature).send
    send_of_other = replace(app).use_cases.of(EventsFeature).send
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
    both: AppHarness,
    backend: FakeDestination,
    other: FakeDestination,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "BATCH_SIZE", module.PARALLEL_USERS)
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


async def test_no_attempt_begins_after_the_time_to_send(
    app: AppHarness, backend: FakeDestination
) -> None:
    await app.add_user()
    await block(app)
    loop = asyncio.get_running_loop()
    backend.gate = asyncio.Event()
    loop.call_later(4.5, backend.gate.set)
    await app.use_cases.of(EventsFeature).send.send_due(BACKEND, loop.time() + 4)
    assert backend.types == [CREATED]
    await send(app)
    assert backend.types == [CREATED, BLOCKED]


async def test_after_a_destination_is_back_all_that_wait_are_sent_within_a_minute(
    both: AppHarness, backend: FakeDestination, other: FakeDestination
) -> None:
    users = await add_users(both, 15)
    backend.rejects = lambda _: AWAY
    for turn in range(60):
        if turn < len(users):
            await both.identities.operator_actions.block(a_phone(turn + 1))
        await send_to_both(both)
        both.advance(seconds=9)
    # It is not asked for each of them.
    assert len(backend.attempted) < PARALLEL_USERS + 540 / 20 + 5
    assert {event.user_id for event in other.accepted} == {user.identity.id for user in users}

    survivor = replace(both)
    backend.rejects = lambda _: None
    for _ in range(6):
        await send_to_both(survivor)
        survivor.advance(seconds=9)
    assert len(backend.accepted) == 2 * len(users)
    assert backend.most_at_once <= PARALLEL_USERS
    for user in users:
        of_user = [event.type for event in backend.accepted if event.user_id == user.identity.id]
        assert of_user == [CREATED, BLOCKED]


async def test_events_that_alone_are_rejected_are_tried_later_and_delay_others_for_seconds(
    app: AppHarness, backend: FakeDestination
) -> None:
    rejected = {user.identity.id for user in await add_users(app, 7)}
    backend.rejects = lambda event: AWAY if event.user_id in rejected else None
    for number in range(8, 38):
        user = await app.add_user(a_phone(number), f"user {number}")
        for _ in range(3):
            await send(app)
            app.advance(seconds=7)
        assert backend.accepted[-1].user_id == user.identity.id
        app.advance(minutes=4)
    # In two hours, for each of them.
    assert len(backend.attempted) - 30 < 7 * 18


async def test_what_happens_during_the_last_attempt_is_sent_too(
    app: AppHarness, backend: FakeDestination
) -> None:
    await app.add_user()
    backend.rejects = lambda _: AWAY
    await send(app)
    app.advance(days=3)
    backend.gate = asyncio.Event()
    last_attempt = asyncio.create_task(send(app))
    while len(backend.attempted) < 2:  # noqa: ASYNC110 -- it has no event
        await asyncio.sleep(0)
    await block(app)
    backend.gate.set()
    assert (await last_attempt).failed == 1
    backend.rejects = lambda _: None
    await send(app)

    assert backend.types == [CREATED, BLOCKED]


async def test_each_destination_gets_all_events(
    both: AppHarness,
    backend: FakeDestination,
    other: FakeDestination,
    caplog: pytest.LogCaptureFixture,
) -> None:
    user = await both.add_user()
    other.rejects = lambda _: ValueError(a_phone().e164)
    sent = await both.use_cases.of(EventsFeature).send()
    await block(both)
    await both.use_cases.of(EventsFeature).send()
    raised = [line for line in caplog.records if line.exc_info]
    assert [line.msg for line in raised] == [{"event": "event_destination_failed"}]
    assert sent == {
        BACKEND: SentEvents(accepted=1),
        OTHER: SentEvents(failed=1, reason="failed with ValueError", is_failing=True),
    }
    other.rejects = lambda _: None
    both.advance(seconds=5)
    await both.use_cases.of(EventsFeature).send()

    assert backend.types == other.types == [CREATED, BLOCKED]
    assert both.database.identities[user.identity.id].value.events.unsent == ()


async def test_events_for_a_destination_that_is_gone_are_dropped(
    both: AppHarness, backend: FakeDestination, other: FakeDestination
) -> None:
    user = await both.add_user()
    other.rejects = lambda _: AWAY
    await both.use_cases.of(EventsFeature).send()
    both.advance(seconds=5)
    await send(replace(both, destinations={BACKEND: backend}))

    stored = both.database.identities[user.identity.id].value
    assert (stored.events.unsent, stored.events.next_send_at) == ((), None)


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
    app: AppHarness, backend: FakeDestination
) -> None:
    await app.add_user()
    errors: list[BaseException] = [EventRejected(), TimeoutError(), KeyError("x")]
    errors.append(asyncio.CancelledError())  # of something that the destination cancelled
    errors.append(SystemExit(1))

    def fail(_: Event) -> BaseException:
        return errors.pop(0)

    backend.rejects, reasons = fail, []
    while errors:
        reasons.append((await send(app)).reason)
        [kept] = app.database.identities.values()
        assert kept.value.events.progress_of(BACKEND).failure_reason == reasons[-1]
        app.advance(hours=1)

    assert reasons == [
        "it was rejected",
        "no response in time",
        "failed with KeyError",
        "failed with CancelledError",
        "failed with SystemExit",
    ]
