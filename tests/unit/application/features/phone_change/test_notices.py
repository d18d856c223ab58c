"""The messages to the number that an account had, and to the one that it gets."""

from dataclasses import replace

import pytest

from application.features.phone_change.feature import PhoneChangeRecordsFeature
from application.features.phone_change.undo_codes import UndoCodes
from application.identities.feature import IdentitiesPorts
from application.operations.cleanup import CleanupReport
from application.operations.feature import OperationsPorts
from application.ports.errors import PortError
from application.ports.system import SystemPorts
from application.use_cases import UseCases
from domain.identities.phone_change import PhoneNotice
from domain.otp.challenge import parse_otp_code
from domain.otp.test_otps import TestOtp, TestOtps
from domain.phone import PhoneNumber, parse_phone
from tests.support.app_harness import AppHarness, make_policy
from tests.support.fakes.messenger import ACCEPTED, INVALID_NUMBER, REJECTED
from tests.support.fault_injector import ProcessKilled
from tests.support.keys import access_tokens
from tests.support.phone_change.stored import phone_change_repositories
from tests.unit.application.features.phone_change.phone_changes import (
    NEW,
    OLD,
    OTHER,
    identity_of,
    make_command,
    record_of,
    request_code,
)


async def move(app: AppHarness, user_id: str, phone: PhoneNumber = NEW) -> list[PhoneNumber]:
    """Give a user another number, and return which numbers got a message."""
    before = len(app.messenger.messages)
    moved = await app.move_phone(user_id, phone, can_be_undone=True)
    assert moved.phone_changes.under_way is None
    return [message.phone for message in app.messenger.messages[before:]]


def notices_to_new(app: AppHarness) -> int:
    """Return how many messages told the new number that it signs in to an account."""
    return sum(PhoneNotice.PHONE_ASSIGNED in message.text for message in app.messenger.messages)


async def test_nothing_is_sent_to_a_blocked_number_or_a_country_that_is_not_served() -> None:
    app = AppHarness(policy=make_policy(countries=["US", "DE"]))
    blocked = await app.add_user(OLD)
    abroad = await app.add_user(parse_phone("+4915112345678"), "Priya")
    await app.identities.operator_actions.block(OLD)
    served = AppHarness(policy=make_policy(countries=["US"]), database=app.database)
    assert await move(served, blocked.identity.id) == [NEW]
    assert await move(served, abroad.identity.id, OTHER) == [OTHER]


async def test_nothing_is_sent_to_a_test_number(app: AppHarness) -> None:
    user = await app.add_user(OLD)
    otps = TestOtps(
        (TestOtp(OLD, parse_otp_code("123456")), TestOtp(NEW, parse_otp_code("654321")))
    )
    tested = AppHarness(policy=make_policy(test_otps=otps), database=app.database)
    assert await move(tested, user.identity.id) == []
    assert record_of(tested, OLD).hold.identity_id == user.identity.id
    assert await move(tested, user.identity.id, OTHER) == [OTHER]
    assert record_of(tested, NEW).hold.identity_id is None


async def test_a_number_that_nobody_can_reach_is_tried_once(app: AppHarness) -> None:
    user = await app.add_user(OLD)
    app.messenger.result = INVALID_NUMBER
    assert await move(app, user.identity.id) == [NEW, OLD]
    await clean_up_later(app)
    assert notices_to_new(app) == 1


async def test_a_command_without_providers_leaves_the_messages_to_the_service(
    app: AppHarness,
) -> None:
    user = await app.add_user(OLD)
    app.faults.fail_on("phone_assignments.replace", kill=True)
    with pytest.raises((ProcessKilled, PortError)):
        await app.move_phone(user.identity.id, NEW, can_be_undone=True)
    app.faults.reset()
    sent = len(app.messenger.messages)
    app.advance(minutes=3)
    assert (await clean_up_without_providers(app))["completed_phone_changes"] == 1
    assert identity_of(app, user).phone == NEW
    assert identity_of(app, user).phone_changes.under_way is not None
    assert len(app.messenger.messages) == sent
    await clean_up_later(app)
    assert {message.phone for message in app.messenger.messages[sent:]} == {NEW, OLD}
    assert identity_of(app, user).phone_changes.under_way is None


async def test_a_provider_that_rejects_one_message_does_not_repeat_the_other(
    app: AppHarness,
) -> None:
    user = await app.add_user(OLD)
    app.messenger.result = REJECTED
    await app.move_phone(user.identity.id, NEW, can_be_undone=True)
    app.messenger.result = ACCEPTED
    await app.phone_change.complete.notify_new_number(user.identity.id)
    assert notices_to_new(app) == 1  # the process that tried it may still be at it
    for _ in range(3):
        await clean_up_later(app)
    for phone in (OLD, NEW):
        texts = [
            text for sent, text in app.messenger.messages if sent == phone and "phone_" in text
        ]
        assert len(texts) == 2


@pytest.mark.parametrize("is_deleted", [True, False])
async def test_the_number_of_a_deleted_account_or_a_blocked_one_gets_no_message(
    app: AppHarness, is_deleted: bool
) -> None:
    user = await app.add_user(OLD)
    app.messenger.result = REJECTED
    changed = await app.move_phone(user.identity.id, NEW, can_be_undone=True)
    app.messenger.result = ACCEPTED
    if is_deleted:
        await app.identities.delete_user.by_id(changed.id)
    else:
        await app.identities.operator_actions.block(NEW)
    await clean_up_later(app)
    assert notices_to_new(app) == 1
    assignments = phone_change_repositories(app.database).phone_assignments
    assert (await assignments.load(changed.id) is None) == is_deleted


async def clean_up_without_providers(app: AppHarness) -> CleanupReport:
    """Run the cleanup by a command that opens no provider of messages."""
    core = UseCases(
        SystemPorts(clock=app.clock, randomness=app.randomness, events=app.events),
        app.database.repositories(),
        app.keyed_hashes,
        IdentitiesPorts(tokens=access_tokens(), refresh_keys=app.refresh_keys),
        OperationsPorts(),
        app.policy.identities,
    )
    assignments = phone_change_repositories(app.database).phone_assignments
    core.add(PhoneChangeRecordsFeature(core, assignments, UndoCodes(app.peppers)))
    return await core.operations.cleanup()


async def clean_up_later(app: AppHarness) -> None:
    """Run the cleanup when a process that sent the messages is taken for dead."""
    app.advance(minutes=3)
    await app.operations.cleanup()


async def test_the_message_to_the_new_number_is_in_the_language_of_the_client(
    app: AppHarness,
) -> None:
    user = await app.add_user(OLD)
    command = make_command(await request_code(app, user))
    await app.phone_change.change_phone(user, replace(command, locale="de"))
    assert (NEW, "phone_assigned US de") in app.messenger.messages
