"""The message to the number that an account had."""

from dataclasses import replace

from application.features.phone_change.feature import PhoneChangeRecordsFeature
from application.identities.use_cases import IdentitiesPorts
from application.operations.cleanup import CleanupReport
from application.operations.use_cases import OperationsPorts
from application.ports.system import SystemPorts
from application.use_cases import UseCases
from domain.otp.challenge import parse_otp_code
from domain.otp.test_otps import TestOtp, TestOtps
from domain.phone import PhoneNumber, parse_phone
from tests.support.app_harness import AppHarness, make_policy
from tests.support.fakes.messenger import ACCEPTED, INVALID_NUMBER, REJECTED
from tests.support.keys import access_tokens
from tests.unit.application.features.phone_change.phone_changes import (
    NEW,
    OLD,
    OTHER,
    change_phone,
    identity_of,
    notified,
    request_codes,
    with_test_otps,
)


async def clean_up_later(app: AppHarness) -> None:
    """Run the cleanup when a process that sent the message is taken for dead."""
    app.advance(minutes=3)
    await app.operations.cleanup()


async def test_it_is_in_the_language_of_the_client(app: AppHarness) -> None:
    user = await app.add_user(OLD)
    command = await request_codes(app, user)
    await app.phone_change.change_phone(user, replace(command, locale="de"))
    assert (OLD, "phone_changed US de") in app.messenger.messages


async def test_that_no_provider_takes_it_is_no_error_and_it_is_tried_for_a_day(
    app: AppHarness,
) -> None:
    user = await app.add_user(OLD)
    command = await request_codes(app, user)
    app.messenger.result = REJECTED
    assert (await app.phone_change.change_phone(user, command)).phone == NEW
    for hours, expected in ((1, 2), (22, 3), (2, 4), (2, 4)):
        app.advance(hours=hours)
        await app.operations.cleanup()
        assert notified(app) == [OLD] * expected
    assert identity_of(app, user).phone_change is None


async def test_another_change_does_not_wait_for_it(app: AppHarness) -> None:
    user = await app.add_user(OLD)
    command = await request_codes(app, user)
    app.messenger.result = REJECTED
    changed = await app.phone_change.change_phone(user, command)
    app.messenger.result = ACCEPTED
    app.advance(minutes=3)
    assert (await change_phone(app, replace(user, identity=changed), OTHER)).phone == OTHER
    assert notified(app) == [OLD, OLD, NEW]


async def test_nothing_is_sent_to_a_blocked_number_a_test_number_or_a_country_that_is_not_served(
    app: AppHarness,
) -> None:
    german = parse_phone("+4915112345678")
    numbers: list[PhoneNumber] = [OLD, OTHER, german]
    users = [await app.add_user(phone, f"User {phone.masked[-2:]}") for phone in numbers]
    await app.identities.operator_actions.block(OLD)
    tested = with_test_otps(app, TestOtps((TestOtp(OTHER, parse_otp_code("123456")),)))
    served = AppHarness(policy=make_policy(countries=["US"]), database=app.database)
    for service, user in ((app, users[0]), (tested, users[1]), (served, users[2])):
        moved = await service.move_phone(user.identity.id, NEW)
        assert moved.phone_change is None
        assert notified(service) == []
        await service.identities.delete_user.by_id(user.identity.id)


async def test_a_number_that_nobody_can_reach_is_tried_once(app: AppHarness) -> None:
    user = await app.add_user(OLD)
    app.messenger.result = INVALID_NUMBER
    assert (await app.move_phone(user.identity.id, NEW)).phone_change is None
    await clean_up_later(app)
    assert notified(app) == [OLD]


async def test_a_deleted_account_sends_none(app: AppHarness) -> None:
    user = await app.add_user(OLD)
    app.messenger.result = REJECTED
    await app.move_phone(user.identity.id, NEW)
    app.messenger.result = ACCEPTED
    await app.identities.delete_user.by_id(user.identity.id)
    await clean_up_later(app)
    assert notified(app) == [OLD]


async def test_a_command_without_providers_leaves_it_to_the_service(app: AppHarness) -> None:
    user = await app.add_user(OLD)
    app.messenger.result = REJECTED
    await app.move_phone(user.identity.id, NEW)
    app.messenger.result = ACCEPTED
    app.advance(minutes=3)
    assert (await clean_up_without_providers(app))["completed_phone_changes"] == 1
    assert identity_of(app, user).phone_change is not None
    assert notified(app) == [OLD]
    await clean_up_later(app)
    assert (notified(app), identity_of(app, user).phone_change) == ([OLD, OLD], None)


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
    core.add(PhoneChangeRecordsFeature(core))
    return await core.operations.cleanup()
