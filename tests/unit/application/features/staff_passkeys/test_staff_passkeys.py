"""Passkeys of the staff: add one, sign in with it, and what is refused."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final

import pytest

from application.administration.operator import staff_member
from application.features.console.sign_in import ConsoleUser
from application.features.staff_passkeys.enrol import ConsolePasskeyAdded
from application.features.voice.call_log import CallsFeature
from domain.access import LibraryVisibility
from domain.errors import (
    ConflictingValue,
    Forbidden,
    FreshLoginRequired,
    InvalidValue,
    PasskeyRequired,
    TooShort,
    Unauthenticated,
)
from domain.features.passkeys import (
    ChallengeNotValid,
    PasskeyExists,
    PasskeyNotFound,
    PasskeyRejected,
    TooManyPasskeys,
)
from domain.features.staff_passkeys import (
    InvitationNotValid,
    LastPasskey,
    NotStaff,
    PasskeysNotPossible,
)
from domain.identities.identity import Identity
from domain.identities.passkey import MAX_PASSKEYS
from domain.identities.role import Role
from entrypoints.http.features.passkeys.user_fields import PasskeyFields
from tests.support.app_harness import PASSKEY_ORIGIN, AppHarness, make_policy
from tests.support.authenticator import SoftwareAuthenticator
from tests.support.builders import a_phone
from tests.unit.application.features.console.test_console import (
    ADMINISTRATOR,
    authenticate,
    sign_in,
)
from tests.unit.application.features.passkeys.test_passkeys import OPERATOR, a_device


@dataclass
class Staff:
    """An administrator, and what one does."""

    app: AppHarness
    id: str
    device: SoftwareAuthenticator = field(default_factory=a_device)

    async def invite(self) -> str:
        link = await self.app.staff_passkeys.invite(OPERATOR, self.id, "a new laptop")
        url, _, secret = link.partition("#")
        assert url == f"{PASSKEY_ORIGIN}/console/passkeys/enrol"
        return secret

    async def enrol(
        self, device: SoftwareAuthenticator | None = None, secret: str = "", name: str = "laptop"
    ) -> str:
        """Add a passkey, and return the cookie."""
        secret, device = secret or await self.invite(), device or self.device
        options = await self.app.staff_passkeys.start_enrolment(secret)
        return (
            await self.app.staff_passkeys.enrol(secret, device.create(options), name, "de")
        ).cookie

    async def sign_in(self, device: SoftwareAuthenticator | None = None) -> str:
        options = self.app.staff_passkeys.start_sign_in()
        return (await self.app.staff_passkeys.sign_in((device or self.device).get(options))).cookie

    async def use_for_enrolment(self) -> str:
        options = self.app.staff_passkeys.start_use_for_enrolment()
        return await self.app.staff_passkeys.use_for_enrolment(self.device.get(options))

    async def sign_in_by_code(self) -> str:
        return (await sign_in(self.app)).cookie

    async def open(self, cookie: str) -> ConsoleUser:
        return await authenticate(self.app, cookie)

    async def has_ended(self, cookie: str) -> bool:
        try:
            await self.open(cookie)
        except Unauthenticated:
            return True
        return False

    @property
    def stored(self) -> Identity:
        return self.app.database.identities[self.id].value


async def make_staff(**policy: Any) -> Staff:
    app = AppHarness(policy=make_policy(**policy))
    return Staff(app, (await app.add_administrator(ADMINISTRATOR)).identity.id)


@pytest.fixture
async def staff() -> Staff:
    """An administrator without a passkey."""
    return await make_staff()


async def test_a_passkey_that_was_added_by_a_link_is_a_whole_sign_in(staff: Staff) -> None:
    by_code = await staff.sign_in_by_code()
    first = await staff.open(await staff.enrol())
    assert await staff.has_ended(by_code)
    await staff.app.messenger.arrived.wait()
    assert (ADMINISTRATOR, "console_passkey_added US de") in staff.app.messenger.messages
    (added,) = staff.app.events.of_type(ConsolePasskeyAdded)
    (passkey,) = staff.stored.staff.passkeys
    assert (added.passkey_id, added.reason, passkey.name) == (passkey.id, "a link", "laptop")
    shown = PasskeyFields.of(await staff.app.user_details.show_user(OPERATOR, staff.id, "a look"))
    assert ([each.name for each in shown.console_passkeys], shown.passkeys) == (["laptop"], [])
    staff.app.advance(hours=12)
    user = await staff.open(await staff.sign_in())
    assert user.session.passkey_id == first.session.passkey_id == passkey.id
    assert user.operator.has_fresh_login
    assert staff.stored.staff.passkeys[0].last_used_at == staff.app.clock.now()


async def test_a_link_is_used_once_also_by_two_at_once(staff: Staff) -> None:
    secrets = [await staff.invite(), await staff.invite()]
    created = a_device().create(await staff.app.staff_passkeys.start_enrolment(secrets[0]))
    with pytest.raises(ChallengeNotValid):  # of another invitation
        await staff.app.staff_passkeys.enrol(secrets[1], created, "phone")
    secret = secrets[0]
    results = await asyncio.gather(
        staff.enrol(a_device(1), secret, "one"),
        staff.enrol(a_device(2), secret, "two"),
        return_exceptions=True,
    )
    assert [type(each) for each in results].count(InvitationNotValid) == 1
    with pytest.raises(InvitationNotValid):
        await staff.enrol(a_device(3), secret, "three")
    assert len(staff.stored.staff.passkeys) == 1


Act = Callable[[Staff], Awaitable[object]]


VOIDS: Final[dict[str, Act]] = {
    "15 minutes": lambda staff: asyncio.to_thread(staff.app.advance, minutes=15),
    "role": lambda staff: staff.app.identities.operator_actions.change_role(
        ADMINISTRATOR, Role.MEMBER
    ),
    "end of all sessions": lambda staff: staff.app.identities.operator_actions.revoke_sessions(
        ADMINISTRATOR
    ),
    "another passkey": lambda staff: staff.enrol(a_device(1)),
    "removal": lambda staff: staff.app.passkeys.remove_of_user(OPERATOR, staff.id, None, "lost"),
}


@pytest.mark.parametrize("act", VOIDS.values(), ids=VOIDS)
async def test_a_link_is_void(staff: Staff, act: Act) -> None:
    await staff.enrol(a_device(9), name="first")
    secret = await staff.invite()
    stored = staff.app.database.records.tables["passkey_invitations"].values()
    assert secret not in repr([*stored])
    await act(staff)
    for call in (staff.app.staff_passkeys.start_enrolment(secret), staff.enrol(secret=secret)):
        with pytest.raises(InvitationNotValid):
            await call


async def test_a_passkey_without_a_count_signs_in_again(staff: Staff) -> None:
    for _ in range(3):
        staff.device.sign_count = -1  # its next response has 0
        await (staff.sign_in() if staff.stored.staff.passkeys else staff.enrol())


async def test_nothing_is_added_without_user_verification_or_twice_or_as_the_eleventh(
    staff: Staff,
) -> None:
    secret = await staff.invite()
    with pytest.raises(PasskeyRejected):
        await staff.enrol(replace(a_device(), verifies_user=False), secret)
    for name in ("", "a" * 51):
        with pytest.raises(InvalidValue):
            await staff.enrol(secret=secret, name=name)
    await staff.enrol(secret=secret)  # the link is still valid
    with pytest.raises(ConflictingValue):
        await staff.enrol(a_device(1))
    with pytest.raises(PasskeyExists):
        await staff.enrol(name="again")
    for number in range(1, MAX_PASSKEYS):
        await staff.enrol(a_device(number), name=f"key {number}")
    with pytest.raises(TooManyPasskeys):
        await staff.invite()
    with pytest.raises(TooManyPasskeys):
        await staff.use_for_enrolment()


async def test_a_passkey_that_is_used_now_adds_another_one(staff: Staff) -> None:
    await staff.enrol()
    answer = staff.device.get(staff.app.staff_passkeys.start_sign_in())
    with pytest.raises(ChallengeNotValid):  # which is to sign in
        await staff.app.staff_passkeys.use_for_enrolment(answer)
    secret = await staff.use_for_enrolment()
    staff.app.advance(minutes=4)
    await staff.enrol(a_device(1), secret, "phone")
    assert [each.name for each in staff.stored.staff.passkeys] == ["laptop", "phone"]
    late = await staff.use_for_enrolment()
    staff.app.advance(minutes=5)
    with pytest.raises(InvitationNotValid):
        await staff.app.staff_passkeys.start_enrolment(late)


async def test_no_code_opens_the_console_where_a_passkey_is_needed(staff: Staff) -> None:
    cookie = await staff.sign_in_by_code()
    assert not await staff.has_ended(cookie)
    staff.app.use_cases.identities.extensions.needs_passkey = lambda _: True
    assert await staff.has_ended(cookie)
    required = await make_staff(are_required=True)
    with pytest.raises(PasskeyRequired) as error:
        await required.sign_in_by_code()
    assert error.value.has_none
    user = await required.open(await required.enrol())
    with pytest.raises(LastPasskey):
        await required.app.staff_passkeys.remove_own(user, required.stored.staff.passkeys[0].id)


async def test_the_owner_removes_a_passkey_in_a_session_by_passkey(staff: Staff) -> None:
    passkeys = staff.app.staff_passkeys
    by_code = await staff.open(await staff.sign_in_by_code())
    await staff.enrol()
    (passkey,) = staff.stored.staff.passkeys
    with pytest.raises(PasskeyRequired):
        await passkeys.remove_own(by_code, passkey.id)
    with pytest.raises(PasskeyRequired):
        await staff.sign_in_by_code()
    user = await staff.open(await staff.sign_in())
    with pytest.raises(PasskeyNotFound):
        await passkeys.remove_own(user, "0" * 16)
    staff.app.advance(minutes=15)
    with pytest.raises(FreshLoginRequired):
        await passkeys.remove_own(user, passkey.id)
    cookie = await staff.sign_in()
    assert (await passkeys.remove_own(await staff.open(cookie), passkey.id)).name == "laptop"
    assert await staff.has_ended(cookie)
    assert not await staff.has_ended(await staff.sign_in_by_code())
    with pytest.raises(PasskeyRejected):
        await staff.sign_in()


async def test_a_command_removes_passkeys_by_name_id_or_all(staff: Staff) -> None:
    remove, names, cookie = staff.app.passkeys.remove_of_user, ["a", "b", "c", "d"], ""
    for number, name in enumerate(names):
        cookie = await staff.enrol(a_device(number), name=name)
    removed = await remove(OPERATOR, staff.id, "a", "lost")
    removed = [
        *removed,
        *await remove(OPERATOR, staff.id, staff.stored.staff.passkeys[0].id, "x"),
    ]
    assert [each.name for each in removed] == ["a", "b"]
    assert await staff.has_ended(cookie)
    recorded = len(staff.app.database.audit_entries)
    with pytest.raises(PasskeyNotFound):
        await remove(OPERATOR, staff.id, "a", "lost")
    assert len(staff.app.database.audit_entries) == recorded
    assert len(await remove(OPERATOR, staff.id, None, "stolen")) == 2
    assert not staff.stored.staff.passkeys


async def test_only_a_command_invites_and_only_staff_is_invited(staff: Staff) -> None:
    passkeys = staff.app.staff_passkeys
    user = await staff.open(await staff.sign_in_by_code())
    for call in (
        passkeys.invite(user.operator, staff.id, "why"),
        staff.app.passkeys.remove_of_user(user.operator, staff.id, None, "why"),
    ):
        with pytest.raises(Forbidden):
            await call
    with pytest.raises(TooShort):
        await passkeys.invite(OPERATOR, staff.id, "")
    member = await staff.app.add_user(a_phone(1))
    with pytest.raises(NotStaff):
        await passkeys.invite(OPERATOR, member.identity.id, "why")
    assert staff.app.database.audit_entries == []


async def test_without_a_host_name_there_are_no_passkeys_and_it_says_why() -> None:
    app = AppHarness(policy=make_policy(why_not="no host name"), relying_party=None)
    assert app.staff_passkeys.why_not == "no host name"
    with pytest.raises(PasskeysNotPossible, match="no host name"):
        app.staff_passkeys.start_sign_in()


async def test_passkeys_end_with_the_role(staff: Staff) -> None:
    await staff.enrol()
    operators = staff.app.identities.operator_actions
    await operators.change_role(ADMINISTRATOR, Role.MEMBER)
    assert staff.stored.staff.passkeys == ()
    with pytest.raises(PasskeyRejected):
        await staff.sign_in()


async def test_the_cleanup_deletes_what_has_expired(staff: Staff) -> None:
    await staff.enrol()
    await staff.invite()
    tables = staff.app.database.records.tables
    for minutes, left in ((5, (1, 1)), (1, (0, 1)), (10, (0, 0))):
        staff.app.advance(minutes=minutes)
        await staff.app.operations.cleanup()
        kinds = ("used_passkey_challenges", "passkey_invitations")
        assert tuple(len(tables[kind]) for kind in kinds) == left


# In the app, where a session by SMS has no right of staff anywhere


async def test_staff_with_a_passkey_has_the_rights_of_members_in_the_app(staff: Staff) -> None:
    await staff.enrol()
    app, user = staff.app, (await staff.app.add_user()).identity.id
    principal = await app.log_in(ADMINISTRATOR)
    assert (principal.has_recent_login, principal.has_fresh_login) == (True, True)
    with pytest.raises(PasskeyRequired):
        staff_member(principal)
    for act in (
        app.create_user(principal, "Asha", a_phone(7)),
        app.use_cases.of(CallsFeature).open_recording(principal, "0" * 24).__aenter__(),
        app.upload_image(principal, owner_id=user),
    ):
        with pytest.raises(PasskeyRequired):
            await act
    _, number = await app.user_details.view_user(principal, user)
    assert (number, principal.viewer.is_administrator) == (None, False)
    with pytest.raises(PasskeyRequired):
        principal.check_can_view_items_of(user, LibraryVisibility.OWNER)


async def test_required_asks_staff_without_a_passkey_too() -> None:
    app = (await make_staff(are_required=True)).app
    with pytest.raises(PasskeyRequired):
        staff_member(await app.log_in(ADMINISTRATOR))
    assert not (await app.add_user()).needs_passkey
