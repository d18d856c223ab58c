"""What operators see of the changes of a user's phone."""

from application.administration.show_user import UserDetails
from application.features.phone_change.details import PhoneChangeDetails
from domain.identities.phone_change import UNDO_PERIOD
from domain.phone import PhoneNumber
from tests.support.acts import BY_COMMAND, show
from tests.support.app_harness import AppHarness
from tests.support.builders import a_phone
from tests.unit.application.features.phone_change.phone_changes import undo


def details_of(details: UserDetails) -> PhoneChangeDetails:
    found = details.parts.find(PhoneChangeDetails)
    assert found is not None
    return found


async def change_phone(
    app: AppHarness,
    phone: PhoneNumber | None = None,
    new_phone: PhoneNumber | None = None,
    *,
    can_be_undone: bool = True,
) -> None:
    """Change a phone as an operator, by default the first one to the second one."""
    await app.phone_change.change_phone_of_user(
        BY_COMMAND, phone or a_phone(), new_phone or a_phone(2), "lost", can_be_undone=can_be_undone
    )


async def test_a_held_phone_names_the_account_that_had_it_and_until_when(app: AppHarness) -> None:
    user_id = (await app.add_user()).identity.id
    await change_phone(app)
    undo_until = app.clock.now() + UNDO_PERIOD

    former, present = await show(app), await show(app, a_phone(2))

    hold = former.user.hold
    assert former.user.identity is None
    assert hold is not None
    assert (hold.identity.id, hold.undo_until) == (user_id, undo_until)
    assert (present.user.subject, present.user.hold) == (user_id, None)
    assert details_of(present).undo_deadlines == [undo_until]
    app.advance(days=7)
    assert (await show(app)).user.hold is None
    assert details_of(await show(app, a_phone(2))).undo_deadlines == []


async def test_a_phone_is_not_held_without_undo_and_after_the_deletion(app: AppHarness) -> None:
    principal = await app.add_user()
    await change_phone(app, can_be_undone=False)
    assert (await show(app)).user.hold is None
    await change_phone(app, a_phone(2), a_phone(3))
    await app.administration.act_for_users.delete(BY_COMMAND, principal.identity.id, "ticket")

    assert (await show(app, a_phone(2))).user.hold is None
    deleted = await show(app, principal.identity.id)
    assert deleted.parts.find(PhoneChangeDetails) is None


async def test_after_an_undo_it_is_shown_when_the_owner_can_change_the_phone_again(
    app: AppHarness,
) -> None:
    await app.add_user()
    await change_phone(app)
    await undo(app)
    allowed_at = app.clock.now() + UNDO_PERIOD

    assert details_of(await show(app)).allowed_at == allowed_at
    app.advance(days=7)
    assert details_of(await show(app)).allowed_at is None
