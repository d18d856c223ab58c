"""What operators see of a change of a user's phone."""

from domain.phone import PhoneNumber, parse_phone
from entrypoints.http.features.phone_change.user_fields import PhoneChangeFields
from tests.support.acts import BY_COMMAND, REASON, show
from tests.support.app_harness import AppHarness
from tests.support.fakes.messenger import REJECTED

OLD = parse_phone("+14155550100")
NEW = parse_phone("+14155550101")


async def step_of(app: AppHarness, user: PhoneNumber | str) -> str | None:
    change = PhoneChangeFields.of(await show(app, user)).phone_change
    return change.step if change else None


async def test_a_change_is_shown_while_it_is_under_way() -> None:
    app = AppHarness()
    user_id = (await app.add_user(OLD)).identity.id
    assert await step_of(app, OLD) is None
    app.messenger.result = REJECTED
    await app.move_phone(user_id, NEW)
    assert await step_of(app, NEW) == "notify"
    await app.administration.act_for_users.delete(BY_COMMAND, user_id, REASON)
    assert await step_of(app, user_id) is None
