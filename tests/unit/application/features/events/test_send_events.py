"""Each act makes its event, which is sent at least once and in order, or kept for operators."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final, cast

import pytest

from application.features.events import operator_events as of_operators
from application.features.events import send_events
from application.features.events.feature import EventDetails
from application.features.events.operator_events import OperatorEvents, RetriedEvents
from application.features.events.send_events import (
    LEASE_PERIOD,
    PARALLEL_USERS,
    Event,
    EventRejected,
    SentEvents,
)
from application.ports.identities import Identities
from application.principal import Principal
from application.update import change
from domain.errors import UserNotFound
from domain.identities.external_id import ExternalId
from domain.identities.identity import Identity
from domain.identities.role import Role
from domain.identities.user_events import RETRY_PERIOD, EventType, UserEvents
from domain.identities.username import parse_username
from entrypoints.features.events import EVENTS
from tests.support.acts import show
from tests.support.app_harness import AppHarness, make_policy
from tests.support.at_each_operation import Act, Fault, at_each_operation
from tests.support.builders import NOW, a_phone, a_user, an_id, an_identity
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
    return await EVENTS.of(app.use_cases).sending.send.send_due(name)


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


@pytest.mark.parametrize("act", ["delete", "detach"])
async def test_the_phone_of_a_closed_account_is_not_sent(
    backend: FakeDestination, act: str
) -> None:
    policy = make_policy(events_with_phone=True)
    app = AppHarness(destinations={BACKEND: backend}, policy=policy)
    user = await app.add_user()
    if act == "delete":
        await app.identities.delete_user(user)
    else:
        await app.identities.operator_actions.detach(user.identity.id)
    await send_until_settled(app)

    sent = [(event.type, event.phone) for event in backend.accepted]
    assert sent == [(CREATED, None), (DELETED, None)]


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
    send_now = EVENTS.of(app.use_cases).sending.send
    send_of_other = EVENTS.of(replace(app).use_cases).sending.send
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
    monkeypatch.setattr(send_events, "BATCH_SIZE", PARALLEL_USERS)
    await add_users(both, 12)
    backend.gate = asyncio.Event()
    loop = asyncio.get_running_loop()
    sending, started = (
        asyncio.create_task(EVENTS.of(both.use_cases).sending.send()),
        loop.time(),
    )
    await asyncio.sleep(1)  # of the loop's time
    assert len(other.accepted) == 12
    user = await both.add_user(a_phone(13), "late")
    await asyncio.sleep(1)  # of the loop's time
    assert other.accepted[-1].user_id == user.identity.id

    sent = await sending
    assert sent is not None
    assert (sent[BACKEND].accepted, sent[BACKEND].reason) == (0, "no response in time")
    assert backend.most_at_once == PARALLEL_USERS
    assert loop.time() - started < LEASE_PERIOD.total_seconds()


async def test_no_attempt_begins_after_the_time_to_send(
    app: AppHarness, backend: FakeDestination
) -> None:
    await app.add_user()
    await block(app)
    loop = asyncio.get_running_loop()
    backend.gate = asyncio.Event()
    loop.call_later(4.5, backend.gate.set)
    await EVENTS.of(app.use_cases).sending.send.send_due(BACKEND, loop.time() + 4)
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
        await send(both, OTHER)
        await send(both)
        both.advance(seconds=9)
    # It is not asked for each of them.
    assert len(backend.attempted) < PARALLEL_USERS + 540 / 20 + 5
    assert {event.user_id for event in other.accepted} == {user.identity.id for user in users}

    survivor = replace(both)
    backend.rejects = lambda _: None
    for _ in range(6):
        await send(survivor, OTHER)
        await send(survivor)
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
    sent = await EVENTS.of(both.use_cases).sending.send()
    await block(both)
    await EVENTS.of(both.use_cases).sending.send()
    raised = [line for line in caplog.records if line.exc_info]
    assert [line.msg for line in raised] == [{"event": "event_destination_failed"}]
    assert sent == {
        BACKEND: SentEvents(accepted=1),
        OTHER: SentEvents(failed=1, reason="failed with ValueError", is_failing=True),
    }
    other.rejects = lambda _: None
    both.advance(seconds=5)
    await EVENTS.of(both.use_cases).sending.send()

    assert backend.types == other.types == [CREATED, BLOCKED]
    assert both.database.identities[user.identity.id].value.events.unsent == ()


async def test_events_for_a_destination_that_is_gone_are_dropped(
    both: AppHarness, backend: FakeDestination, other: FakeDestination
) -> None:
    user = await both.add_user()
    other.rejects = lambda _: AWAY
    await EVENTS.of(both.use_cases).sending.send()
    both.advance(seconds=5)
    await send(replace(both, destinations={BACKEND: backend}))

    stored = both.database.identities[user.identity.id].value
    assert (stored.events.unsent, stored.events.next_send_at) == ((), None)


async def test_what_waits_is_counted_and_measured(
    app: AppHarness, backend: FakeDestination
) -> None:
    events = EVENTS.of(app.use_cases).sending.send
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


BACKEND, OTHER = "backend", "other"
CREATED_AND_BLOCKED: Final = (
    UserEvents().record(EventType.USER_CREATED, NOW).record(EventType.USER_BLOCKED, NOW)
)


def operator_events_of(app: AppHarness, *destinations: str) -> OperatorEvents:
    return OperatorEvents(
        identities=app.database.repositories().identities,
        destinations=destinations or (BACKEND,),
        clock=app.clock,
    )


def fail(events: UserEvents, now: datetime = NOW) -> UserEvents:
    """Return the events after a failed attempt."""
    return events.settle([events.progress_of(BACKEND).mark_failed(now)], [BACKEND])


def fail_for_days(events: UserEvents) -> UserEvents:
    """Return the events after a destination has failed until they are kept."""
    return fail(fail(events), NOW + RETRY_PERIOD)


async def add(app: AppHarness, events: UserEvents, number: int = 1) -> str:
    identity: Identity = an_identity(
        id=an_id(number), phone=a_phone(number), user=a_user(f"a{number}")
    )
    await app.database.repositories().identities.add(replace(identity, events=events))
    return identity.id


async def test_events_that_wait_are_listed_with_their_next_attempt(app: AppHarness) -> None:
    user_id = await add(app, fail(CREATED_AND_BLOCKED))

    first, second = await operator_events_of(app).list_waiting(9)

    number = CREATED_AND_BLOCKED.unsent[0].number
    assert (first.id, first.type) == (f"evt_{user_id}_{number}", EventType.USER_CREATED)
    assert (second.id, second.type) == (f"evt_{user_id}_{number + 1}", EventType.USER_BLOCKED)
    assert (first.user_id, first.destination, first.occurred_at) == (user_id, BACKEND, NOW)
    assert (first.failures, first.next_attempt_at) == (1, NOW + timedelta(seconds=5))
    assert await operator_events_of(app).list_of(user_id) == [first, second]
    assert await operator_events_of(app).list_failed(9) == []


async def test_a_retry_of_a_user_is_for_events_that_wait_and_that_are_kept(
    app: AppHarness,
) -> None:
    operator_events, later = operator_events_of(app), NOW + timedelta(days=30)
    app.clock.advance(later - app.clock.now())
    failed = (fail(CREATED_AND_BLOCKED), fail_for_days(CREATED_AND_BLOCKED))
    for number, events in enumerate(failed, 1):
        user_id = await add(app, events, number)
        assert await operator_events.retry(user_id) == RetriedEvents(2, 1)
        listed = await operator_events.list_of(user_id)
        assert [(event.failures, event.next_attempt_at) for event in listed] == [(0, later)] * 2
    assert await operator_events.list_failed(9) == []


async def test_all_events_that_wait_or_are_kept_are_retried_and_counted(
    app: AppHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(of_operators, "BATCH_SIZE", 2)
    for number in range(1, 6):
        await add(app, fail_for_days(CREATED_AND_BLOCKED), number)
    await add(app, fail(CREATED_AND_BLOCKED), 6)
    assert len(await operator_events_of(app).list_failed(3)) == 3

    for _ in range(2):  # they are due now
        assert await operator_events_of(app).retry_all() == RetriedEvents(12, 6)
    assert len(await operator_events_of(app).list_waiting(99)) == 12
    assert len(await operator_events_of(app).list_waiting(3)) == 3


async def test_a_retry_finds_all_while_a_service_sends(
    app: AppHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(of_operators, "BATCH_SIZE", 2)
    ids = [await add(app, fail(CREATED_AND_BLOCKED), number) for number in range(1, 7)]
    operator_events = operator_events_of(app)
    identities, sent = operator_events.identities, list[str]()

    class SendsMeanwhile:
        """Before each later page one user is sent everything, and leaves the list."""

        def __getattr__(self, name: str) -> Any:
            return getattr(identities, name)

        async def list_with_due_events(self, until: datetime, limit: int, offset: int = 0) -> Any:
            if len(sent) < 2 and offset:
                sent.append(ids[len(sent)])
                await change(identities, sent[-1], send_all, missing=UserNotFound)
            return await identities.list_with_due_events(until, limit, offset)

    def send_all(identity: Identity) -> tuple[Identity, None]:
        return replace(identity, events=UserEvents()), None

    operator_events = replace(operator_events, identities=cast("Identities", SendsMeanwhile()))
    await operator_events.retry_all()

    for user_id in set(ids) - set(sent):
        assert {event.failures for event in await operator_events.list_of(user_id)} == {0}


async def test_after_a_change_of_the_settings_a_retry_sends_to_the_new_destination(
    app: AppHarness,
) -> None:
    user_id = await add(app, fail_for_days(CREATED_AND_BLOCKED))
    operator_events = operator_events_of(app, OTHER)

    kept = await operator_events.list_failed(9)
    assert {(event.destination, event.next_attempt_at) for event in kept} == {
        (OTHER, None),
        (BACKEND, None),
    }
    assert await operator_events.retry_all() == RetriedEvents(2, 1)

    events = app.database.identities[user_id].value.events
    assert events.next_send_at == app.clock.now()
    assert events.due(OTHER, app.clock.now()) == CREATED_AND_BLOCKED.unsent
    # The first attempt drops what is left of the former one.
    sent = events.settle([events.progress_of(OTHER).mark_sent(events.last_number)], [OTHER])
    assert (sent.unsent, sent.failed_at) == ((), None)


async def test_nothing_is_retried_without_a_user_or_an_event(app: AppHarness) -> None:
    operator_events = operator_events_of(app)
    assert await operator_events.retry(await add(app, UserEvents())) == RetriedEvents(0, 0)
    with pytest.raises(UserNotFound):
        await operator_events.retry(an_id(77))
    with pytest.raises(UserNotFound):
        await operator_events.list_of(an_id(77))


async def test_events_that_wait_and_events_that_are_kept_are_counted(app: AppHarness) -> None:
    for number, (events, counts) in enumerate(
        [
            (fail(CREATED_AND_BLOCKED), EventDetails(waiting=2, failed=0)),
            (fail_for_days(CREATED_AND_BLOCKED), EventDetails(waiting=0, failed=2)),
        ],
        start=1,
    ):
        shown = await show(app, await add(app, events, number))
        assert shown.added.find(EventDetails) == counts
