"""The message to the number that an account had."""

from dataclasses import replace

import pytest

from application.ports.errors import MessengerUnavailable
from domain.otp.challenge import parse_otp_code
from domain.otp.review_otps import TestOtp, TestOtps
from domain.phone import parse_phone
from tests.support.app_harness import AppHarness
from tests.support.fakes.messenger import INVALID_NUMBER
from tests.support.fakes.sms_templates import FakeSmsTemplates
from tests.support.policies import make_policy
from tests.unit.application.phone_change.phone_changes import NEW, OLD, identity_of, record_of


async def move(app: AppHarness, user_id: str) -> int:
    """Give a user another number, and return how many messages that made."""
    before = len(app.messenger.messages)
    moved = await app.phone_change.move_phone(user_id, NEW, can_be_undone=True)
    assert moved.phone_change is None
    return len(app.messenger.messages) - before


async def test_nothing_is_sent_to_a_country_that_is_not_served() -> None:
    app = AppHarness(policy=make_policy(countries=["US", "DE"]))
    user = await app.add_user(parse_phone("+4915112345678"))
    served = AppHarness(policy=make_policy(countries=["US"]), database=app.database)
    assert await move(served, user.identity.id) == 0


async def test_nothing_is_sent_to_a_blocked_number(app: AppHarness) -> None:
    user = await app.add_user(OLD)
    await app.identities.operator_actions.block(OLD)
    assert await move(app, user.identity.id) == 0


async def test_nothing_is_sent_to_a_test_number(app: AppHarness) -> None:
    user = await app.add_user(OLD)
    otps = TestOtps((TestOtp(OLD, parse_otp_code("123456")),))
    tested = AppHarness(policy=make_policy(test_otps=otps), database=app.database)
    assert await move(tested, user.identity.id) == 0
    assert record_of(tested, OLD).previous_identity_id is None


async def test_a_number_that_nobody_can_reach_is_tried_once(app: AppHarness) -> None:
    user = await app.add_user(OLD)
    app.messenger.result = INVALID_NUMBER
    assert await move(app, user.identity.id) == 1


async def test_a_command_without_providers_leaves_the_message_to_the_service(
    app: AppHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = await app.add_user(OLD)

    def render_notice(*_: object, **__: object) -> str:
        raise MessengerUnavailable

    with monkeypatch.context() as patch:
        patch.setattr(FakeSmsTemplates, "render_notice", render_notice)
        await app.phone_change.move_phone(user.identity.id, NEW, can_be_undone=True)
    assert identity_of(app, user).phone_change is not None
    app.advance(minutes=3)
    await app.operations.cleanup()
    assert app.messenger.messages[-1].phone == OLD
    assert identity_of(app, user) == replace(identity_of(app, user), phone_change=None)
