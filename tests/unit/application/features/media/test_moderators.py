"""Moderators act on media of members, below `/admin` and in the app."""

import pytest

from application.features.media.feature import LibraryFeature
from domain.errors import Forbidden
from domain.identities.role import Role
from tests.support.acts import REASON, staff
from tests.support.app_harness import AppHarness
from tests.support.builders import a_phone


async def test_a_moderator_acts_on_media_of_members_also_in_the_app(app: AppHarness) -> None:
    owner, other = await app.add_user(), await app.add_administrator(a_phone(2))
    moderator = await app.add_user(a_phone(3), "Mo")
    await app.identities.operator_actions.change_role(moderator.identity.id, Role.MODERATOR)
    moderator = await app.log_in(a_phone(3))
    items = app.use_cases.of(LibraryFeature).moderate_items
    of_member = (await app.upload_image(owner)).item
    of_staff = (await app.upload_image(other)).item

    await items.hide(staff(Role.MODERATOR), of_member.id, REASON)
    await items.unhide(staff(Role.MODERATOR), of_member.id, REASON)
    await app.media.categorize_item(moderator, of_member.id, "art")
    await app.media.delete_item(moderator, of_member.id)
    assert app.database.audit_entries[-1].actor.role is Role.MODERATOR
    with pytest.raises(Forbidden):
        await items.hide(staff(Role.MODERATOR), of_staff.id, REASON)
    with pytest.raises(Forbidden):
        await app.media.delete_item(moderator, of_staff.id)
    with pytest.raises(Forbidden):
        await app.upload_image(moderator, owner_id=owner.identity.id)
