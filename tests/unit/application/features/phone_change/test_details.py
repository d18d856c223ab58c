"""What operators see of the changes of a user's phone."""

from application.administration.show_user import UserDetails
from application.features.phone_change.details import PhoneChangeDetails
from domain.identities.phone_change import UNDO_PERIOD
from tests.support.acts import BY_COMMAND, show
from tests.support.app_harness import AppHarness
from tests.unit.application.features.phone_change.phone_changes import NEW, OLD, undo


def details_of(details: UserDetails) -> PhoneChangeDetails:
    found = details.parts.find(PhoneChangeDetails)
    assert found is not None
    return found


async def test_a_held_phone_names_the_account_that_had_it_and_until_when(app: AppHarness) -> None:
    user_id = (await app.add_user(OLD)).identity.id
    await app.move_phone(user_id, NEW, can_be_undone=True)
    undo_until = app.clock.now() + UNDO_PERIOD

    former, present = await show(app, OLD), await show(app, NEW)

    hold = former.user.hold
    assert former.user.identity is None
    assert hold is not None
    assert (hold.identity.id, hold.undo_until) == (user_id, undo_until)
    assert (present.user.subject, present.user.hold) == (user_id, None)
    assert details_of(present).undo_deadlines == [undo_until]
    app.advance(days=7)
    assert (await show(app, OLD)).user.hold is None
    assert details_of(await show(app, NEW)).undo_deadlines == []


async def test_after_an_undo_it_is_shown_when_the_owner_can_change_the_phone_again(
    app: AppHarness,
) -> None:
    user_id = (await app.add_user(OLD)).identity.id
    await app.move_phone(user_id, NEW, can_be_undone=True)
    await undo(app)
    allowed_at = app.clock.now() + UNDO_PERIOD

    assert details_of(await show(app, OLD)).allowed_at == allowed_at
    app.advance(days=7)
    assert details_of(await show(app, OLD)).allowed_at is None
    await app.administration.act_for_users.delete(BY_COMMAND, user_id, "ticket")
    assert (await show(app, user_id)).parts.find(PhoneChangeDetails) is None
