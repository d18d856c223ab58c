"""On whom operators act while a change of the phone is under way."""

from application.principal import Principal
from domain.administration.scope import Scope
from domain.errors import Forbidden
from domain.phone import PhoneNumber
from tests.support.acts import REASON, a_token
from tests.support.app_harness import AppHarness
from tests.support.at_each_operation import Act, Fault, at_each_operation
from tests.unit.application.features.phone_change.phone_changes import (
    NEW,
    OLD,
    identity_of,
    record_of,
    request_codes,
)


async def test_while_a_change_is_under_way_both_numbers_are_those_of_an_administrator() -> None:
    async def start() -> tuple[AppHarness, Act, Principal]:
        app = AppHarness()
        principal = await app.add_administrator(OLD)
        await app.create_user(principal)
        user = await app.log_in(OLD)
        command = await request_codes(app, user)
        return app, lambda: app.phone_change.change_phone(user, command), user

    steps = set()
    async for app, _, user in at_each_operation(start, Fault.KILLED):
        identity = identity_of(app, user)
        steps.add(identity.phone_change.step if identity.phone_change else None)
        for phone in (OLD, NEW):
            stored = app.database.phone_verifications
            if phone in stored and record_of(app, phone).identity_id == identity.id:
                assert await is_protected(app, phone), identity.phone_change
    assert len(steps) == 4


async def is_protected(app: AppHarness, phone: PhoneNumber) -> bool:
    """Return whether no service token may act on a phone."""
    try:
        await app.administration.act_for_users.reset_limits(a_token(*Scope), phone, REASON)
    except Forbidden:
        return True
    return False
