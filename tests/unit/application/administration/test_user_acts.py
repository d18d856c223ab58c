"""The table of acts for a user: which of them make sense for whom."""

from typing import Final

from application.administration.user_acts import USER_ACTS
from domain.identities.role import Role
from tests.support.acts import BY_COMMAND, REASON
from tests.support.builders import a_phone
from tests.support.core_harness import CoreHarness

OF_PHONES: Final = ["reset-limits", "block"]
OF_ACCOUNTS: Final = ["sign-out", "promote", "external-id"]


async def offered(app: CoreHarness, user: str | None) -> set[str]:
    """Return the names of the acts that are offered for a user, or for a phone without one."""
    details = await app.user_details.show_user(BY_COMMAND, user or a_phone(9), REASON)
    return {row.name for row in USER_ACTS if row.is_offered(details)}


async def test_only_acts_that_make_sense_are_offered(app: CoreHarness) -> None:
    act = app.administration.act_for_users
    user = (await app.add_user()).identity.id
    nameless = (await app.log_in(a_phone(2))).identity.id
    assert await offered(app, None) == {*OF_PHONES}
    of_nameless = {*OF_PHONES, *OF_ACCOUNTS, "detach", "delete"}
    assert await offered(app, nameless) == {*of_nameless, "end-session"}
    of_user = {*of_nameless, "rename"}
    assert await offered(app, user) == {*of_user, "end-session"}
    await act.change_role(BY_COMMAND, user, Role.SUPPORT, REASON)
    assert await offered(app, user) == of_user - {"detach"} | {"demote"}
    await act.change_role(BY_COMMAND, user, Role.MEMBER, REASON)
    await act.block(BY_COMMAND, user, REASON)
    assert await offered(app, user) == of_user - {*OF_PHONES, "detach"} | {"unblock"}
    await act.unblock(BY_COMMAND, user, REASON)
    await act.detach(BY_COMMAND, user, REASON)
    assert await offered(app, user) == {"delete"}
    await act.delete(BY_COMMAND, user, REASON)
    assert await offered(app, user) == set()


def test_the_deletion_is_final_and_the_last_one() -> None:
    assert [row.name for row in USER_ACTS if row.is_final] == ["delete"]
    assert USER_ACTS[-1].is_final
