"""A request for a code calls the database as often for each phone: its time reveals nothing."""

import pytest

from domain.otp.challenge import Purpose
from tests.support.app_harness import AppHarness
from tests.support.builders import a_phone
from tests.unit.application.features.phone_change.phone_changes import (
    NEW,
    OLD,
    OTHER,
    add_user_with_new_number,
)


@pytest.mark.parametrize("purpose", [Purpose.SIGN_IN, Purpose.UNDO_PHONE_CHANGE])
async def test_accounts_blocks_and_holds_cause_the_same_calls(
    app: AppHarness, purpose: Purpose
) -> None:
    await add_user_with_new_number(app)
    blocked, blocked_user = a_phone(4), a_phone(5)
    await app.add_user(blocked_user, "Asha Rao")
    for phone in (blocked, blocked_user):
        await app.identities.operator_actions.block(phone)
    app.advance(days=1)

    calls = {}
    for phone in (OTHER, OLD, NEW, blocked, blocked_user):
        app.faults.reset()
        await app.request_otp(phone, purpose=purpose)
        first = app.faults.calls
        app.faults.reset()
        await app.request_otp(phone, purpose=purpose)
        calls[phone] = (first, app.faults.calls)

    assert calls[OTHER][0] != calls[OTHER][1] != []
    assert [*calls.values()] == [calls[OTHER]] * 5
