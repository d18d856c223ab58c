"""Where a passkey is needed, a session by SMS has no right of staff anywhere."""

from collections.abc import Awaitable, Callable
from typing import Final

import pytest

from application.administration.operator import staff_member
from application.features.voice.call_log import CallsFeature
from application.principal import Principal
from domain.access import LibraryVisibility
from domain.errors import PasskeyRequired
from domain.identities.passkey import Passkey
from domain.identities.role import Role
from domain.identities.username import parse_username
from tests.support.app_harness import AppHarness, make_policy
from tests.support.builders import NOW, a_phone

STAFF: Final = a_phone(2)
PASSKEY: Final = Passkey(
    credential_id=b"id", public_key=b"key", sign_count=0, name="laptop", created_at=NOW
)


async def an_administrator(app: AppHarness) -> Principal:
    """Return one with a passkey, who has just signed in to the app."""
    principal = await app.add_administrator(STAFF)
    identities = app.use_cases.repositories.identities
    loaded = await identities.load(principal.identity.id)
    assert loaded is not None
    assert await identities.replace(loaded.value.add_console_passkey(PASSKEY), loaded.version)
    return await app.log_in(STAFF)


Act = Callable[[AppHarness, Principal, str], Awaitable[object]]


async def act_in_api(app: AppHarness, principal: Principal, user_id: str) -> None:
    staff_member(principal)


async def create_another(app: AppHarness, principal: Principal, user_id: str) -> None:
    await app.identities.create_user(principal, parse_username("Asha"), a_phone(7))


async def open_recording(app: AppHarness, principal: Principal, user_id: str) -> None:
    async with app.use_cases.of(CallsFeature).open_recording(principal, "0" * 24):
        pass


ACTS: Final[dict[str, Act]] = {
    "API of operators": act_in_api,
    "user for another": create_another,
    "recording": open_recording,
    "upload": lambda app, principal, user_id: app.upload_image(principal, owner_id=user_id),
}


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
async def test_it_needs_a_passkey(app: AppHarness, act: Act) -> None:
    principal = await an_administrator(app)
    user = await app.add_user()
    with pytest.raises(PasskeyRequired):
        await act(app, principal, user.identity.id)


async def test_it_sees_what_members_see(app: AppHarness) -> None:
    principal = await an_administrator(app)
    user = await app.add_user()
    assert (principal.has_recent_login, principal.has_fresh_login) == (True, True)
    _, number = await app.user_details.view_user(principal, user.identity.id)
    assert number is None
    assert not principal.viewer.is_administrator
    with pytest.raises(PasskeyRequired):
        principal.check_can_view_items_of(user.identity.id, LibraryVisibility.OWNER)


async def test_required_asks_staff_without_a_passkey_too() -> None:
    app = AppHarness(policy=make_policy(are_required=True))
    principal = await app.add_administrator(STAFF)
    with pytest.raises(PasskeyRequired):
        staff_member(principal)
    assert not (await app.add_user()).needs_passkey


async def test_all_staff_that_has_one_needs_it(app: AppHarness) -> None:
    principal = await an_administrator(app)
    await app.identities.operator_actions.change_role(principal.identity.id, Role.AUDITOR)
    auditor = await app.log_in(STAFF)
    assert auditor.identity.staff.passkeys
    with pytest.raises(PasskeyRequired):
        staff_member(auditor)
